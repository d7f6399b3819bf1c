// SPDX-License-Identifier: MIT

package sql_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/sql"
)

// leaseGrain is how much later than asked a lease may end: both count in milliseconds.
const leaseGrain = 3 * time.Millisecond

func TestLeasesPostgreSQL(t *testing.T) {
	for name, options := range map[string]string{
		"Prepared": "", "Simple": "&default_query_exec_mode=simple_protocol",
		"Strict": "&default_transaction_isolation=serializable",
	} {
		t.Run(name, func(t *testing.T) {
			table := fmt.Sprint("leased", tables.Add(1))
			open := func(t *testing.T) store.Store {
				return newStore(t, postgresPool(t, options), sql.Config{Table: table})
			}
			storetest.RunLease(t, open, storetest.LeaseFeatures{
				Grain: leaseGrain, Server: postgres(t), Reopen: func(t *testing.T, _ store.Store) store.Store { return open(t) },
			})
		})
	}
}

func TestLeasesSQLite(t *testing.T) {
	for name, twoPools := range map[string]bool{"OnePool": false, "TwoPools": true} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cache.db")
			open := func(t *testing.T) store.Store {
				db, readers := sqlitePools(t, file)
				if !twoPools {
					readers = nil
				}
				return newStore(t, db, sql.Config{Readers: readers})
			}
			storetest.RunLease(t, open, storetest.LeaseFeatures{
				Grain: leaseGrain, Reopen: func(t *testing.T, _ store.Store) store.Store { return open(t) },
			})
		})
	}
}

func lease(t testing.TB, s *sql.Store, key string, d time.Duration) store.Holder {
	t.Helper()
	holder := store.NewHolder()
	got, err := s.Lease(t.Context(), key, holder, d)
	require.NoError(t, err)
	require.Equal(t, holder, got)
	return holder
}

// A database that an earlier version made has no table for leases. It is made when it is
// needed, and again after somebody dropped it.
func TestLeasesAreMadeWhenUsed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		set(t, s, 0, 1, 100, time.Hour)
		_, err := db.Exec("SELECT 1 FROM " + cfg.Table + "_leases")
		require.Error(t, err, "leases cost those nothing who don't use them")
		lease(t, s, "key", time.Minute)
		execute(t, db, "DROP TABLE "+cfg.Table+"_leases")
		holder := lease(t, s, "key", time.Minute)
		execute(t, db, "DROP TABLE "+cfg.Table+"_leases")
		require.NoError(t, s.Release(t.Context(), "key", holder, store.LeaseFailed, time.Minute))
		lease(t, s, "key", time.Minute)
	})
}

// Many processes may ask for the first lease of all at once.
func TestFirstLeasesAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		var all sync.WaitGroup
		for range 6 {
			s, _ := d.open(t, nil)
			all.Go(func() {
				holder := store.NewHolder()
				for i := range 5 {
					if _, err := s.Lease(within(t, 20*time.Second), key(i), holder, time.Minute); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
}

// With the rights that the documentation names leases work, without the right to make a table.
func TestRightsForLeases(t *testing.T) {
	admin := postgresPool(t, "")
	lease(t, newStore(t, admin, sql.Config{Table: "lease_rights"}), "key", time.Minute)
	execute(t, admin, "DROP ROLE IF EXISTS leaser")
	execute(t, admin, "CREATE ROLE leaser LOGIN")
	execute(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON lease_rights_leases TO leaser")
	t.Cleanup(func() { _, _ = admin.Exec("DROP OWNED BY leaser; DROP ROLE leaser") })
	db := openPool(t, "pgx", "postgres://leaser@"+postgres(t).Addr()+"/postgres?sslmode=disable")
	s := newStore(t, db, sql.Config{Table: "lease_rights"})
	for _, note := range []store.Holder{{}, store.LeaseFailed} {
		holder := lease(t, s, "other", time.Minute)
		require.NoError(t, s.Release(t.Context(), "other", holder, note, time.Minute))
	}
	_, err := newStore(t, db, sql.Config{Table: "not_there"}).Lease(t.Context(), "secret=hunter2", store.NewHolder(), time.Minute)
	require.ErrorContains(t, err, "permission denied")
	require.NotContains(t, err.Error(), "hunter2")
}

// What stands in the place of a lease and isn't one is left alone, and the lease fails.
func TestLeaseBesideSomethingElse(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		for _, n := range []int{0, 15, 17} {
			k := key(n)
			lease(t, s, k, time.Minute)
			hash := store.HashKey(k)
			execute(t, db, "UPDATE "+cfg.Table+"_leases SET holder = $1 WHERE name = $2", make([]byte, n), hash[:])
			_, err := s.Lease(t.Context(), k, store.NewHolder(), time.Minute)
			var failure *store.Error
			require.ErrorAs(t, err, &failure)
			require.ErrorContains(t, err, "isn't one")
			require.NotErrorIs(t, err, store.ErrNotFound)
			require.NoError(t, s.Release(t.Context(), k, store.NewHolder(), store.LeaseFailed, time.Minute))
			require.EqualValues(t, 1, number(t, db, "SELECT count(*) FROM "+cfg.Table+"_leases WHERE name = $1 AND length(holder) = $2", hash[:], n))
		}
	})
}

// Leases that nobody asks for any more are dropped when others are asked for, and none that stand.
func TestEndedLeasesAreDropped(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		_, cfg := d.config(t)
		first, db := d.open(t, nil)
		for i := range 5 {
			lease(t, first, key(i), time.Hour)
		}
		for i := range 1300 {
			hash, holder := store.HashKey(key(100+i)), store.NewHolder()
			execute(t, db, "INSERT INTO "+cfg.Table+"_leases (name, holder, until) VALUES ($1, $2, $3)", hash[:], holder[:], 1000)
		}
		s, _ := d.open(t, nil)
		lease(t, s, key(99), time.Minute)
		require.Eventually(t, func() bool {
			return number(t, db, "SELECT count(*) FROM "+cfg.Table+"_leases") == 6
		}, 10*time.Second, 10*time.Millisecond)
		require.NoError(t, s.Close())
	})
}

