// SPDX-License-Identifier: MIT

package sql

import (
	"fmt"
	"strings"
)

// A lease is a row with who has it and until when, in milliseconds of the database's own
// clock: processes with clocks of their own would not agree. The clock is read without its
// fraction, so the caller asks for a millisecond more.
var commonLeases = texts{
	noteLease: `UPDATE {leases} SET holder = $3, until = {now} + $4 WHERE name = $1 AND holder = $2 AND until > {now}`,
	freeLease: `DELETE FROM {leases} WHERE name = $1 AND holder = $2`,
}

func postgresLeases(table string) (t texts, create []string) {
	create = []string{
		fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, lockOf(table)),
		// A crash may take them.
		`CREATE UNLOGGED TABLE IF NOT EXISTS {leases} (
	name bytea PRIMARY KEY,
	holder bytea NOT NULL,
	until bigint NOT NULL)`,
	}
	t = commonLeases
	// Most who find another's lease wait for it and ask again: they lock nothing and write
	// nothing. There is no row where somebody came between.
	t[takeLease] = `WITH stands AS (
	SELECT holder FROM {leases} WHERE name = $1::bytea AND holder <> $2::bytea AND until > {now}),
taken AS (
	INSERT INTO {leases} AS l (name, holder, until)
	SELECT $1::bytea, $2::bytea, {now} + $3::bigint WHERE NOT EXISTS (SELECT 1 FROM stands)
	ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, until = {now} + $3::bigint
		WHERE l.until <= {now} OR l.holder = EXCLUDED.holder
	RETURNING holder)
SELECT holder FROM stands UNION ALL SELECT holder FROM taken`
	t[dropLeases] = `DELETE FROM {leases} WHERE name = ANY (ARRAY(
	SELECT name FROM {leases} WHERE until <= {now} - $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`
	// Not that of the transaction, which begins before it waits for another one.
	now := `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`
	return fillLeases(t, create, `"`+strings.ReplaceAll(table, ".", `"."`), now, "$")
}

func sqliteLeases(table string) (t texts, create []string) {
	create = []string{
		`CREATE TABLE IF NOT EXISTS {leases} (
	name BLOB NOT NULL PRIMARY KEY,
	holder BLOB NOT NULL,
	until INTEGER NOT NULL) WITHOUT ROWID`,
	}
	t = commonLeases
	t[takeLease] = `INSERT INTO {leases} (name, holder, until) VALUES ($1, $2, {now} + $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
	WHERE until <= {now} OR holder = excluded.holder`
	t[lookAtLease] = `SELECT holder FROM {leases} WHERE name = $1 AND holder <> $2 AND until > {now}`
	t[dropLeases] = `DELETE FROM {leases} WHERE name IN (SELECT name FROM {leases} WHERE until <= {now} - $1 LIMIT $2)`
	now := `CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)`
	return fillLeases(t, create, `"`+table, now, "?")
}

// fillLeases puts the names in; table lacks its last quote.
func fillLeases(t texts, create []string, table, now, parameter string) (texts, []string) {
	r := strings.NewReplacer("{leases}", table+`_leases"`, "{now}", now, "$", parameter)
	for i, text := range t {
		t[i] = r.Replace(text)
	}
	for i, text := range create {
		create[i] = r.Replace(text)
	}
	return t, create
}

// prepareLeases sets up the statements of the leases, whose table is made by itself, when
// it is missed.
func (s *Store) prepareLeases(table string) {
	s.leases.schema = schema{db: s.db, dialect: s.dialect, calls: s.calls}
	var t texts
	if s.dialect == PostgreSQL {
		t, s.leases.schema.create = postgresLeases(table)
	} else {
		t, s.leases.schema.create = sqliteLeases(table)
	}
	for n, text := range t {
		if text != "" {
			q := &s.statements[n]
			q.db, q.text, q.keep, q.schema = s.db, text, s.dialect == SQLite, &s.leases.schema
		}
	}
	s.statements[lookAtLease].db = s.readers
}
