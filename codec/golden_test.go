// SPDX-License-Identifier: MIT

package codec_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
)

// A release with another format writes files of its own and goes on reading these.
// Another version of an algorithm may write other bytes, but must read these.
var update = flag.Bool("update", false, "write the golden files of the present formats")

func TestGoldenFiles(t *testing.T) {
	files := map[string]string{
		"format1-zstd.bin": "zstd", "format1-brotli.bin": "brotli", "format1-gzip.bin": "gzip",
		"format1-plain.bin": "plain", "format1-msgpack.bin": "MessagePack",
	}
	for name, written := range files {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name)
			c := open(t, all[written])
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(file, encode(t, c, entry(t, page())), 0o644))
			}
			golden, err := os.ReadFile(file)
			require.NoError(t, err)
			if _, packed := packing[written]; packed {
				require.Equal(t, packing[written], packingOf(golden))
			} else {
				require.Equal(t, golden, encode(t, c, entry(t, page())), "the encoding changed: that takes a new format number")
			}
			e, err := codec.Default().Decode(golden)
			require.NoError(t, err)
			require.Equal(t, page(), e.Response())
			require.Equal(t, entry(t, page()).Bytes(), e.Bytes())
		})
	}
}
