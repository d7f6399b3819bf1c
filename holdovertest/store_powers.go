// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"

	"github.com/holdover-go/holdover/store"
)

// Local says that the time of calls must be bounded, wherever the store is.
func (s *Store) Local() bool { return false }

// Behind returns what stands behind the first tier, if the store has tiers, with the same
// faults and counted among the same calls.
func (s *Store) Behind() store.Store {
	if behind := store.Behind(s.under); behind != nil {
		return &Store{under: behind, faults: s.faults}
	}
	return nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (*store.Entry, error) {
	return s.get(ctx, func() (*store.Entry, error) { return s.under.Get(ctx, key) })
}

// GetBytes implements store.BytesGetter.
func (s *Store) GetBytes(ctx context.Context, key []byte, now int64) (*store.Entry, error) {
	return s.get(ctx, func() (*store.Entry, error) {
		if g, has := s.under.(store.BytesGetter); has {
			return g.GetBytes(ctx, key, now)
		}
		return s.under.Get(ctx, string(key))
	})
}

func (s *Store) get(ctx context.Context, ask func() (*store.Entry, error)) (e *store.Entry, err error) {
	err = s.faults.call(ctx, OpGet, func() (err error) {
		e, err = ask()
		return err
	}, func(*rand.Rand) error { return store.ErrNotFound })
	if err != nil {
		return nil, err
	}
	return e, nil
}

// GetMany implements store.ManyGetter. Done in part it leaves out half of what there is, and
// at least one.
func (s *Store) GetMany(ctx context.Context, keys []string) (many []*store.Entry, err error) {
	all := func() (err error) {
		many, err = store.GetMany(ctx, s.under, keys)
		return err
	}
	err = s.faults.call(ctx, OpGetMany, all, func(random *rand.Rand) error {
		err := all()
		leaveOut(many, random)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return many, err
}

func leaveOut(many []*store.Entry, random *rand.Rand) {
	var there []int
	for i, e := range many {
		if e != nil {
			there = append(there, i)
		}
	}
	random.Shuffle(len(there), func(i, k int) { there[i], there[k] = there[k], there[i] })
	for _, i := range there[:(len(there)+1)/2] {
		many[i] = nil
	}
}

// Scan implements store.Scanner. Done in part it yields some entries, fewer than 16, and fails.
func (s *Store) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		d := s.faults.decide(OpScan)
		if err := s.faults.begin(ctx, OpScan, d); err != nil {
			yield(nil, err)
			return
		}
		breaks, left := d.treatment == partial, d.random.IntN(16)
		for e, err := range store.Scan(ctx, s.under) {
			if breaks && left == 0 {
				break
			}
			left--
			if !yield(e, err) || err != nil {
				return
			}
		}
		if breaks || d.treatment == unsure {
			yield(nil, s.faults.fail(OpScan, d.err))
		}
	}
}

// Ping implements store.Pinger.
func (s *Store) Ping(ctx context.Context) error {
	return s.faults.call(ctx, OpPing, func() error { return store.Ping(ctx, s.under) }, nil)
}

// Set implements store.Store.
func (s *Store) Set(ctx context.Context, key string, e *store.Entry) error {
	return s.faults.call(ctx, OpSet, func() error { return s.under.Set(ctx, key, e) }, forget)
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.faults.call(ctx, OpDelete, func() error { return s.under.Delete(ctx, key) }, forget)
}

// forget does nothing and says nothing.
func forget(*rand.Rand) error { return nil }

// SetIfAbsent implements store.AbsentSetter. Done in part it says that it set.
func (s *Store) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return s.setIf(ctx, OpSetIfAbsent, func() (bool, error) { return store.SetIfAbsent(ctx, s.under, key, e) })
}

// SetIfNewer implements store.NewerSetter. Done in part it says that it set.
func (s *Store) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return s.setIf(ctx, OpSetIfNewer, func() (bool, error) { return store.SetIfNewer(ctx, s.under, key, e) })
}

func (s *Store) setIf(ctx context.Context, op string, set func() (bool, error)) (done bool, err error) {
	err = s.faults.call(ctx, op, func() (err error) {
		done, err = set()
		return err
	}, func(*rand.Rand) error {
		done = true
		return nil
	})
	return done && err == nil, err
}

// Close closes the store that is wrapped. It meets no faults.
func (s *Store) Close() error { return store.Close(s.under) }
