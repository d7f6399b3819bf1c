// SPDX-License-Identifier: MIT

package sql_test

import (
	"bytes"
	stdsql "database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

const keptAlways = 1000

func appended(t *testing.T, s store.Journal, from, n int) store.Position {
	t.Helper()
	p, err := s.Append(t.Context(), marked(from, n))
	require.NoError(t, err)
	return p
}

func oldest(t *testing.T, s store.Journal, from store.Position) store.JournalPage {
	t.Helper()
	page, err := s.Read(t.Context(), from)
	require.NoError(t, err)
	return page
}

// Marks are dropped no sooner than JournalLife after they were appended, and no later than
// half of that afterwards, while somebody follows the journal. Numbers and epoch stay.
func TestJournalMarksAgeOut(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		const each, life = 100, 3 * time.Second
		s, db := d.open(t, func(c *sql.Config) { c.JournalLife = life })
		_, cfg := d.config(t)
		var before, after []time.Time // the Append of each hundred
		var old store.Position
		for i := uint64(0); time.Since(append(before, time.Now())[0]) < 2*life; i++ {
			before = append(before, time.Now())
			p := appended(t, s, 0, each)
			after = append(after, time.Now())
			if i == 0 {
				old = p
			}
			require.Equal(t, store.Position{Epoch: old.Epoch, Seq: (i + 1) * each}, p)
			asked := time.Now()
			base := oldest(t, s, store.Position{}).Base
			require.LessOrEqual(t, base, p.Seq-min(p.Seq, keptAlways), "the last thousand are kept")
			if base > 0 {
				require.GreaterOrEqual(t, time.Since(before[(base-1)/each]), life)
			}
			if len(after)*each > keptAlways {
				require.LessOrEqual(t, asked.Sub(after[base/each]), life*3/2)
			}
			time.Sleep(life / 30)
		}
		page := oldest(t, s, old)
		require.Equal(t, old.Epoch, page.Epoch)
		require.Greater(t, page.Base, old.Seq, "who stood at the first sees that marks are gone")
		require.LessOrEqual(t, number(t, db, "SELECT count(*) FROM "+cfg.Table+"_journal_ages"), int64(24))

		p := appended(t, s, 0, 500)
		require.Eventually(t, func() bool { return oldest(t, s, old).Base == p.Seq-keptAlways }, 3*life, 10*time.Millisecond,
			"those who only read drop them too, but for the last thousand")
		require.Eventually(t, func() bool {
			return number(t, db, "SELECT count(*) FROM "+cfg.Table+"_journal") == keptAlways
		}, 3*life, 10*time.Millisecond)
		require.Equal(t, p.Seq-1, oldest(t, s, p).Base)

		require.NoError(t, s.Renew(t.Context(), old.Epoch))
		require.EqualValues(t, 1, appended(t, s, 0, 1).Seq)
		require.Eventually(t, func() bool {
			return number(t, db, "SELECT count(DISTINCT epoch) FROM "+cfg.Table+"_journal_ages") == 1 && oldest(t, s, old).Base == 0
		}, 3*life, 10*time.Millisecond, "the times of the epoch before are gone")
	})
}

// earlier makes the tables of an earlier release, with so many marks.
func earlier(t *testing.T, d database, db *stdsql.DB, marks int) sql.Config {
	t.Helper()
	_, cfg := d.config(t)
	binary := map[string]string{"PostgreSQL": "bytea", "SQLite": "BLOB"}[d.name]
	for _, statement := range []string{
		"CREATE TABLE %[1]s_journal (number bigint PRIMARY KEY, mark %[2]s NOT NULL)",
		`CREATE TABLE %[1]s_journal_state (id integer PRIMARY KEY CHECK (id = 1), epoch %[2]s NOT NULL, history text NOT NULL,
			base bigint NOT NULL, oldest bigint NOT NULL, last bigint NOT NULL)`,
	} {
		execute(t, db, fmt.Sprintf(statement, cfg.Table, binary))
	}
	tx, err := db.Begin()
	require.NoError(t, err)
	for i, m := range marked(0, marks) {
		_, err := tx.Exec("INSERT INTO "+cfg.Table+"_journal VALUES ($1, $2)", 50+i, store.AppendMark(nil, m))
		require.NoError(t, err)
	}
	history := ""
	if d.name == "PostgreSQL" {
		require.NoError(t, tx.QueryRow(`SELECT system_identifier || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()`).Scan(&history))
	}
	_, err = tx.Exec("INSERT INTO "+cfg.Table+"_journal_state VALUES (1, $1, $2, $3, $4, $5)", []byte("0123456789abcdef"), history, 49, 50, 49+marks)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	return cfg
}

