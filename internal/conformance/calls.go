// SPDX-License-Identifier: MIT

package conformance

import (
	"fmt"
	"strconv"
	"strings"
)

// callRange is how often the origin is called, as text.
func (w Want) callRange() string {
	if w.Calls != "" {
		return w.Calls
	}
	switch w.By {
	case Forwarded, Validated:
		return "1"
	case Stored, Own:
		return "0"
	case Stale:
		return "0-1"
	default:
		return "0-1000"
	}
}

func (w Want) calls() (low, high int) {
	low, high, _ = parseRange(w.callRange(), "-")
	return low, high
}

// parseRange reads "3", or "3-5" with "-" between.
func parseRange(text, between string) (low, high int, err error) {
	first, last, ranged := strings.Cut(text, between)
	if !ranged {
		last = first
	}
	if low, err = strconv.Atoi(first); err == nil {
		high, err = strconv.Atoi(last)
	}
	if err == nil && low > high {
		err = fmt.Errorf("%q is no range", text)
	}
	return low, high, err
}
