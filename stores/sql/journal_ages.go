// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// keptAlways are the last marks, which are kept whatever their age.
	keptAlways = 1000

	// agesPerLife is how often in the life of marks their ages are noted, at most, and
	// looked at by each process half as often.
	agesPerLife = 16
)

// ages are what a store needs to drop marks for their age.
//
// A table has the number of the last mark at some moments, by the database's clock: all up to
// there are at least as old. It is written and read beside the journal, by all who use that, so
// that a journal works without it, as those of earlier releases do.
type ages struct {
	schema schema
	life   time.Duration
	lookAt atomic.Int64 // from which time on, in Unix nanoseconds
	under  atomic.Bool
}

// dropOldMarks drops, in the background, what is too old, if it is time to look for that.
func (s *Store) dropOldMarks() {
	a := &s.ages
	if time.Now().UnixNano() < a.lookAt.Load() || a.under.Swap(true) {
		return
	}
	rest := func() {
		a.lookAt.Store(time.Now().Add(a.life / (agesPerLife / 2)).UnixNano())
		a.under.Store(false)
	}
	started := s.calls.background(func(ctx context.Context) {
		defer rest()
		err := recovered(func() error { return s.dropByAge(ctx) })
		if err != nil && ctx.Err() == nil {
			s.trimmer.log.Warn("sql: marks could not be dropped for their age, the journal may grow", "table", s.trimmer.table, "error", err)
		}
	})
	if !started {
		rest()
	}
}

func (s *Store) dropByAge(ctx context.Context) error {
	life := s.ages.life.Milliseconds()
	for _, step := range []struct {
		name name
		age  int64
	}{{noteAge, life / agesPerLife}, {dropByAge, life}, {dropAges, life}} {
		var changed int64
		err := s.trimmer.step(ctx, func(ctx context.Context) (err error) {
			changed, err = s.exec(ctx, step.name, step.age)
			return err
		})
		if err != nil {
			return err
		}
		if step.name == dropByAge && changed > 0 {
			s.dropMarks()
		}
	}
	return nil
}

// agesOf are the statements, in words that both languages understand once {least}, {greatest}
// and {now} are put in. A row is too old by the fraction of a millisecond that the clock is
// read without.
var agesOf = texts{
	noteAge: `INSERT INTO {ages} (epoch, number, at)
SELECT epoch, last, {now} FROM {state} AS s WHERE id = 1
	AND NOT EXISTS (SELECT 1 FROM {ages} AS a WHERE a.epoch = s.epoch AND a.at > {now} - $1)
ON CONFLICT (epoch, number) DO NOTHING`,
	dropByAge: `UPDATE {state} SET oldest = {least}(last - {kept} + 1, {old} + 1)
WHERE id = 1 AND oldest < {least}(last - {kept} + 1, {old} + 1)`,
	dropAges: `DELETE FROM {ages} WHERE epoch <> (SELECT epoch FROM {state} WHERE id = 1) OR number < {old}`,
}

// old is the number up to which all marks are too old, or 0.
const old = `(SELECT coalesce(max(a.number), 0) FROM {ages} AS a JOIN {state} AS j ON a.epoch = j.epoch WHERE a.at < {now} - $1)`

// prepareAges sets up the statements, whose table is made by itself, when it is missed.
func (s *Store) prepareAges(table string, life time.Duration) {
	s.ages.life = life
	s.ages.schema = schema{db: s.db, dialect: s.dialect, calls: s.calls}
	least, now, parameter := "min", `CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)`, "?"
	create := []string{`CREATE TABLE IF NOT EXISTS {ages} (
	epoch BLOB NOT NULL,
	number INTEGER NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (epoch, number))`}
	if s.dialect == PostgreSQL {
		least, now, parameter = "least", `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`, "$"
		create = []string{
			fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, lockOf(table)),
			`CREATE TABLE IF NOT EXISTS {ages} (
	epoch bytea NOT NULL,
	number bigint NOT NULL,
	at bigint NOT NULL,
	PRIMARY KEY (epoch, number))`,
		}
	}
	table = strings.ReplaceAll(table, ".", `"."`)
	names := strings.NewReplacer("{ages}", `"`+table+`_journal_ages"`, "{state}", `"`+table+`_journal_state"`,
		"{least}", least, "{now}", now, "{kept}", fmt.Sprint(keptAlways), "$", parameter)
	for _, text := range create {
		s.ages.schema.create = append(s.ages.schema.create, names.Replace(text))
	}
	for n, text := range agesOf {
		if text != "" {
			q := &s.statements[n]
			q.db, q.schema, q.keep = s.db, &s.ages.schema, s.dialect == SQLite
			q.text = names.Replace(strings.ReplaceAll(text, "{old}", old))
		}
	}
}
