// SPDX-License-Identifier: MIT

package sql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

func smallStore(c *sql.Config) { c.MaxBytes, c.Codec = 1<<20, store.Plain }

func TestTrimByAge(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		s.TrimEvery(50 * time.Millisecond)
		set(t, s, 0, 250, 100, 10*time.Millisecond)
		set(t, s, 250, 260, 100, time.Hour)
		require.Eventually(t, func() bool { return number(t, db, "SELECT count(*) FROM "+cfg.Table) == 10 },
			10*time.Second, 20*time.Millisecond, "rows go a second or two after their entries expired")
	})
}

func TestTrimBySize(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, smallStore)
		_, cfg := d.config(t)
		sum := "SELECT coalesce(sum(sz), 0) FROM " + cfg.Table
		var highest int64
		for i := range 400 {
			set(t, s, i, i+1, 10<<10, time.Hour)
			highest = max(highest, number(t, db, sum))
		}
		require.LessOrEqual(t, highest, int64(1<<20+1<<20/10), "the bound holds at any time, but for a tenth")
		require.NoError(t, s.Round(t.Context()))
		require.LessOrEqual(t, number(t, db, sum), int64(1<<20))
		require.Greater(t, number(t, db, sum), int64(1<<20-1<<20/10), "no more goes than must")
		for i := range 400 {
			_, err := s.Get(t.Context(), key(i))
			switch {
			case i < 290:
				require.ErrorIs(t, err, store.ErrNotFound, "the oldest go first: %d", i)
			case i > 310:
				require.NoError(t, err, "the oldest go first: %d", i)
			}
		}
	})
}

// Two stores that find too much at the same time don't drop twice as much.
func TestTrimTogether(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		unbounded, db := d.open(t, func(c *sql.Config) { c.MaxBytes, c.Codec = -1, store.Plain })
		_, cfg := d.config(t)
		set(t, unbounded, 0, 300, 10<<10, time.Hour)
		results := make(chan error, 4)
		for range cap(results) {
			s, _ := d.open(t, smallStore)
			go func() { results <- s.Round(t.Context()) }()
		}
		for range cap(results) {
			require.NoError(t, <-results)
		}
		left := number(t, db, "SELECT sum(sz) FROM "+cfg.Table)
		require.LessOrEqual(t, left, int64(1<<20))
		require.Greater(t, left, int64(1<<20-1<<20/10))
	})
}

// What can't be read goes by age and size like the rest.
func TestTrimTakesTheUnreadable(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, smallStore)
		_, cfg := d.config(t)
		require.NoError(t, s.Delete(t.Context(), "makes the table"))
		r := raw{t, db, cfg.Table}
		for i := range 50 {
			r.Save(key(i), make([]byte, 30<<10))
		}
		execute(t, db, "UPDATE "+cfg.Table+" SET exp = 5 WHERE id <= 5")
		require.NoError(t, s.Round(t.Context()))
		require.Nil(t, r.Load(key(0)))
		require.Nil(t, r.Load(key(10)))
		require.NotNil(t, r.Load(key(49)))
		require.Greater(t, number(t, db, "SELECT count(*) FROM "+cfg.Table), int64(25), "unread they take no more room than they do")
	})
}

// A row that is written anew, with a later end, is as young as that.
func TestRefreshedStay(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, func(c *sql.Config) { smallStore(c); c.MaxValue = 1 << 20 })
		set(t, s, 0, 3, 10<<10, time.Hour)
		for i := range 3 {
			e := entry(t, key(1), make([]byte, 10<<10), time.Duration(i+2)*time.Hour)
			require.NoError(t, s.Set(t.Context(), e.Key(), e))
			set(t, s, 100+40*i, 140+40*i, 10<<10, time.Hour)
			newer := entry(t, key(2), make([]byte, 10<<10), time.Duration(i+2)*time.Hour)
			done, err := s.SetIfNewer(t.Context(), newer.Key(), newer)
			require.NoError(t, err)
			require.True(t, done)
			require.NoError(t, s.Round(t.Context()))
		}
		_, err := s.Get(t.Context(), key(0))
		require.ErrorIs(t, err, store.ErrNotFound)
		for i := 1; i < 3; i++ {
			_, err = s.Get(t.Context(), key(i))
			require.NoError(t, err)
		}
	})
}

