// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

const (
	deadline = 50 * time.Millisecond
	lateness = 5 * time.Millisecond
)

// endsInTime fails if a call returns late each time: a busy machine may be late once.
func endsInTime(t *testing.T, name string, call func(context.Context) error) {
	t.Helper()
	var late time.Duration
	for range 20 {
		began := time.Now()
		ctx, cancel := context.WithDeadline(t.Context(), began.Add(deadline))
		err := call(ctx)
		late = time.Since(began) - deadline
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded, "%s fails by its deadline", name)
		require.NotErrorIs(t, err, store.ErrNotFound, "%s: no answer is no miss", name)
		if late <= lateness {
			return
		}
	}
	require.Fail(t, "too late", "%s returned %v after its deadline", name, late)
}

// SQLite waits for locks as long as it was told when the connection was opened, whatever the
// context says: the store doesn't.
func TestLockedFile(t *testing.T) {
	for name, wait := range map[string]string{"Own": "", "Long": "&_pragma=busy_timeout(2000)"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cache.db")
			other, _ := sqlitePools(t, file)
			writer, reader := sql.SQLiteDSN(file)
			s := newStore(t, openPool(t, "sqlite", writer+wait), sql.Config{Readers: openPool(t, "sqlite", reader+wait)})
			fresh := newStore(t, openPool(t, "sqlite", writer+wait), sql.Config{})
			e := entry(t, key(1), []byte("body"), time.Hour)
			require.NoError(t, s.Set(t.Context(), e.Key(), e))

			holder, err := other.Conn(t.Context())
			require.NoError(t, err)
			defer holder.Close()
			_, err = holder.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
			require.NoError(t, err)
			newer := entry(t, e.Key(), []byte("body"), time.Hour)
			for _, name := range []string{"Set", "SetIfNewer", "Delete"} {
				endsInTime(t, name, calls(s, newer)[name])
			}
			endsInTime(t, "the first Get", calls(fresh, e)["Get"])
			_, err = s.Get(within(t, time.Second), e.Key())
			require.NoError(t, err, "readers don't wait for a writer")

			_, err = holder.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, s.Set(within(t, 5*time.Second), e.Key(), e), "it goes on when the lock is gone")
			_, err = fresh.Get(within(t, 5*time.Second), e.Key())
			require.NoError(t, err)
		})
	}
}

// A store waits for a lock as long as its context lasts, and no longer.
func TestLockIsWaitedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache.db")
	other, _ := sqlitePools(t, file)
	db, readers := sqlitePools(t, file)
	s := newStore(t, db, sql.Config{Readers: readers})
	e := entry(t, key(1), []byte("body"), time.Hour)
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	holder, err := other.Conn(t.Context())
	require.NoError(t, err)
	defer holder.Close()
	_, err = holder.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	released := make(chan error, 1)
	time.AfterFunc(100*time.Millisecond, func() {
		_, err := holder.ExecContext(context.Background(), "ROLLBACK")
		released <- err
	})
	require.NoError(t, s.Set(within(t, 10*time.Second), e.Key(), e))
	require.NoError(t, <-released)
}

func TestExhaustedPool(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db, cfg := d.config(t)
		cfg.Readers = nil
		db.SetMaxOpenConns(1)
		s := newStore(t, db, cfg)
		e := entry(t, key(1), []byte("body"), time.Hour)
		taken, err := db.Conn(t.Context())
		require.NoError(t, err)
		for name, call := range calls(s, e) {
			endsInTime(t, name, call)
		}
		require.NoError(t, taken.Close())
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
	})
}

// Every pooled connection is dead after a restart, and the first call gets over all of them.
func TestDeadConnections(t *testing.T) {
	server := postgres(t)
	db := postgresPool(t, "")
	s := newStore(t, db, sql.Config{Table: "dead_connections"})
	e := entry(t, key(1), []byte("body"), time.Hour)
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	for name, call := range calls(s, e) {
		fill(t, db, 12)
		server.Restart()
		err := call(within(t, 5*time.Second))
		if err != store.ErrNotFound { // its order is random, Delete may have been before
			require.NoError(t, err, name)
		}
	}
}

// fill opens that many connections and leaves them idle.
func fill(t *testing.T, db *stdsql.DB, n int) {
	t.Helper()
	var taken []*stdsql.Conn
	for range n {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		taken = append(taken, conn)
	}
	for _, conn := range taken {
		require.NoError(t, conn.Close())
	}
}

func TestCrash(t *testing.T) {
	server := postgres(t)
	for _, unlogged := range []bool{true, false} {
		db := postgresPool(t, "&synchronous_commit=on")
		s := newStore(t, db, sql.Config{Table: map[bool]string{true: "crash_unlogged", false: "crash_logged"}[unlogged], Unlogged: unlogged})
		e := entry(t, key(1), []byte("body"), time.Hour)
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		server.Restart() // by SIGKILL
		_, err := s.Get(t.Context(), e.Key())
		if unlogged {
			require.ErrorIs(t, err, store.ErrNotFound, "an unlogged table is empty after a crash")
		} else {
			require.NoError(t, err, "a logged table is what it was")
		}
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		_, err = s.Get(t.Context(), e.Key())
		require.NoError(t, err)
	}
}

