// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Tiered is a store made of several, the fastest first: mostly a small one in this process
// in front of one that several processes share. What is found in a slower tier is copied
// into the faster ones. Make it with NewTiered.
type Tiered struct {
	tiers   []Store
	backlog []*backlog // of writes that failed, one for each tier
	fill    *filler
}

// NewTiered returns a store that asks the tiers one after the other and writes to all of
// them. The last one decides about SetIfAbsent and SetIfNewer, and is the one whose journal
// and list of entries count. Close closes all tiers.
func NewTiered(tiers ...Store) (*Tiered, error) {
	if len(tiers) < 2 {
		return nil, fmt.Errorf("store: NewTiered needs at least two tiers, not %d", len(tiers))
	}
	t := &Tiered{tiers: tiers, fill: newFiller()}
	for i, s := range tiers {
		if s == nil {
			return nil, fmt.Errorf("store: tier %d is nil", i)
		}
		t.backlog = append(t.backlog, newBacklog(s))
	}
	return t, nil
}

// Fast returns the first tier, for a cache that knows how to ask it without detour.
func (t *Tiered) Fast() Store { return t.tiers[0] }

// FastOf returns the store in this process that is asked first: s itself, or the first tier
// of a Tiered.
func FastOf(s Store) Store {
	for {
		f, ok := s.(interface{ Fast() Store })
		if !ok {
			return s
		}
		s = f.Fast()
	}
}

// JournalOf returns the journal of the slowest tier that has one.
func (t *Tiered) JournalOf() (Journal, error) {
	for i := len(t.tiers) - 1; i >= 0; i-- {
		if j, err := JournalOf(t.tiers[i]); err == nil {
			return j, nil
		}
	}
	return nil, errors.ErrUnsupported
}

// Local reports whether all tiers are in this process.
func (t *Tiered) Local() bool {
	for _, s := range t.tiers {
		if !IsLocal(s) {
			return false
		}
	}
	return true
}

// Get returns the entry of the fastest tier that has it. A tier that fails is passed over;
// its error is returned where no other has the entry, since it might have had it.
func (t *Tiered) Get(ctx context.Context, key string) (*Entry, error) {
	var failed, unreadable error
	for i, s := range t.tiers {
		e, err := s.Get(ctx, key)
		switch {
		case err == nil:
			t.promote(key, e, i)
			return e, nil
		case !errors.Is(err, ErrNotFound):
			failed = errors.Join(failed, err)
		case errors.Is(err, ErrFormat):
			unreadable = err
		}
	}
	return nil, firstOf(failed, unreadable, ErrNotFound)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// promote copies an entry of tier i into the faster ones, unless they have a newer one by now.
// It keeps its own end of life. Tiers outside of this process get it behind the caller's
// back, or not at all where too much waits for that.
func (t *Tiered) promote(key string, e *Entry, i int) {
	for n, s := range t.tiers[:i] {
		switch {
		case t.backlog[n].has(key): // a newer one waits to be written there
		case IsLocal(s):
			_, _ = SetIfNewer(context.Background(), s, key, e) // or it is found in the slower tier again
		default:
			t.fill.put(s, key, e)
		}
	}
}

// GetMany asks each tier for what the faster ones don't have.
func (t *Tiered) GetMany(ctx context.Context, keys []string) ([]*Entry, error) {
	entries := make([]*Entry, len(keys))
	var failed, unreadable error
	for i, s := range t.tiers {
		missing, at := missingOf(keys, entries)
		if len(missing) == 0 {
			return entries, nil
		}
		found, err := GetMany(ctx, s, missing)
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			failed = errors.Join(failed, err)
			continue
		case err != nil:
			unreadable = err
		}
		for n, e := range found {
			if e != nil {
				entries[at[n]] = e
				t.promote(missing[n], e, i)
			}
		}
	}
	if missing, _ := missingOf(keys, entries); len(missing) == 0 {
		return entries, nil
	}
	if failed != nil {
		return nil, failed
	}
	return entries, unreadable
}

func missingOf(keys []string, entries []*Entry) (missing []string, at []int) {
	for i, e := range entries {
		if e == nil {
			missing, at = append(missing, keys[i]), append(at, i)
		}
	}
	return missing, at
}

// Set stores the entry in all tiers. Where that fails it is tried again later, unless
// something newer is set under the key until then; the error is returned all the same. A
// tier for which the entry is too large does without, as long as another takes it.
func (t *Tiered) Set(ctx context.Context, key string, e *Entry) error {
	return t.each(ctx, key, e, func(s Store) error { return s.Set(ctx, key, e) })
}

// Delete drops the entry from all tiers. Where that fails it is tried again later.
func (t *Tiered) Delete(ctx context.Context, key string) error {
	return t.each(ctx, key, nil, func(s Store) error { return s.Delete(ctx, key) })
}

// each writes to all tiers. A nil entry means that it deletes.
func (t *Tiered) each(ctx context.Context, key string, e *Entry, write func(Store) error) error {
	var failed, refused []error
	for i, s := range t.tiers {
		t.backlog[i].drop(key) // what waited there is older
		err := write(s)
		if errors.Is(err, ErrTooLarge) {
			refused = append(refused, err)
			err = s.Delete(ctx, key) // what stands there was replaced
		}
		if err != nil {
			failed = append(failed, err)
			t.backlog[i].put(key, e, err)
		}
	}
	if len(refused) == len(t.tiers) {
		return refused[0]
	}
	return errors.Join(failed...)
}

// SetIfAbsent stores the entry where the last tier has none under key.
func (t *Tiered) SetIfAbsent(ctx context.Context, key string, e *Entry) (bool, error) {
	return t.setIf(ctx, key, e, SetIfAbsent)
}

// SetIfNewer stores the entry where the last tier has none under key, or an older one.
func (t *Tiered) SetIfNewer(ctx context.Context, key string, e *Entry) (bool, error) {
	return t.setIf(ctx, key, e, SetIfNewer)
}

// setIf lets the last tier decide. Where that fails the faster ones decide for themselves:
// without it they are all there is.
func (t *Tiered) setIf(ctx context.Context, key string, e *Entry,
	set func(context.Context, Store, string, *Entry) (bool, error),
) (bool, error) {
	last := len(t.tiers) - 1
	done, err := set(ctx, t.tiers[last], key, e)
	if err == nil && !done {
		return false, nil
	}
	failed := []error{err}
	for _, s := range t.tiers[:last] {
		if err == nil {
			_, err := SetIfNewer(ctx, s, key, e)
			failed = append(failed, unlessTooLarge(err))
			continue
		}
		set, err := set(ctx, s, key, e)
		done = done || set
		failed = append(failed, err)
	}
	return done, errors.Join(failed...)
}

func unlessTooLarge(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return nil
	}
	return err
}

// Scan yields the entries of the last tier.
func (t *Tiered) Scan(ctx context.Context) iter.Seq2[*Entry, error] {
	return Scan(ctx, t.tiers[len(t.tiers)-1])
}

// Ping returns nil if all tiers answer.
func (t *Tiered) Ping(ctx context.Context) error {
	var failed []error
	for _, s := range t.tiers {
		failed = append(failed, Ping(ctx, s))
	}
	return errors.Join(failed...)
}

// Close ends the work behind and closes all tiers.
func (t *Tiered) Close() error {
	var failed []error
	t.fill.close()
	for i, s := range t.tiers {
		t.backlog[i].close()
		failed = append(failed, Close(s))
	}
	return errors.Join(failed...)
}
