// SPDX-License-Identifier: MIT

package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/holdover-go/holdover/internal/storebench"
	"github.com/holdover-go/holdover/stores/file"
)

// BenchmarkStore measures the store beside what somebody would write who keeps bytes in
// files: a temporary file that is renamed, and os.ReadFile.
func BenchmarkStore(b *testing.B) {
	dir := b.TempDir()
	var temps atomic.Uint64
	storebench.Run(b, open(b, file.Config{}), storebench.Plain{
		Set: func(_ context.Context, name string, value []byte) error {
			temp := filepath.Join(dir, strconv.FormatUint(temps.Add(1), 10)+".new")
			if err := os.WriteFile(temp, value, 0o600); err != nil {
				return err
			}
			return os.Rename(temp, filepath.Join(dir, name))
		},
		Get: func(_ context.Context, name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) },
	})
}