// A server that isn't there when the store is made is found later.
func TestNewAsksNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	s := newStore(t, openPool(t, "pgx", "postgres://postgres:hunter2@"+addr+"/postgres?sslmode=disable"), sql.Config{Table: "later"})
	e := entry(t, key(1), []byte("body"), time.Hour)
	for name, call := range calls(s, e) {
		err := call(within(t, time.Second))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, store.ErrNotFound, name)
		require.NotContains(t, err.Error(), "hunter2", "errors hold no passwords")
		require.NotContains(t, err.Error(), "example.com", "errors hold no keys")
		var failure *store.Error
		require.ErrorAs(t, err, &failure)
		require.Equal(t, "sql", failure.Store)
	}
	forward(t, addr, postgres(t).Addr())
	require.Eventually(t, func() bool { return s.Set(t.Context(), e.Key(), e) == nil }, 10*time.Second, 10*time.Millisecond)
}

// A conditional set whose connection breaks before the answer finds out that it was done.
func TestAnswerIsLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	lose := forward(t, addr, postgres(t).Addr())
	s := newStore(t, openPool(t, "pgx", "postgres://postgres@"+addr+"/postgres?sslmode=disable"), sql.Config{Table: "lost_answers"})
	require.Eventually(t, func() bool { return s.Ping(t.Context()) == nil }, 10*time.Second, 10*time.Millisecond)
	e := entry(t, key(1), []byte("body"), time.Hour)
	require.NoError(t, s.Set(t.Context(), e.Key(), e)) // statements are prepared
	require.NoError(t, s.Delete(t.Context(), e.Key()))
	_, err = s.SetIfAbsent(t.Context(), e.Key(), e)
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), e.Key()))

	lose.Store(true)
	done, err := s.SetIfAbsent(within(t, 5*time.Second), e.Key(), e)
	require.NoError(t, err)
	require.True(t, done, "it was this call that set it")
	done, err = s.SetIfAbsent(within(t, 5*time.Second), e.Key(), e)
	require.NoError(t, err)
	require.False(t, done)
}

// forward is a wire to a server. Once lose is set, the next answer doesn't come and the
// connection ends.
func forward(t *testing.T, addr, server string) (lose *atomic.Bool) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	ctx, cut := context.WithCancel(context.Background())
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); cut(); all.Wait() })
	lose = &atomic.Bool{}
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { wire(ctx, client, server, lose) })
		}
	})
	return lose
}

func wire(ctx context.Context, client net.Conn, server string, lose *atomic.Bool) {
	defer client.Close()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { client.Close(); conn.Close() })()
	go func() { _, _ = io.Copy(conn, client); conn.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil || lose.CompareAndSwap(true, false) {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestReadOnlyDatabase(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		e := entry(t, key(1), []byte("body"), time.Hour)
		first, _ := d.open(t, nil)
		require.NoError(t, first.Set(t.Context(), e.Key(), e))
		s := d.readOnly(t)
		_, err := s.Get(t.Context(), e.Key())
		require.NoError(t, err, "what is there can be read")
		for _, name := range []string{"Set", "Delete"} {
			err := calls(s, e)[name](t.Context())
			require.ErrorContains(t, err, strings.ToLower(name))
			require.Regexp(t, "read-?only", err.Error(), "it says why")
		}
	})
}

// readOnly opens a store that may not write.
func (d database) readOnly(t *testing.T) *sql.Store {
	db, cfg := d.config(t)
	if d.name == "PostgreSQL" {
		return newStore(t, postgresPool(t, "&default_transaction_read_only=on"), cfg)
	}
	var file string
	require.NoError(t, db.QueryRow("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file))
	cfg.Readers = nil
	return newStore(t, openPool(t, "sqlite", "file:"+file+"?mode=ro"), cfg)
}

// A file that may not grow refuses what is new and goes on with what it has.
func TestFullFile(t *testing.T) {
	writer, _ := sql.SQLiteDSN(filepath.Join(t.TempDir(), "cache.db"))
	db := openPool(t, "sqlite", writer+"&_pragma=max_page_count(100)")
	db.SetMaxOpenConns(1)
	s := newStore(t, db, sql.Config{})
	set(t, s, 0, 10, 10<<10, time.Hour)
	large := entry(t, "large", make([]byte, 1<<20), time.Hour)
	require.ErrorContains(t, s.Set(t.Context(), "large", large), "full")
	_, err := s.Get(t.Context(), key(9))
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), key(9)))
	set(t, s, 10, 11, 10<<10, time.Hour)
}

func TestClosed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		e := entry(t, key(1), []byte("body"), time.Hour)
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		require.NoError(t, s.Close())
		require.NoError(t, s.Close())
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for name, call := range calls(s, e) {
			require.ErrorIs(t, call(t.Context()), store.ErrClosed, name)
			require.ErrorIs(t, call(ended), store.ErrClosed, name)
		}
		_, err := s.GetMany(t.Context(), nil)
		require.ErrorIs(t, err, store.ErrClosed)
		require.NoError(t, db.PingContext(t.Context()), "the pool stays open")
		require.Eventually(t, func() bool {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return !strings.Contains(string(stacks), "stores/sql.(*")
		}, 5*time.Second, 5*time.Millisecond, "no goroutine is left")
	})
}

func TestCloseDuringCalls(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, nil)
		e := entry(t, key(1), []byte("body"), time.Hour)
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					if err := s.Set(t.Context(), e.Key(), e); err != nil {
						if !errors.Is(err, store.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		require.NoError(t, s.Close())
		all.Wait()
	})
}