// A journal of an earlier release has no times: its marks are taken for new.
func TestJournalWithoutTimes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		const life = time.Second
		db, _ := d.config(t)
		earlier(t, d, db, 1500)
		began := time.Now()
		s, _ := d.open(t, func(c *sql.Config) { c.JournalLife = life })
		page := oldest(t, s, store.Position{})
		require.Equal(t, "0123456789abcdef", string(page.Epoch[:]))
		require.Zero(t, page.Base)
		require.Equal(t, marked(0, 1500), page.Marks)
		p := appended(t, s, 1500, 1)
		require.Equal(t, store.Position{Epoch: page.Epoch, Seq: 1501}, p)
		require.Eventually(t, func() bool { return oldest(t, s, p).Base == p.Seq-1 && oldest(t, s, store.Position{}).Base == 501 },
			10*time.Second, 5*time.Millisecond)
		require.GreaterOrEqual(t, time.Since(began), life)
		requireMarks(t, s, 501, marked(501, keptAlways))
	})
}

func requireMarks(t *testing.T, s store.Journal, base uint64, marks []store.Mark) {
	t.Helper()
	page := oldest(t, s, store.Position{})
	require.Equal(t, base, page.Base)
	require.Equal(t, marks, page.Marks)
}

// Where the third table can't be made, a journal works as that of an earlier release does, and
// an operator hears of it.
func TestJournalWithoutATableForTimes(t *testing.T) {
	admin := postgresPool(t, "")
	table := newTable()
	d := database{"PostgreSQL", func(testing.TB) (*stdsql.DB, sql.Config) { return admin, sql.Config{Table: table} }}
	earlier(t, d, admin, 1500)
	execute(t, admin, "DROP ROLE IF EXISTS aging")
	execute(t, admin, "CREATE ROLE aging LOGIN")
	t.Cleanup(func() { _, _ = admin.Exec("DROP OWNED BY aging; DROP ROLE aging") })
	execute(t, admin, fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s_journal, %[1]s_journal_state TO aging", table))
	var log logBuffer
	s := newStore(t, openPool(t, "pgx", "postgres://aging@"+postgres(t).Addr()+"/postgres?sslmode=disable"),
		sql.Config{Table: table, JournalLife: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range 10 {
		require.EqualValues(t, 1501+i, appended(t, s, 1500+i, 1).Seq)
		require.Zero(t, oldest(t, s, store.Position{}).Base)
	}
	require.Eventually(t, func() bool { return bytes.Contains(log.bytes(), []byte("permission denied")) }, 10*time.Second, 10*time.Millisecond)
}

// Marks are kept for eight days where nothing is said.
func TestJournalLifeByDefault(t *testing.T) {
	for age, base := range map[time.Duration]uint64{8*24*time.Hour - time.Minute: 0, 8*24*time.Hour + time.Minute: 501} {
		eachDatabase(t, func(t *testing.T, d database) {
			s, db := d.open(t, nil)
			_, cfg := d.config(t)
			appended(t, s, 0, 1500)
			require.Eventually(t, func() bool { return timesNoted(db, cfg.Table) == 1 }, 10*time.Second, 5*time.Millisecond)
			require.NoError(t, s.Close())
			execute(t, db, fmt.Sprintf("UPDATE %s_journal_ages SET at = %d", cfg.Table, time.Now().Add(-age).UnixMilli()))
			other, _ := d.open(t, nil)
			appended(t, other, 0, 1)
			require.Eventually(t, func() bool {
				return timesNoted(db, cfg.Table) == 2 && oldest(t, other, store.Position{}).Base == base
			}, 10*time.Second, 5*time.Millisecond)
			require.NoError(t, other.Close()) // which ends what it does in the background
			again, _ := d.open(t, nil)
			require.Equal(t, base, oldest(t, again, store.Position{}).Base)
		})
	}
}

func timesNoted(db *stdsql.DB, table string) (n int64) {
	_ = db.QueryRow("SELECT count(*) FROM " + table + "_journal_ages").Scan(&n) // it may not be there yet
	return n
}