// Time is the database's: what a process thinks of it doesn't matter.
func TestLeasesEndByTheDatabasesClock(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		before := time.Now().UnixMilli()
		holder := lease(t, s, "key", time.Minute)
		after := time.Now().UnixMilli() + 1
		until := number(t, db, "SELECT until FROM "+cfg.Table+"_leases")
		require.GreaterOrEqual(t, until, before+60_000)
		require.LessOrEqual(t, until, after+60_001)
		require.NoError(t, s.Release(t.Context(), "key", holder, store.LeaseUnshared, time.Hour))
		until = number(t, db, "SELECT until FROM "+cfg.Table+"_leases")
		require.InDelta(t, after+3_600_000, until, 10_000)

		for _, d := range []time.Duration{0, -time.Hour, 1, 1<<63 - 1} {
			lease(t, s, fmt.Sprint("no time ", d), d)
		}
	})
}

func leaseCalls(s *sql.Store, key string, holder store.Holder) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Lease":   func(ctx context.Context) error { _, err := s.Lease(ctx, key, holder, time.Minute); return err },
		"Release": func(ctx context.Context) error { return s.Release(ctx, key, holder, store.Holder{}, 0) },
	}
}

// Whoever holds a lock keeps others waiting as long as their contexts last, and no longer.
// Those who only learn who has the lease don't wait at all.
func TestLeaseWhileLocked(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.open(t, nil)
		other, cfg := d.config(t)
		holder := lease(t, s, "key", time.Minute)
		locks, err := other.Conn(t.Context())
		require.NoError(t, err)
		defer locks.Close()
		begin := map[string]string{"PostgreSQL": "BEGIN", "SQLite": "BEGIN IMMEDIATE"}[d.name]
		for _, statement := range []string{begin, "UPDATE " + cfg.Table + "_leases SET until = until"} {
			_, err = locks.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		for name, call := range leaseCalls(s, "key", holder) {
			endsInTime(t, name, call)
		}
		got, err := s.Lease(within(t, 5*time.Second), "key", store.NewHolder(), time.Minute)
		require.NoError(t, err)
		require.Equal(t, holder, got)
		_, err = locks.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		require.Eventually(t, func() bool { return s.Release(t.Context(), "key", holder, store.Holder{}, 0) == nil }, 10*time.Second, time.Millisecond)
		lease(t, s, "key", time.Minute)
	})
}

func TestLeaseWithAnExhaustedPool(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db, cfg := d.config(t)
		cfg.Readers = nil
		db.SetMaxOpenConns(1)
		s := newStore(t, db, cfg)
		taken, err := db.Conn(t.Context())
		require.NoError(t, err)
		for name, call := range leaseCalls(s, "key", store.NewHolder()) {
			endsInTime(t, name, call)
		}
		require.NoError(t, taken.Close())
		lease(t, s, "other", time.Minute)
	})
}

// Every pooled connection is dead after a restart, and the first call gets over all of them.
func TestLeaseOverDeadConnections(t *testing.T) {
	server, db := postgres(t), postgresPool(t, "")
	s := newStore(t, db, sql.Config{Table: "lease_dead"})
	lease(t, s, "key", time.Minute)
	fill(t, db, 12)
	server.Restart()
	lease(t, s, "key", time.Minute) // a crash has taken the one before
}

// A lease whose connection breaks before the answer is the holder's all the same.
func TestAnswerToLeaseIsLost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	lose := forward(t, addr, postgres(t).Addr())
	s := newStore(t, openPool(t, "pgx", "postgres://postgres@"+addr+"/postgres?sslmode=disable"), sql.Config{Table: "lease_lost"})
	lease(t, s, "first", time.Minute)
	lease(t, s, "second", time.Minute) // statements are prepared
	lose.Store(true)
	holder := lease(t, s, "key", time.Minute)
	lose.Store(true)
	require.NoError(t, s.Release(t.Context(), "key", holder, store.LeaseFailed, time.Minute))
	got, err := s.Lease(t.Context(), "key", holder, time.Minute)
	require.NoError(t, err)
	require.Equal(t, store.LeaseFailed, got)
}

// Who may not write can't take a lease.
func TestLeaseReadOnly(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		first, _ := d.open(t, nil)
		holder := lease(t, first, "key", time.Minute)
		s := d.readOnly(t)
		_, err := s.Lease(t.Context(), "other", store.NewHolder(), time.Minute)
		require.Regexp(t, "read-?only", err.Error(), "it says why")
		require.Error(t, s.Release(t.Context(), "key", holder, store.Holder{}, 0))
	})
}