// The size is estimated well enough, whatever the sizes of the values are and however the
// ids are spread.
func TestSize(t *testing.T) {
	// i is the number of the row, and random() gives an integer of either sign in SQLite.
	sizes := map[string]map[string]string{
		"Equal":     {"PostgreSQL": "1000", "SQLite": "1000"},
		"Spread":    {"PostgreSQL": "1000 * 2 ^ (6 * random())", "SQLite": "1000 << abs(random() % 6)"},
		"FewLarge":  {"PostgreSQL": "CASE WHEN i % 1999 = 0 THEN 8000000 ELSE 500 END", "SQLite": "CASE WHEN i % 1999 = 0 THEN 8000000 ELSE 500 END"},
		"HalfLarge": {"PostgreSQL": "CASE WHEN i % 2 = 0 THEN 60000 ELSE 500 END", "SQLite": "CASE WHEN i % 2 = 0 THEN 60000 ELSE 500 END"},
	}
	insert := map[string]string{
		"PostgreSQL": `INSERT INTO %s (id, kh, sz, exp, ver, v)
SELECT i::bigint * i, decode(md5(i::text), 'hex'), %s, 5, 5, 'v' FROM generate_series(1, 9000) AS i`,
		"SQLite": `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
INSERT INTO %s (id, kh, sz, exp, ver, v) SELECT i * i, randomblob(16), %s, 5, 5, x'00' FROM n`,
	}
	eachDatabase(t, func(t *testing.T, d database) {
		for name, size := range sizes {
			t.Run(name, func(t *testing.T) {
				s, db := d.open(t, nil)
				_, cfg := d.config(t)
				require.NoError(t, s.Delete(t.Context(), "makes the table"))
				execute(t, db, fmt.Sprintf(insert[d.name], cfg.Table, size[d.name]))
				want := number(t, db, "SELECT sum(sz) FROM "+cfg.Table)
				s.SetMaxBytes(want)
				got := make([]int64, 9)
				for i := range got {
					var err error
					got[i], err = s.Size(t.Context())
					require.NoError(t, err)
				}
				slices.Sort(got)
				require.InEpsilon(t, want, got[0], 0.15)
				require.InEpsilon(t, want, got[4], 0.1)
				require.InEpsilon(t, want, got[8], 0.15)
				execute(t, db, "DROP TABLE "+cfg.Table)
			})
		}
	})
}

func TestFileShrinks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache.db")
	db, readers := sqlitePools(t, file)
	s := newStore(t, db, sql.Config{Readers: readers, Codec: store.Plain})
	set(t, s, 0, 600, 20<<10, time.Hour)
	require.Greater(t, length(t, file), int64(10<<20))
	execute(t, db, "UPDATE holdover_entries SET exp = 5 WHERE id > 100")
	require.NoError(t, s.Round(t.Context()))
	require.EqualValues(t, 100, number(t, db, "SELECT count(*) FROM holdover_entries"))
	require.Less(t, length(t, file), int64(7<<20))
	_, err := s.Get(t.Context(), key(99))
	require.NoError(t, err)
}

// A file that was made without the setting can't shrink, and nobody tries for ever.
func TestFileThatCannotShrink(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache.db")
	db := openPool(t, "sqlite", "file:"+file+"?_pragma=busy_timeout(10)&_pragma=journal_mode(WAL)")
	s := newStore(t, db, sql.Config{Codec: store.Plain})
	set(t, s, 0, 500, 20<<10, time.Hour)
	execute(t, db, "UPDATE holdover_entries SET exp = 5")
	require.NoError(t, s.Round(t.Context()))
	require.Zero(t, number(t, db, "SELECT count(*) FROM holdover_entries"))
}

func length(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	return info.Size()
}
