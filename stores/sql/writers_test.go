// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

// writerFile makes this program a process that writes to a file of SQLite.
const (
	writerFile   = "SQL_TEST_WRITER_FILE"
	writes       = 300
	writeTimeout = 20 * time.Second
)

// writeFile sets entries as quickly as it can, in a file that others write to as well.
func writeFile(file string) (exitCode int) {
	if err := writeEntries(file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func writeEntries(file string) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	writer, readers := sql.SQLiteDSN(file)
	db, err := stdsql.Open("sqlite", writer)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	reads, err := stdsql.Open("sqlite", readers)
	if err != nil {
		return err
	}
	defer reads.Close()
	s, err := sql.New(db, sql.Config{Readers: reads})
	if err != nil {
		return err
	}
	defer s.Close()
	return writeAll(ctx, s)
}

func writeAll(ctx context.Context, s *sql.Store) error {
	for i := range writes {
		key := fmt.Sprint(os.Getpid(), " ", i)
		now := time.Now()
		e, err := store.New(store.Response{Key: key, Status: 200, Body: make([]byte, 10<<10),
			RequestTime: now.UnixNano(), StoreUntil: now.Add(time.Hour).UnixNano()})
		if err != nil {
			return err
		}
		if err := s.Set(ctx, key, e); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		if _, err := s.Get(ctx, key); err != nil {
			return fmt.Errorf("read %d: %w", i, err)
		}
	}
	return nil
}

// Several processes open a file that isn't there yet, make the table and write, all at once.
func TestProcessesShareAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache.db")
	const processes = 4
	var all sync.WaitGroup
	errs := make([]error, processes)
	for i := range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), writerFile+"="+file)
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	db, _ := sqlitePools(t, file)
	require.EqualValues(t, processes*writes, number(t, db, "SELECT count(*) FROM holdover_entries"))
	require.EqualValues(t, 2, number(t, db, "PRAGMA auto_vacuum"), "the first process set it up for all")
}

// Stores that find no table make it together.
func TestTableIsMadeByManyAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		stores := make([]*sql.Store, 8)
		for i := range stores {
			stores[i], _ = d.open(t, nil)
		}
		var all sync.WaitGroup
		errs := make([]error, len(stores))
		for i, s := range stores {
			e := entry(t, key(i), []byte("body"), time.Hour)
			all.Go(func() { errs[i] = s.Set(within(t, 10*time.Second), e.Key(), e) })
		}
		all.Wait()
		for i, s := range stores {
			require.NoError(t, errs[i])
			_, err := s.Get(t.Context(), key((i+1)%len(stores)))
			require.NoError(t, err, "they share the table")
		}
	})
}

func TestTableIsMadeAgain(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		e := entry(t, key(1), []byte("body"), time.Hour)
		for name, call := range calls(s, e) {
			require.NoError(t, s.Set(t.Context(), e.Key(), e))
			execute(t, db, "DROP TABLE "+cfg.Table)
			err := call(t.Context())
			if name == "Get" {
				require.ErrorIs(t, err, store.ErrNotFound, "%s: nothing is there, and that is all", name)
			} else {
				require.NoError(t, err, name)
			}
			require.NoError(t, s.Set(t.Context(), e.Key(), e))
			_, err = s.Get(t.Context(), e.Key())
			require.NoError(t, err)
		}
	})
}

// calls are all that ask the database for an entry.
func calls(s *sql.Store, e *store.Entry) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":         func(ctx context.Context) error { _, err := s.Get(ctx, e.Key()); return err },
		"GetMany":     func(ctx context.Context) error { _, err := s.GetMany(ctx, []string{e.Key(), "2"}); return err },
		"Set":         func(ctx context.Context) error { return s.Set(ctx, e.Key(), e) },
		"SetIfAbsent": func(ctx context.Context) error { _, err := s.SetIfAbsent(ctx, e.Key(), e); return err },
		"SetIfNewer":  func(ctx context.Context) error { _, err := s.SetIfNewer(ctx, e.Key(), e); return err },
		"Delete":      func(ctx context.Context) error { return s.Delete(ctx, e.Key()) },
		"Ping":        s.Ping,
		"Scan": func(ctx context.Context) error {
			for _, err := range s.Scan(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
