// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"math/bits"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

// The powers that a Store has.
var (
	_ store.Store        = (*Store)(nil)
	_ store.ManyGetter   = (*Store)(nil)
	_ store.AbsentSetter = (*Store)(nil)
	_ store.NewerSetter  = (*Store)(nil)
	_ store.Scanner      = (*Store)(nil)
	_ store.Pinger       = (*Store)(nil)
	_ store.Closer       = (*Store)(nil)
)

// Store keeps entries in a table. It must be closed to end its work in the background.
type Store struct {
	db, readers *stdsql.DB
	dialect     Dialect
	values      store.Values
	statements  [names]statement
	calls       *calls
	schema      schema
	trimmer     trimmer

	journalSchema schema
	maxMarks      int64
	dropping      atomic.Bool // old marks are being dropped
	ages          ages

	leases leases
}

// New makes a store on a pool that stays the caller's, who closes it after the store. It
// asks the database nothing: one that is away at this moment is found when it is back. The
// errors name the fields of cfg that are wrong.
func New(db *stdsql.DB, cfg Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("sql: New needs a database")
	}
	cfg = cfg.complete(db)
	if err := cfg.validate(db); err != nil {
		return nil, err
	}
	s := &Store{
		db: db, readers: cfg.Readers, dialect: cfg.Dialect,
		values: store.Values{Store: "sql", Codec: cfg.Codec, MaxLen: cfg.MaxValue},
		calls:  newCalls(cfg.Timeout, obeys(db) && obeys(cfg.Readers)),
	}
	s.schema = schema{db: s.db, dialect: s.dialect, calls: s.calls}
	var t texts
	if s.dialect == PostgreSQL {
		t, s.schema.create = postgres(cfg.Table, cfg.Unlogged)
	} else {
		t, s.schema.create = sqlite(cfg.Table)
	}
	for n, text := range t {
		q := &s.statements[n]
		q.db, q.text, q.keep, q.schema = s.db, text, s.dialect == SQLite && name(n) < freePages, &s.schema
	}
	for _, n := range []name{getValue, getMany, lastID, page, walk, sizeOfSlice, sizeOfBig} {
		s.statements[n].db = s.readers
	}
	s.prepareJournal(cfg.Table)
	s.prepareAges(cfg.Table, cfg.JournalLife)
	s.prepareLeases(cfg.Table)
	s.trimmer.configure(s, cfg)
	return s, nil
}

// do performs a statement in the pool that it belongs to, see try.
func (s *Store) do(ctx context.Context, n name, perform func(*statement) error) error {
	q := &s.statements[n]
	return s.try(ctx, q.db, q.schema, func() error { return perform(q) })
}

// exec performs a statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, n name, args ...any) (changed int64, err error) {
	err = s.do(ctx, n, func(q *statement) error { changed, err = q.exec(ctx, args...); return err })
	return changed, err
}

// row performs a statement and reads the one row that it gives, or returns store.ErrNotFound.
func (s *Store) row(ctx context.Context, n name, to []any, args ...any) error {
	err := s.do(ctx, n, func(q *statement) error { return q.row(ctx, to, args...) })
	if errors.Is(err, stdsql.ErrNoRows) {
		return store.ErrNotFound
	}
	return err
}

// Get returns the entry stored under key, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, key string) (*store.Entry, error) {
	hash := store.HashKey(key)
	value, err := call(ctx, s.calls, func(ctx context.Context) (value []byte, err error) {
		err = s.row(ctx, getValue, []any{&value}, hash[:])
		return value, err
	})
	if err != nil {
		return nil, s.values.Failure("get", err)
	}
	return s.values.Decode(key, value)
}

// Set stores the entry under key. One that is longer than MaxValue is refused with
// store.ErrTooLarge, and what stood under key stays.
func (s *Store) Set(ctx context.Context, key string, e *store.Entry) error {
	r, err := s.rowOf(key, e)
	if err == nil {
		_, err = call(ctx, s.calls, func(ctx context.Context) (bool, error) { return true, s.put(ctx, r) })
	}
	if err == nil && !r.expired {
		s.trimmer.wrote(ctx, len(r.value))
	}
	return s.values.Failure("set", err)
}

func (s *Store) put(ctx context.Context, r row) error {
	if r.expired {
		_, err := s.exec(ctx, remove, r.hash[:])
		return err
	}
	n, err := s.exec(ctx, put, r.args()...)
	if n == 0 && err == nil && s.has(putAnew) {
		_, err = s.exec(ctx, putAnew, r.args()...)
	}
	return err
}

func (s *Store) has(n name) bool { return s.statements[n].text != "" }

// Delete drops what is stored under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	hash := store.HashKey(key)
	_, err := call(ctx, s.calls, func(ctx context.Context) (int64, error) { return s.exec(ctx, remove, hash[:]) })
	return s.values.Failure("delete", err)
}

// Ping returns nil if the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := call(ctx, s.calls, func(ctx context.Context) (one int, err error) {
		err = s.row(ctx, ping, []any{&one})
		return one, err
	})
	return s.values.Failure("ping", err)
}

// Close ends the work in the background and waits for calls under way, as long as Timeout
// says, but at least 5 s: it fails if the driver keeps some of them longer. The pools stay open. All other
// methods fail with store.ErrClosed from then on; Close may be called again.
func (s *Store) Close() error {
	if err := s.calls.close(); err != nil {
		return s.values.Failure("close", err)
	}
	for n := range s.statements {
		s.statements[n].close()
	}
	return nil
}

// row is what is written for an entry.
type row struct {
	hash    [16]byte
	value   []byte
	exp     int64
	ver     int64
	expired bool // it must be dropped instead
}

func (s *Store) rowOf(key string, e *store.Entry) (row, error) {
	value, life, err := s.values.Encode(e)
	if err != nil {
		return row{}, err
	}
	return row{
		hash: store.HashKey(key), value: value, expired: life <= 0,
		exp: dropAt(e.StoreUntil(), life),
		ver: rand.Int64(), // nobody else writes the same, not even after a Delete
	}, nil
}

func (r *row) args() []any { return []any{r.hash[:], len(r.value), r.exp, r.ver, r.value} }

// dropAt returns when a row may be dropped, in Unix milliseconds: up to an eighth of its
// life later than it must be, and at least a second. So it stays the same while an entry is
// set anew again and again, each time with a slightly later end.
func dropAt(until int64, life time.Duration) int64 {
	grain := int64(1) << (bits.Len64(uint64(max(life/8, time.Second).Milliseconds())) - 1)
	return (until/int64(time.Millisecond)/grain + 1) * grain
}
