// SPDX-License-Identifier: MIT

package sql_test

import (
	"bytes"
	stdsql "database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

// A scan takes many pages, by number and by size, while entries come and go.
func TestScanPages(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, func(c *sql.Config) { c.Codec = store.Plain })
		set(t, s, 0, 250, 1<<10, time.Hour)
		set(t, s, 250, 265, 1<<20, time.Hour)
		set(t, s, 265, 270, 5<<20, time.Hour)
		seen := map[string]int{}
		for e, err := range s.Scan(t.Context()) {
			require.NoError(t, err)
			seen[e.Key()]++
			if len(seen)%50 == 0 {
				set(t, s, 1000+len(seen), 1001+len(seen), 1<<10, time.Hour) // the end doesn't run away
				require.NoError(t, s.Delete(t.Context(), key(1000+len(seen))))
			}
		}
		for i := range 270 {
			require.Equal(t, 1, seen[key(i)], key(i))
		}
		require.Len(t, seen, 270)
	})
}

func TestGetManyKeys(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, nil)
		set(t, s, 0, 700, 100, time.Hour)
		keys := make([]string, 2000)
		for i := range keys {
			keys[i] = key(i)
		}
		entries, err := s.GetMany(t.Context(), keys)
		require.NoError(t, err)
		for i, e := range entries {
			require.Equal(t, i < 700, e != nil, i)
			if e != nil {
				require.Equal(t, keys[i], e.Key())
			}
		}
	})
}

// What has expired is not set, and drops only what it would have replaced.
func TestConditionalSetsOfTheExpired(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, nil)
		standing := entry(t, key(1), []byte("standing"), time.Hour)
		expired := entry(t, key(1), []byte("expired"), -time.Second)
		done, err := s.SetIfAbsent(t.Context(), key(1), expired)
		require.NoError(t, err)
		require.True(t, done, "nothing stands in its way")
		_, err = s.Get(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound)

		require.NoError(t, s.Set(t.Context(), key(1), standing))
		done, err = s.SetIfAbsent(t.Context(), key(1), expired)
		require.NoError(t, err)
		require.False(t, done)
		_, err = s.Get(t.Context(), key(1))
		require.NoError(t, err)

		done, err = s.SetIfNewer(t.Context(), key(1), expired)
		require.NoError(t, err)
		require.True(t, done, "it is newer than what stands")
		_, err = s.Get(t.Context(), key(1))
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// With the rights that the documentation names everything works, without the right to make
// a table. Without the right to delete, an operator hears of it.
func TestRights(t *testing.T) {
	admin := postgresPool(t, "")
	made := newStore(t, admin, sql.Config{Table: "rights"})
	set(t, made, 0, 1, 100, time.Hour)
	execute(t, admin, "DROP ROLE IF EXISTS worker")
	execute(t, admin, "CREATE ROLE worker LOGIN")
	execute(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON rights TO worker")
	t.Cleanup(func() { _, _ = admin.Exec("DROP OWNED BY worker; DROP ROLE worker") })
	db, err := stdsql.Open("pgx", "postgres://worker@"+postgres(t).Addr()+"/postgres?sslmode=disable")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })

	var log logBuffer
	s := newStore(t, db, sql.Config{Table: "rights", MaxBytes: 1 << 20, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for name, call := range calls(s, entry(t, key(1), []byte("body"), time.Hour)) {
		if err := call(t.Context()); err != store.ErrNotFound {
			require.NoError(t, err, name)
		}
	}
	newer := entry(t, key(0), []byte("newer"), 2*time.Hour)
	_, err = s.SetIfNewer(t.Context(), newer.Key(), newer)
	require.NoError(t, err)
	require.NoError(t, s.Round(t.Context()))

	other := newStore(t, db, sql.Config{Table: "not_there"})
	err = other.Set(t.Context(), newer.Key(), newer)
	require.ErrorContains(t, err, "make the table")
	require.ErrorContains(t, err, "permission denied")

	execute(t, admin, "REVOKE DELETE ON rights FROM worker")
	set(t, s, 10, 12, 100<<10, time.Hour)
	require.Eventually(t, func() bool { return bytes.Contains(log.bytes(), []byte("permission denied")) },
		10*time.Second, 10*time.Millisecond)
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}
