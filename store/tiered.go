// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Tiered is a store made of several, the fastest first: mostly a small one in this process
// in front of one that several processes share. What is found in a slower tier is copied
// into the faster ones. Make it with NewTiered.
type Tiered struct {
	tiers   []Store
	backlog []*backlog // of writes that failed, one for each tier
	fill    *filler
	writes  *writeLog
}

// NewTiered returns a store that asks the tiers one after the other and writes to all of
// them. A tier outside of this process gets a breaker, see WithBreaker, and at most half of
// what is left of the deadline while others wait for their turn. The last one decides about
// SetIfAbsent and SetIfNewer, and is the one whose journal and list of entries count. Close
// closes all tiers.
func NewTiered(tiers ...Store) (*Tiered, error) {
	if len(tiers) < 2 {
		return nil, fmt.Errorf("store: NewTiered needs at least two tiers, not %d", len(tiers))
	}
	t := &Tiered{writes: newWriteLog()}
	t.fill = newFiller(t.writes)
	for i, s := range tiers {
		if s == nil {
			return nil, fmt.Errorf("store: tier %d is nil", i)
		}
		if at := indexOf(tiers[:i], s); at >= 0 {
			return nil, fmt.Errorf("store: tiers %d and %d are the same store", at, i)
		}
		s = WithBreaker(s)
		t.tiers, t.backlog = append(t.tiers, s), append(t.backlog, newBacklog(s))
	}
	return t, nil
}

// share bounds what tier i may take of the deadline, where others come after it.
func (t *Tiered) share(ctx context.Context, i, others int) (context.Context, context.CancelFunc) {
	deadline, set := ctx.Deadline()
	if !set || others == 0 || IsLocal(t.tiers[i]) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
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

// Behind returns what stands behind the first tier, as a store to read from: what is found
// there is copied into the first tier all the same.
func (t *Tiered) Behind() Store { return tiersBehind{t} }

// Behind returns what stands behind the first tier of a Tiered, nil where nothing does. Whoever
// judges entries asks it when that of the first tier is of no use any more: another
// process may have set a newer one.
func Behind(s Store) Store {
	if b, ok := s.(interface{ Behind() Store }); ok {
		return b.Behind()
	}
	return nil
}

type tiersBehind struct{ *Tiered }

func (b tiersBehind) Get(ctx context.Context, key string) (*Entry, error) {
	return b.get(ctx, key, 1)
}

func (b tiersBehind) GetMany(ctx context.Context, keys []string) ([]*Entry, error) {
	return b.getMany(ctx, keys, 1)
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
func (t *Tiered) Get(ctx context.Context, key string) (*Entry, error) { return t.get(ctx, key, 0) }

// get asks the tiers from that number on.
func (t *Tiered) get(ctx context.Context, key string, from int) (*Entry, error) {
	var failed, unreadable error
	before := t.writes.count(key)
	for i := from; i < len(t.tiers); i++ {
		e, err := t.getFrom(ctx, i, key)
		switch {
		case err == nil:
			t.promote(key, e, i, before)
			return e, nil
		case !errors.Is(err, ErrNotFound):
			failed = errors.Join(failed, err)
		case errors.Is(err, ErrFormat):
			unreadable = err
		}
	}
	return nil, firstOf(failed, unreadable, ErrNotFound)
}

func (t *Tiered) getFrom(ctx context.Context, i int, key string) (*Entry, error) {
	ctx, cancel := t.share(ctx, i, len(t.tiers)-1-i)
	defer cancel()
	return t.tiers[i].Get(ctx, key)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// promote copies an entry of tier i into the faster ones, unless something was written under
// the key since before, when it was looked for. It keeps its own end of life. Tiers outside
// of this process get it behind the caller's back, or not at all where too much waits for that.
func (t *Tiered) promote(key string, e *Entry, i int, before uint64) {
	for n, s := range t.tiers[:i] {
		switch {
		case t.writes.count(key) != before, t.backlog[n].has(key): // something newer is on its way
		case IsLocal(s):
			_, _ = SetIfNewer(context.Background(), s, key, e) // or it is found in the slower tier again
		default:
			t.fill.put(fill{s, key, e, before})
		}
	}
}

// GetMany asks each tier for what the faster ones don't have.
func (t *Tiered) GetMany(ctx context.Context, keys []string) ([]*Entry, error) {
	return t.getMany(ctx, keys, 0)
}

func (t *Tiered) getMany(ctx context.Context, keys []string, from int) ([]*Entry, error) {
	entries, before := make([]*Entry, len(keys)), make([]uint64, len(keys))
	for i, key := range keys {
		before[i] = t.writes.count(key)
	}
	var failed, unreadable error
	for i := from; i < len(t.tiers); i++ {
		missing, at := missingOf(keys, entries)
		if len(missing) == 0 {
			return entries, nil
		}
		found, err := t.getManyFrom(ctx, i, missing)
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
				t.promote(missing[n], e, i, before[at[n]])
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

func (t *Tiered) getManyFrom(ctx context.Context, i int, keys []string) ([]*Entry, error) {
	ctx, cancel := t.share(ctx, i, len(t.tiers)-1-i)
	defer cancel()
	return GetMany(ctx, t.tiers[i], keys)
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
	w := t.begin(key, e)
	defer w.end()
	for i := range t.tiers {
		w.to(ctx, i, len(t.tiers)-1-i, func(ctx context.Context, s Store) error { return s.Set(ctx, key, e) })
	}
	return w.failure()
}

// Delete drops the entry from all tiers. Where that fails it is tried again later.
func (t *Tiered) Delete(ctx context.Context, key string) error {
	w := t.begin(key, nil)
	defer w.end()
	for i := range t.tiers {
		w.to(ctx, i, len(t.tiers)-1-i, func(ctx context.Context, s Store) error { return s.Delete(ctx, key) })
	}
	return w.failure()
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
) (done bool, err error) {
	w := t.begin(key, e)
	defer w.end()
	last := len(t.tiers) - 1
	refused := false
	decided := w.to(ctx, last, last, func(ctx context.Context, s Store) (err error) {
		done, err = set(ctx, s, key, e)
		refused = err == nil && !done
		return err
	})
	if refused {
		return false, nil
	}
	for i := range last {
		w.to(ctx, i, last-1-i, func(ctx context.Context, s Store) error {
			if decided {
				_, err := SetIfNewer(ctx, s, key, e)
				return err
			}
			took, err := set(ctx, s, key, e)
			done = done || took
			return err
		})
	}
	return done || decided, w.failure()
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

// Close ends the work behind and closes all tiers. The error says what was to be written
// again and is lost.
func (t *Tiered) Close() error {
	failed := []error{t.fill.close()}
	for i, s := range t.tiers {
		failed = append(failed, t.backlog[i].close(), Close(s))
	}
	return errors.Join(failed...)
}
