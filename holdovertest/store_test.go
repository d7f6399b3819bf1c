// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

func newMemory(t *testing.T) *memory.Store {
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func newStore(t *testing.T, f holdovertest.StoreFaults) *holdovertest.Store {
	s := holdovertest.NewStore(newMemory(t), 1)
	s.Behave(f)
	return s
}

func entry(t testing.TB, key string) *store.Entry {
	now := time.Now()
	e, err := store.New(store.Response{
		Key: key, Status: 200, Fields: []store.Field{}, Body: []byte(key), RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(),
		StoreUntil: now.Add(time.Hour).UnixNano(), StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	})
	require.NoError(t, err)
	return e
}

// calls are one of each kind.
func calls(s *holdovertest.Store, e *store.Entry) map[string]func(ctx context.Context) error {
	journal := s.Journal(memory.NewJournal())
	leaser, err := store.LeaserOf(s)
	if err != nil {
		panic(err)
	}
	holder := store.NewHolder()
	return map[string]func(ctx context.Context) error{
		holdovertest.OpGet:     func(ctx context.Context) error { _, err := s.Get(ctx, e.Key()); return err },
		holdovertest.OpGetMany: func(ctx context.Context) error { _, err := s.GetMany(ctx, []string{e.Key()}); return err },
		holdovertest.OpScan: func(ctx context.Context) (failed error) {
			for _, err := range s.Scan(ctx) {
				failed = err
			}
			return failed
		},
		holdovertest.OpPing:        s.Ping,
		holdovertest.OpSet:         func(ctx context.Context) error { return s.Set(ctx, e.Key(), e) },
		holdovertest.OpSetIfAbsent: func(ctx context.Context) error { _, err := s.SetIfAbsent(ctx, e.Key(), e); return err },
		holdovertest.OpSetIfNewer:  func(ctx context.Context) error { _, err := s.SetIfNewer(ctx, e.Key(), e); return err },
		holdovertest.OpDelete:      func(ctx context.Context) error { return s.Delete(ctx, "another") },
		holdovertest.OpAppend:      func(ctx context.Context) error { _, err := journal.Append(ctx, []store.Mark{{}}); return err },
		holdovertest.OpRead:        func(ctx context.Context) error { _, err := journal.Read(ctx, store.Position{}); return err },
		holdovertest.OpRenew:       func(ctx context.Context) error { return journal.Renew(ctx, [16]byte{1}) },
		holdovertest.OpLease:       func(ctx context.Context) error { _, err := leaser.Lease(ctx, "key", holder, time.Hour); return err },
		holdovertest.OpRelease: func(ctx context.Context) error {
			return leaser.Release(ctx, "key", holder, store.Holder{}, time.Hour)
		},
	}
}

// What befalls one kind of call befalls no other, and each is counted.
func TestStoreFaultsByKind(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		faults holdovertest.StoreFaults
		want   error
		took   time.Duration
	}{
		"errors": {holdovertest.StoreFaults{Errors: 1}, holdovertest.ErrFault, 0},
		"unsure": {holdovertest.StoreFaults{Unsure: 1, Err: boom}, boom, 0},
		"hangs":  {holdovertest.StoreFaults{Hangs: 1}, context.DeadlineExceeded, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore(t, holdovertest.StoreFaults{})
				e := entry(t, "key")
				require.NoError(t, s.Set(t.Context(), e.Key(), e))
				all := calls(s, e)
				for op := range all {
					c.faults.Ops = []string{op}
					s.Behave(c.faults)
					before, hit := s.Calls(""), s.Calls(op)
					for other, works := range all {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						began := time.Now()
						err := works(ctx)
						cancel()
						if other != op {
							require.NoError(t, err, "%s while %s fails", other, op)
							continue
						}
						require.ErrorIs(t, err, c.want, op)
						require.Equal(t, c.took, time.Since(began))
						var failure *store.Error
						require.ErrorAs(t, err, &failure)
						require.Equal(t, op, failure.Op)
						require.Equal(t, 1, s.Faults(op))
					}
					require.Equal(t, before+len(all), s.Calls(""))
					require.Equal(t, hit+1, s.Calls(op))
				}
				require.Equal(t, len(all), s.Faults(""))
				s.Behave(holdovertest.StoreFaults{})
				for op, call := range all {
					require.NoError(t, call(t.Context()), op)
				}
			})
		})
	}
}

