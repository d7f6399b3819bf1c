// SPDX-License-Identifier: MIT

package file

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func newStore(t testing.TB, cfg Config) *Store {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // some tests let it fail
	return s
}

func newEntry(t testing.TB, key, body string) *store.Entry {
	t.Helper()
	e, err := store.New(store.Response{Key: key, Status: 200, Body: []byte(body), StoreUntil: time.Now().Add(time.Hour).UnixNano()})
	require.NoError(t, err)
	return e
}
