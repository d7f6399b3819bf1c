// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

// journalCalls are all calls to a journal, which has this epoch.
func journalCalls(s *sql.Store, epoch [16]byte) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error { _, err := s.Append(ctx, marked(100, 2)); return err },
		"Read":   func(ctx context.Context) error { _, err := s.Read(ctx, store.Position{}); return err },
		"Renew":  func(ctx context.Context) error { return s.Renew(ctx, epoch) },
	}
}

// newTable names one that isn't there yet.
func newTable() string { return fmt.Sprint("journal", tables.Add(1)) }

// Whoever holds a lock keeps appends waiting as long as their contexts last, and the pool
// is as it was afterwards.
func TestJournalWhileLocked(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		other, cfg := d.config(t)
		p, err := s.Append(t.Context(), marked(0, 3))
		require.NoError(t, err)

		holder, err := other.Conn(t.Context())
		require.NoError(t, err)
		defer holder.Close()
		begin := map[string]string{"PostgreSQL": "BEGIN", "SQLite": "BEGIN IMMEDIATE"}[d.name]
		for _, statement := range []string{begin, "UPDATE " + cfg.Table + "_journal_state SET last = last"} {
			_, err = holder.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		for _, name := range []string{"Append", "Renew"} {
			endsInTime(t, name, journalCalls(s, p.Epoch)[name])
		}
		page, err := s.Read(within(t, time.Second), p)
		require.NoError(t, err, "readers don't wait for a writer")
		require.Equal(t, p, page.Position())
		_, err = holder.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)

		after, err := s.Append(within(t, 5*time.Second), marked(3, 1))
		require.NoError(t, err)
		page, err = s.Read(t.Context(), after)
		require.NoError(t, err)
		require.Equal(t, marked(3, 1), page.Marks)
		if d.name == "SQLite" {
			require.Equal(t, store.Position{Epoch: p.Epoch, Seq: 4}, after, "what was given up was not done")
			require.EqualValues(t, 1, number(t, db, "PRAGMA synchronous"), "entries are set as quickly as before")
		}
	})
}

// Appends that are cancelled at any moment leave all of their marks or none, and the
// connection as it was.
func TestJournalCancelled(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		const n = 500
		sure := 0
		for i := range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
			if _, err := s.Append(ctx, marked(0, n)); err == nil {
				sure++
			}
			cancel()
		}
		p, err := s.Append(within(t, 5*time.Second), marked(0, n))
		require.NoError(t, err)
		require.Zero(t, p.Seq%n)
		require.GreaterOrEqual(t, p.Seq, uint64(sure+1)*n)
		var done atomic.Bool
		done.Store(true)
		got := follow(t, s, store.Position{Epoch: p.Epoch}, &done)
		// A server may complete what was cancelled after what came next.
		require.GreaterOrEqual(t, uint64(len(got)), p.Seq)
		require.Zero(t, len(got)%n)
		for i, m := range got {
			require.EqualValues(t, i%n, m.Hash)
		}
		if d.name == "SQLite" {
			require.EqualValues(t, 1, number(t, db, "PRAGMA synchronous"))
		}
	})
}

func TestJournalWithExhaustedPool(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db, cfg := d.config(t)
		cfg.Readers = nil
		db.SetMaxOpenConns(1)
		s := newStore(t, db, cfg)
		p, err := s.Append(t.Context(), marked(0, 3))
		require.NoError(t, err, "one connection is enough")
		taken, err := db.Conn(t.Context())
		require.NoError(t, err)
		for name, call := range journalCalls(s, p.Epoch) {
			endsInTime(t, name, call)
		}
		require.NoError(t, taken.Close())
		for name, call := range journalCalls(s, p.Epoch) {
			require.NoError(t, call(t.Context()), name)
		}
	})
}

func TestJournalGetsOverDeadConnections(t *testing.T) {
	db := postgresPool(t, "")
	s := newStore(t, db, sql.Config{Table: newTable()})
	p, err := s.Append(t.Context(), marked(0, 3))
	require.NoError(t, err)
	for name, call := range journalCalls(s, p.Epoch) {
		fill(t, db, 12)
		postgres(t).Restart()
		require.NoError(t, call(within(t, 5*time.Second)), name)
	}
}

// An append whose answer doesn't come is done again: its marks stand once or twice, and
// where it says.
func TestJournalWhoseAnswerIsLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	lose := forward(t, addr, postgres(t).Addr())
	s := newStore(t, openPool(t, "pgx", "postgres://postgres@"+addr+"/postgres?sslmode=disable"), sql.Config{Table: newTable()})
	_, err = s.Append(t.Context(), marked(0, 3)) // statements are prepared
	require.NoError(t, err)
	lose.Store(true)
	p, err := s.Append(within(t, 5*time.Second), marked(3, 2))
	require.NoError(t, err)
	page, err := s.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	require.Equal(t, p, page.Position())
	require.Equal(t, marked(3, 2), page.Marks[len(page.Marks)-2:])
	require.LessOrEqual(t, len(page.Marks), 7)
}

