// SPDX-License-Identifier: MIT

package file_test

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/file"
)

func open(t testing.TB, cfg file.Config) *file.Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 20*time.Second) // a busy machine may stop for longer than the default
	s, err := file.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

const (
	suiteBytes = 64 << 20
	suiteValue = 4 << 20
)

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]file.Config{
		"plain": {},
		"sync":  {Sync: true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Dir, cfg.MaxBytes, cfg.MaxValue = t.TempDir(), suiteBytes, suiteValue
			storetest.Run(t, func(t *testing.T) store.Store { return open(t, cfg) }, storetest.Features{
				MaxBody: 2 << 20, MaxValue: suiteValue, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
				Raw: func(t *testing.T, _ store.Store) storetest.Raw { return raw{t, cfg.Dir} },
			})
		})
	}
}

// raw reads and writes the values in the files.
type raw struct {
	t   *testing.T
	dir string
}

const headLen = 32

func (r raw) Load(key string) []byte {
	b, err := os.ReadFile(path(r.dir, key))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(r.t, err)
	return b[headLen:]
}

func (r raw) Save(key string, value []byte) {
	save(r.t, r.dir, key, value, time.Now().Add(time.Hour))
}

// path returns where the entry of a key stands, as doc.go says.
func path(dir, key string) string {
	name := store.HashedKey("", key)
	return filepath.Join(dir, name[:2], name)
}

// save writes a file as doc.go says, behind the store's back.
func save(t testing.TB, dir, key string, value []byte, until time.Time) {
	t.Helper()
	table := crc32.MakeTable(crc32.Castagnoli)
	b := append([]byte("HLDF"), 1, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(until.UnixNano()))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(value, table))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, table))
	require.NoError(t, os.MkdirAll(filepath.Dir(path(dir, key)), 0o700))
	require.NoError(t, os.WriteFile(path(dir, key), append(b, value...), 0o600))
}
