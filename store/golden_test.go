// SPDX-License-Identifier: MIT

package store_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// A release with another format writes files of its own and keeps these, which
// it may then refuse but must never misread.
var update = flag.Bool("update", false, "write the golden files of the present format")

func TestGoldenFiles(t *testing.T) {
	for name, r := range map[string]store.Response{
		"format1-response.bin": page(), "format1-variant.bin": variant(), "format1-vary.bin": varySpec(),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(file, encode(t, r).Bytes(), 0o644))
			}
			golden, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, golden, encode(t, r).Bytes(), "the encoding changed: that takes a new format version")
			e, err := store.Decode(golden)
			require.NoError(t, err)
			require.Equal(t, r, e.Response())
		})
	}
}
