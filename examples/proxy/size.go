// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errSize = errors.New("want a size above 0 such as 64MiB, 2GiB or 500000")

var units = [...]struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1}, // last: the others end in it too
}

// parseSize reads whole numbers of bytes with or without a unit.
func parseSize(text string) (int64, error) {
	factor := int64(1)
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.suffix); found {
			text, factor = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/factor {
		return 0, errSize
	}
	return n * factor, nil
}