// A call that fails did nothing, unless it is unsure.
func TestStoreFailsBeforeOrAfter(t *testing.T) {
	for name, c := range map[string]struct {
		faults holdovertest.StoreFaults
		done   bool
	}{
		"errors": {holdovertest.StoreFaults{Errors: 1}, false},
		"unsure": {holdovertest.StoreFaults{Unsure: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, c.faults)
			ctx := t.Context()
			require.ErrorIs(t, s.Set(ctx, "set", entry(t, "set")), holdovertest.ErrFault)
			done, err := s.SetIfAbsent(ctx, "absent", entry(t, "absent"))
			require.ErrorIs(t, err, holdovertest.ErrFault)
			require.False(t, done, "beside an error stands nothing")
			e, err := s.Get(ctx, "set")
			require.ErrorIs(t, err, holdovertest.ErrFault)
			require.Nil(t, e)
			many, err := s.GetMany(ctx, []string{"set"})
			require.ErrorIs(t, err, holdovertest.ErrFault)
			require.Nil(t, many)
			s.Behave(holdovertest.StoreFaults{})
			for _, key := range []string{"set", "absent"} {
				_, err = s.Get(ctx, key)
				require.Equal(t, c.done, err == nil)
			}
		})
	}
}

// fates tells how n calls ended.
func fates(t *testing.T, s *holdovertest.Store, n int) string {
	var all strings.Builder
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		switch _, err := s.Get(ctx, "key"); {
		case err == nil:
			all.WriteByte('+')
		case errors.Is(err, store.ErrNotFound):
			all.WriteByte('0')
		case errors.Is(err, context.DeadlineExceeded):
			all.WriteByte('h')
		default:
			all.WriteByte('e')
		}
		cancel()
	}
	return all.String()
}

// The n-th call of a kind meets the same in each run, whatever else is called.
func TestStoreGoesBySeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := holdovertest.StoreFaults{Errors: 0.1, Unsure: 0.1, Partial: 0.2, Hangs: 0.3, Delay: time.Second / 2}
		open := func(seed uint64) *holdovertest.Store {
			s := holdovertest.NewStore(newMemory(t), seed)
			require.NoError(t, s.Set(t.Context(), "key", entry(t, "key")))
			s.Behave(faults)
			return s
		}
		one, again, other := open(1), open(1), open(2)
		began := time.Now()
		want := fates(t, one, 1000)
		took := time.Since(began)
		require.Equal(t, 1000-strings.Count(want, "+"), one.Faults(holdovertest.OpGet))
		for fate, share := range map[string]float64{"e": 0.2, "0": 0.2, "h": 0.3, "+": 0.3} {
			require.InDelta(t, 1000*share, strings.Count(want, fate), 60, fate)
		}
		require.InDelta(t, 300*time.Second+700*time.Second/4, took, float64(20*time.Second), "half of the delay on average")

		got := fates(t, again, 500)
		again = open(1)
		again.Behave(holdovertest.StoreFaults{})
		_ = again.Ping(t.Context())
		require.Equal(t, strings.Repeat("+", 500), fates(t, again, 500))
		again.Behave(faults)
		require.Equal(t, want, got+fates(t, again, 500))
		require.NotEqual(t, want, fates(t, other, 1000))
	})
}

// A call that can't end by its context fails at once: nobody would ever see it end.
func TestStoreRefusesToHangForEver(t *testing.T) {
	s := newStore(t, holdovertest.StoreFaults{Hangs: 1})
	_, err := s.Get(context.Background(), "key")
	require.ErrorContains(t, err, "for ever")
}

// Waiting obeys the context.
func TestStoreDelayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, holdovertest.StoreFaults{Delay: 1000 * time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := s.Get(ctx, "key")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		require.Zero(t, s.Faults(""), "to wait is no fault")
	})
}

func TestStoreRefusesMistakes(t *testing.T) {
	s := newStore(t, holdovertest.StoreFaults{Errors: 0.7, Unsure: 0.2, Partial: 0.1})
	for field, f := range map[string]holdovertest.StoreFaults{
		"Errors:": {Errors: 0.6, Hangs: 0.6},
		"Unsure":  {Unsure: -1},
		"Partial": {Partial: 2},
		"Hangs":   {Hangs: math.NaN()},
		"Delay":   {Delay: -1},
		"Ops[1]":  {Ops: []string{holdovertest.OpGet, "put"}},
		"Err":     {Err: store.ErrNotFound},
	} {
		t.Run(field, func(t *testing.T) {
			defer func() { require.ErrorContains(t, recover().(error), "StoreFaults."+field) }()
			s.Behave(f)
		})
	}
	require.Panics(t, func() { holdovertest.NewStore(nil, 1) })
}
