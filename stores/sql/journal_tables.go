// SPDX-License-Identifier: MIT

package sql

import (
	"fmt"
	"strings"

	"github.com/holdover-go/holdover/store"
)

// The journal is a table of marks and one row that says which of them are its own: those
// from the number oldest to the number last. The first one of an epoch has the number
// base+1, so a journal that begins anew goes on behind the rows of the one before, which
// are dropped bit by bit.
//
// That row is written in the transaction that adds marks, and so locked until these can
// be seen. Who sees a mark sees all that have a lower number. (The numbers of a sequence
// would be taken in one order and be seen in another.)
var commonJournal = texts{
	pageOfMarks: `SELECT s.epoch, s.history, s.base, s.first, s.last, m.number, m.mark FROM (
	SELECT epoch, history, base, last, CASE WHEN epoch = $1 AND base + $2 BETWEEN oldest AND last THEN base + $2 ELSE oldest END AS first
		FROM {state} WHERE id = 1) AS s
LEFT JOIN {journal} AS m ON m.number >= s.first AND m.number < s.first + $3 AND m.number <= s.last ORDER BY m.number`,
}

// durable is true, and makes the commit of its statement wait for the disk.
const durable = `CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) ELSE 'on' END <> ''`

func postgresJournal(table string) (t texts, create []string) {
	create = []string{
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, lockOf(table)),
		`CREATE TABLE IF NOT EXISTS {journal} (
	number bigint PRIMARY KEY,
	mark bytea NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS {state} (
	id integer PRIMARY KEY CHECK (id = 1),
	epoch bytea NOT NULL,
	history text NOT NULL,
	base bigint NOT NULL,
	oldest bigint NOT NULL,
	last bigint NOT NULL)`,
	}
	t = commonJournal
	t[addMarks] = `WITH s AS (
	UPDATE {state} SET last = last + $1::bigint, oldest = greatest(oldest, last + $1::bigint - $2::bigint + 1)
		WHERE id = 1 RETURNING epoch, base, last),
added AS (
	INSERT INTO {journal} (number, mark)
	SELECT s.last - $1::bigint + 1 + i, substring($3::bytea FROM ({markLen} * i + 1)::integer FOR {markLen})
		FROM s, generate_series(0, $1::bigint - 1) AS i)
SELECT epoch, last - base, last FROM s WHERE ` + durable
	t[startJournal] = `WITH begun AS (
	INSERT INTO {state} AS s (id, epoch, history, base, oldest, last)
	SELECT 1, $1::bytea, $2::text, top, top + 1, top FROM (SELECT coalesce(max(number), 0) AS top FROM {journal}) AS m
	ON CONFLICT (id) DO UPDATE SET epoch = EXCLUDED.epoch, history = EXCLUDED.history,
		base = greatest(s.last, EXCLUDED.last), oldest = greatest(s.last, EXCLUDED.last) + 1, last = greatest(s.last, EXCLUDED.last)
		WHERE s.epoch = $3::bytea
	RETURNING 1 AS one)
SELECT one FROM begun WHERE ` + durable
	t[historyOfServer] = `SELECT CASE WHEN pg_is_in_recovery() THEN ''
	ELSE system_identifier || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) END FROM pg_control_system()`
	t[dropMarks] = `DELETE FROM {journal} WHERE number = ANY (ARRAY(
	SELECT number FROM {journal} WHERE number >= $1 AND number < (SELECT oldest FROM {state} WHERE id = 1)
		ORDER BY number LIMIT $2 FOR UPDATE SKIP LOCKED))`
	return fillJournal(t, create, `"`+strings.ReplaceAll(table, ".", `"."`), "$")
}

func sqliteJournal(table string) (t texts, create []string) {
	create = []string{
		`CREATE TABLE IF NOT EXISTS {journal} (
	number INTEGER PRIMARY KEY,
	mark BLOB NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS {state} (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	epoch BLOB NOT NULL,
	history TEXT NOT NULL,
	base INTEGER NOT NULL,
	oldest INTEGER NOT NULL,
	last INTEGER NOT NULL)`,
	}
	t = commonJournal
	t[takeNumbers] = `UPDATE {state} SET last = last + $1, oldest = max(oldest, last + $1 - $2 + 1) WHERE id = 1`
	t[lastNumber] = `SELECT epoch, last - base, last FROM {state} WHERE id = 1`
	t[addMarks] = `INSERT INTO {journal} (number, mark)
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
SELECT s.last - $1 + 1 + i, substr($2, {markLen} * i + 1, {markLen}) FROM n, {state} AS s WHERE s.id = 1`
	t[startJournal] = `INSERT INTO {state} AS s (id, epoch, history, base, oldest, last)
SELECT 1, $1, $2, top, top + 1, top FROM (SELECT coalesce(max(number), 0) AS top FROM {journal}) AS m WHERE true
ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, history = excluded.history,
	base = max(s.last, excluded.last), oldest = max(s.last, excluded.last) + 1, last = max(s.last, excluded.last)
	WHERE s.epoch = $3`
	t[dropMarks] = `DELETE FROM {journal} WHERE number IN (
	SELECT number FROM {journal} WHERE number >= $1 AND number < (SELECT oldest FROM {state} WHERE id = 1)
		ORDER BY number LIMIT $2)`
	return fillJournal(t, create, `"`+table, "?")
}

// fillJournal puts the names in; table lacks its last quote.
func fillJournal(t texts, create []string, table, parameter string) (texts, []string) {
	r := strings.NewReplacer("{journal}", table+`_journal"`, "{state}", table+`_journal_state"`,
		"{markLen}", fmt.Sprint(store.MarkLen), "$", parameter)
	for i, text := range t {
		t[i] = r.Replace(text)
	}
	for i, text := range create {
		create[i] = r.Replace(text)
	}
	return t, create
}

// prepareJournal sets up the statements of the journal, whose tables are made by
// themselves, when they are missed.
func (s *Store) prepareJournal(table string) {
	s.journalSchema = schema{db: s.db, dialect: s.dialect, calls: s.calls}
	s.maxMarks = maxMarks
	var t texts
	if s.dialect == PostgreSQL {
		t, s.journalSchema.create = postgresJournal(table)
	} else {
		t, s.journalSchema.create = sqliteJournal(table)
	}
	for n, text := range t {
		if text != "" {
			q := &s.statements[n]
			q.db, q.text, q.keep, q.schema = s.db, text, s.dialect == SQLite, &s.journalSchema
		}
	}
	if s.dialect == SQLite {
		s.statements[pageOfMarks].db = s.readers
	}
}
