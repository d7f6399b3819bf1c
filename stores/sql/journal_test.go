// SPDX-License-Identifier: MIT

package sql_test

import (
	stdsql "database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/sql"
)

// losses are how a journal is lost, wholly or in part. %[1]s is its table.
var losses = map[string][]string{
	"PostgreSQL": {
		"TRUNCATE %[1]s_journal",
		"DELETE FROM %[1]s_journal WHERE number = (SELECT max(number) FROM %[1]s_journal)",
		"TRUNCATE %[1]s_journal_state",
		"DROP TABLE %[1]s_journal",
		"DROP TABLE %[1]s_journal_state",
		"TRUNCATE %[1]s_journal, %[1]s_journal_state",
		"DROP TABLE %[1]s_journal, %[1]s_journal_state",
	},
	"SQLite": {
		"DELETE FROM %[1]s_journal",
		"DELETE FROM %[1]s_journal WHERE number = (SELECT max(number) FROM %[1]s_journal)",
		"DELETE FROM %[1]s_journal_state",
		"DROP TABLE %[1]s_journal",
		"DROP TABLE %[1]s_journal_state",
		"DELETE FROM %[1]s_journal; DELETE FROM %[1]s_journal_state",
		"DROP TABLE %[1]s_journal; DROP TABLE %[1]s_journal_state",
	},
}

// A crash takes nothing, though the server and the pool say that a commit needn't wait for
// the disk, and though the entries' table is emptied by it.
func TestJournalPostgreSQL(t *testing.T) {
	for name, options := range map[string]string{
		"Prepared": "&synchronous_commit=off", "Simple": "&default_query_exec_mode=simple_protocol",
		"Strict": "&default_transaction_isolation=serializable",
	} {
		t.Run(name, func(t *testing.T) {
			open := func(t *testing.T, table string) (store.Journal, *stdsql.DB) {
				db := postgresPool(t, options)
				return newStore(t, db, sql.Config{Table: table, Unlogged: true}), db
			}
			f := storetest.JournalFeatures{Durable: true, Server: postgres(t)}
			runJournal(t, "PostgreSQL", open, func(*testing.T) string { return newTable() }, f)
		})
	}
}

func TestJournalSQLite(t *testing.T) {
	file := func(t *testing.T) string { return filepath.Join(t.TempDir(), "cache.db") }
	open := func(t *testing.T, file string) (store.Journal, *stdsql.DB) {
		db, readers := sqlitePools(t, file)
		return newStore(t, db, sql.Config{Table: "j", Readers: readers}), db
	}
	runJournal(t, "SQLite", open, file, storetest.JournalFeatures{Durable: true})
}

// runJournal runs the suite with journals at places, which are tables or files.
func runJournal(t *testing.T, kind string, open func(*testing.T, string) (store.Journal, *stdsql.DB), place func(*testing.T) string, f storetest.JournalFeatures) {
	type home struct {
		place string
		db    *stdsql.DB
	}
	homes, turn := map[store.Journal]home{}, 0
	at := func(t *testing.T, place string) store.Journal {
		j, db := open(t, place)
		homes[j] = home{place, db}
		return j
	}
	f.Reopen = func(t *testing.T, j store.Journal) store.Journal { return at(t, homes[j].place) }
	f.Lose = func(t *testing.T, j store.Journal) {
		table := homes[j].place
		if kind == "SQLite" {
			table = "j"
		}
		execute(t, homes[j].db, fmt.Sprintf(losses[kind][turn%len(losses[kind])], table))
		turn++
	}
	storetest.RunJournal(t, func(t *testing.T) store.Journal { return at(t, place(t)) }, f)
}

// marked are n marks, each another one.
func marked(from, n int) []store.Mark {
	list := make([]store.Mark, n)
	for i := range list {
		list[i] = store.Mark{Hash: uint64(from + i), Source: store.Position{Seq: uint64(from + i)}}
	}
	return list
}