// Every call makes the tables that it misses, also many at once, and all agree on the epoch.
func TestJournalIsMadeByManyAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		stores := make([]*sql.Store, 8)
		for i := range stores {
			stores[i], _ = d.open(t, nil)
		}
		var all sync.WaitGroup
		epochs := make([][16]byte, len(stores))
		for i, s := range stores {
			all.Go(func() {
				var err error
				if i%2 == 0 {
					var p store.Position
					p, err = s.Append(within(t, 10*time.Second), marked(i, 1))
					epochs[i] = p.Epoch
				} else {
					var page store.JournalPage
					page, err = s.Read(within(t, 10*time.Second), store.Position{})
					epochs[i] = page.Epoch
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, epoch := range epochs {
			require.Equal(t, epochs[0], epoch)
		}
		page, err := stores[0].Read(t.Context(), store.Position{})
		require.NoError(t, err)
		require.Equal(t, epochs[0], page.Epoch)
		require.Len(t, page.Marks, 4)
	})
}

func TestJournalIsMadeAgain(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		p, err := s.Append(t.Context(), marked(0, 3))
		require.NoError(t, err)
		for name, call := range journalCalls(s, p.Epoch) {
			for _, table := range []string{"_journal", "_journal_state"} {
				execute(t, db, "DROP TABLE "+cfg.Table+table)
				require.NoError(t, call(t.Context()), name)
				page, err := s.Read(t.Context(), p)
				require.NoError(t, err)
				require.NotEqual(t, p.Epoch, page.Epoch, "%s without %s", name, table)
				p, err = s.Append(t.Context(), marked(0, 3))
				require.NoError(t, err)
			}
		}
	})
}

// A server that was promoted, or restored, may lack what was confirmed elsewhere.
func TestJournalOnAnotherTimeline(t *testing.T) {
	server := postgres(t)
	db := postgresPool(t, "")
	s := newStore(t, db, sql.Config{Table: newTable()})
	p, err := s.Append(t.Context(), marked(0, 3))
	require.NoError(t, err)
	server.Restart()
	page, err := s.Read(within(t, 5*time.Second), p)
	require.NoError(t, err)
	require.Equal(t, p, page.Position(), "a restart is no other history")

	execute(t, db, "COPY (SELECT '') TO PROGRAM 'cat > standby.signal'")
	server.Restart()
	page, err = s.Read(within(t, 5*time.Second), p)
	require.NoError(t, err)
	require.Equal(t, p, page.Position(), "a replica can be read")
	_, err = s.Append(within(t, 5*time.Second), marked(3, 1))
	require.ErrorContains(t, err, "read-only")
	execute(t, db, "SELECT pg_promote(true, 20)")
	page, err = s.Read(within(t, 5*time.Second), p)
	require.NoError(t, err)
	require.NotEqual(t, p.Epoch, page.Epoch)
	again, err := s.Read(within(t, 5*time.Second), page.Position())
	require.NoError(t, err)
	require.Equal(t, page, again)
}

// A user who may not ask for the server's history leaves the journal as it is.
func TestJournalWithoutHistory(t *testing.T) {
	admin, table := postgresPool(t, ""), newTable()
	s := newStore(t, admin, sql.Config{Table: table})
	p, err := s.Append(t.Context(), marked(0, 3))
	require.NoError(t, err)
	execute(t, admin, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
	execute(t, admin, "DROP ROLE IF EXISTS stranger")
	execute(t, admin, "CREATE ROLE stranger LOGIN")
	t.Cleanup(func() {
		_, err := admin.Exec("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC; DROP OWNED BY stranger; DROP ROLE stranger")
		require.NoError(t, err)
	})
	execute(t, admin, fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s_journal, %[1]s_journal_state TO stranger", table))
	other := newStore(t, openPool(t, "pgx", "postgres://stranger@"+postgres(t).Addr()+"/postgres?sslmode=disable"), sql.Config{Table: table})
	for _, j := range []store.Journal{other, s} {
		page, err := j.Read(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, p, page.Position())
	}
}

// With the rights that the documentation names a journal works, on a table in a schema too.
func TestJournalRights(t *testing.T) {
	admin := postgresPool(t, "")
	execute(t, admin, "CREATE SCHEMA IF NOT EXISTS purges")
	cfg := sql.Config{Table: "purges." + newTable()}
	_, err := newStore(t, admin, cfg).Append(t.Context(), marked(0, 3))
	require.NoError(t, err)
	execute(t, admin, "DROP ROLE IF EXISTS purger")
	execute(t, admin, "CREATE ROLE purger LOGIN")
	t.Cleanup(func() { _, _ = admin.Exec("DROP OWNED BY purger; DROP ROLE purger") })
	execute(t, admin, "GRANT USAGE ON SCHEMA purges TO purger")
	execute(t, admin, fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s_journal, %[1]s_journal_state TO purger", cfg.Table))

	db := openPool(t, "pgx", "postgres://purger@"+postgres(t).Addr()+"/postgres?sslmode=disable")
	s := newStore(t, db, cfg)
	p, err := s.Append(t.Context(), marked(3, 2000))
	require.NoError(t, err)
	require.NoError(t, s.Renew(t.Context(), p.Epoch))
	_, err = s.Append(t.Context(), marked(0, 1000))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return number(t, admin, "SELECT count(*) FROM "+cfg.Table+"_journal") == 1000
	}, 10*time.Second, 10*time.Millisecond)
	_, err = newStore(t, db, sql.Config{Table: "purges.other"}).Read(t.Context(), store.Position{})
	require.ErrorContains(t, err, "permission denied")
}

// One pool whose connections know nothing of the settings that the package recommends.
func TestJournalInAPlainFile(t *testing.T) {
	db := openPool(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "plain.db"))
	s := newStore(t, db, sql.Config{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for round := range 20 {
				if _, err := s.Append(within(t, 20*time.Second), marked(100*i+round, 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	page, err := s.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	require.Len(t, page.Marks, 80)
}

func TestJournalOfAClosedStore(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, nil)
		p, err := s.Append(t.Context(), marked(0, 3000))
		require.NoError(t, err)
		require.NoError(t, s.Close())
		for name, call := range journalCalls(s, p.Epoch) {
			require.ErrorIs(t, call(t.Context()), store.ErrClosed, name)
		}
	})
}