// A reader sees no mark before all those with a lower number, however many processes
// write: it would take the gap for a loss.
func TestJournalIsReadInOrder(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		const writers, rounds, each = 8, 40, 3
		first, _ := d.open(t, nil)
		second, _ := d.open(t, nil)
		reader, _ := d.open(t, nil)
		start, err := reader.Read(t.Context(), store.Position{})
		require.NoError(t, err)

		var done atomic.Bool
		var got []store.Mark
		var all, writing sync.WaitGroup
		all.Go(func() { got = follow(t, reader, start.Position(), &done) })
		for w := range writers {
			writing.Go(func() {
				s := []*sql.Store{first, second}[w%2]
				for round := range rounds {
					if _, err := s.Append(within(t, 20*time.Second), marked(1000*w+each*round, each)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		done.Store(true)
		all.Wait()
		require.Len(t, got, writers*rounds*each)
		next := map[uint64]uint64{}
		for i, m := range got {
			w := m.Hash / 1000
			require.Equal(t, next[w], m.Hash%1000, "those of one writer stand in their order")
			require.EqualValues(t, i%each, m.Hash%1000%each, "those of one Append stand together")
			next[w]++
		}
	})
}

// follow reads from the end of an empty journal until nobody writes any more.
func follow(t *testing.T, j store.Journal, at store.Position, done *atomic.Bool) (got []store.Mark) {
	for epoch := at.Epoch; ; {
		last := done.Load()
		page, err := j.Read(within(t, 20*time.Second), at)
		if err != nil || page.Epoch != epoch {
			t.Errorf("a gap was seen after %d: %v", at.Seq, err)
			return got
		}
		got = append(got, page.Marks[at.Seq-page.Base:]...)
		if at = page.Position(); last && !page.More {
			return got
		}
	}
}

// Only the newest marks are kept, and old rows go bit by bit.
func TestJournalIsBounded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		const kept, n, times = 5000, 700, 20
		s.SetMaxMarks(kept)
		rows := func() int64 { return number(t, db, "SELECT count(*) FROM "+cfg.Table+"_journal") }
		var p store.Position
		for i := range times {
			var err error
			p, err = s.Append(t.Context(), marked(i*n, n))
			require.NoError(t, err)
			first := max((i+1)*n-kept, 0)
			page, err := s.Read(t.Context(), store.Position{})
			require.NoError(t, err)
			require.EqualValues(t, first, page.Base)
			require.EqualValues(t, first, page.Marks[0].Hash)
		}
		require.EqualValues(t, n*times, p.Seq)
		require.Eventually(t, func() bool { return rows() < kept+1000 }, 10*time.Second, 10*time.Millisecond)

		require.NoError(t, s.Renew(t.Context(), p.Epoch))
		p, err := s.Append(t.Context(), marked(0, 1000))
		require.NoError(t, err)
		require.EqualValues(t, 1000, p.Seq)
		require.Eventually(t, func() bool { return rows() == 1000 }, 10*time.Second, 10*time.Millisecond,
			"those of the epoch before are dropped too")
		page, err := s.Read(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, p, page.Position())
	})
}

// Losses that nobody noticed before more was appended are found by whoever reads there.
func TestJournalWithAHole(t *testing.T) {
	for name, numbers := range map[string]string{
		"First": "= 1", "Middle": "= 5", "Some": "IN (4, 5, 6)", "Last": "= 10", "All": "> 0",
	} {
		t.Run(name, func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, d database) {
				s, db := d.open(t, nil)
				_, cfg := d.config(t)
				before, err := s.Append(t.Context(), marked(0, 10))
				require.NoError(t, err)
				execute(t, db, "DELETE FROM "+cfg.Table+"_journal WHERE number "+numbers)
				after, err := s.Append(t.Context(), marked(10, 10))
				require.NoError(t, err)
				require.Equal(t, before.Epoch, after.Epoch)
				page, err := s.Read(t.Context(), store.Position{})
				require.NoError(t, err)
				require.NotEqual(t, before.Epoch, page.Epoch)
				require.Empty(t, page.Marks)
				again, err := s.Read(t.Context(), before)
				require.NoError(t, err)
				require.Equal(t, page, again)
			})
		})
	}
}

// A backup that brings back one of both tables makes the other one a liar.
func TestJournalHalfRestored(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		before, err := s.Append(t.Context(), marked(0, 10))
		require.NoError(t, err)
		execute(t, db, "UPDATE "+cfg.Table+"_journal_state SET last = 5")
		p, err := s.Append(t.Context(), marked(0, 1))
		require.NoError(t, err)
		require.NotEqual(t, before.Epoch, p.Epoch)
		require.EqualValues(t, 1, p.Seq)
		page, err := s.Read(t.Context(), before)
		require.NoError(t, err)
		require.Equal(t, marked(0, 1), page.Marks)

		execute(t, db, "UPDATE "+cfg.Table+"_journal_state SET last = last + 5")
		page, err = s.Read(t.Context(), p)
		require.NoError(t, err)
		require.NotEqual(t, p.Epoch, page.Epoch)
	})
}

// What isn't a mark is left alone, and the journal fails.
func TestJournalHoldsSomethingElse(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		p, err := s.Append(t.Context(), marked(0, 3))
		require.NoError(t, err)
		_, err = db.Exec("UPDATE "+cfg.Table+"_journal SET mark = $1 WHERE number = 2", make([]byte, 5))
		require.NoError(t, err)
		_, err = s.Read(t.Context(), store.Position{})
		var failure *store.Error
		require.ErrorAs(t, err, &failure)
		require.NotErrorIs(t, err, store.ErrNotFound)
		page, err := s.Read(t.Context(), p)
		require.NoError(t, err, "who is past it goes on")
		require.Equal(t, p, page.Position())
		require.NoError(t, s.Renew(t.Context(), p.Epoch))
		_, err = s.Read(t.Context(), store.Position{})
		require.NoError(t, err)
	})
}

// A journal costs those nothing who don't use it, and is found through a wrapper.
func TestJournalIsMadeWhenUsed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.open(t, nil)
		_, cfg := d.config(t)
		set(t, s, 0, 1, 100, time.Hour)
		_, err := db.Exec("SELECT 1 FROM " + cfg.Table + "_journal")
		require.Error(t, err)
		j, err := store.JournalOf(struct{ *sql.Store }{s})
		require.NoError(t, err)
		_, err = j.Read(t.Context(), store.Position{})
		require.NoError(t, err)
		number(t, db, "SELECT count(*) FROM "+cfg.Table+"_journal")
	})
}
