// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// found is what a lookup brought: a response, or the record of a URL whose variants
// differ, or both.
type found struct {
	entry   *store.Entry  // the response, nil for none
	record  *store.Entry  // what selects among the variants, nil for none
	verdict marks.Verdict // what the marks say of the response or of the part
	part    *store.Entry  // without a response: a part of it, where the request wants one
	miss    Reason        // without a response: uri-miss or vary-miss
	stood   bool          // something stood under the key
}

// lookupMemory finds the response for a request in a memory store, without
// allocating: primary key, vary record, variant. It compares no marks with the response:
// that is the stamp's part.
func (h *handler) lookupMemory(key []byte, r *http.Request, now int64) *store.Entry {
	e, err := h.memory.GetBytes(r.Context(), key, now)
	if err != nil {
		return nil
	}
	if e.Kind() != store.KindVary {
		return e
	}
	memos := &varyViewOf(e).memos
	words, few := wordsOf(varyViewOf(e).names, r.Header)
	if few {
		if v := memos.recall(&words); v != nil && viewOf(v).stamp.Load().holds(now, h.p, h.c.marks.Position()) {
			return v
		}
	}
	v := h.variantInMemory(key, e, r, now)
	if v != nil && few {
		memos.remember(&words, v)
	}
	return v
}

func (h *handler) variantInMemory(key []byte, record *store.Entry, r *http.Request, now int64) *store.Entry {
	var selectedBuf, variantBuf [256]byte // on the stack: nothing here keeps what it is given
	if h.c.marks.Entry(record, now) == marks.Hard {
		return nil
	}
	s := h.p.choose(selectedBuf[:0], variantBuf[:0], key, record, r, h.c.cfg.MaxVariants)
	v, err := h.memory.GetBytes(r.Context(), s.variant, now)
	if err != nil || !s.matches(v, record) {
		return nil
	}
	return v
}

// selection is which variant a request wants.
type selection struct {
	selected []byte // the values it selects by, in canonical text
	variant  []byte // the variant's key
}

// choose appends what r selects by, and the key of that variant.
func (p *rules) choose(selected, variant, key []byte, record *store.Entry, r *http.Request, slots int) selection {
	v := varyViewOf(record)
	selected = p.appendSelected(selected, v.names, r.Header, r.Host)
	variant = appendVariant(variant, key, v.generation, variantSlot(record.Generation(), selected, slots))
	return selection{selected: selected, variant: variant}
}

// matches compares in full what the slot's number only hints at.
func (s selection) matches(v, record *store.Entry) bool {
	return v.Kind() == store.KindResponse && v.KeyIs(s.variant) && v.SelectedIs(s.selected) &&
		v.Generation() == record.Generation()
}

// lookup finds the response for a request in any store, with the store's deadline
// over all round trips, and drops what was purged. A store that fails is a miss.
func (c *Cache) lookup(p *rules, key []byte, r *http.Request, in interest) found {
	if c.closed.Load() { // the store is the caller's
		return found{miss: ReasonURIMiss}
	}
	ctx, cancel := c.storeContext(r)
	defer cancel()
	if !c.writes.local {
		c.journals.await(ctx, c.opened, c.cfg.StoreTimeout)
	}
	f := c.lookupIn(ctx, c.store, p, key, r)
	if f.stood && !f.freshNow(c.clock()) {
		f = c.lookupBehind(ctx, f, p, key, r)
	}
	if f.entry == nil && in.asksForPart(r) {
		f.part, f.verdict = c.lookupPart(ctx, p, string(key), r.Header, r.Host)
	}
	return f
}

// freshNow reports whether the response can be used as it is.
func (f found) freshNow(now int64) bool {
	return f.entry != nil && factsOf(f.entry, f.verdict, now).fresh()
}

// lookupBehind looks into the slower tiers of a store where the fastest has only what isn't
// fresh any more: another process may have stored something newer since, or something of which
// more is known.
func (c *Cache) lookupBehind(ctx context.Context, f found, p *rules, key []byte, r *http.Request) found {
	behind := store.Behind(c.store)
	if behind == nil {
		return f
	}
	switch newer := c.lookupIn(ctx, behind, p, key, r); {
	case newer.entry != nil && (f.entry == nil || newer.verdict < f.verdict || newer.entry.Newer(f.entry)):
		return newer
	case f.entry == nil && newer.record != nil:
		return newer
	}
	return f
}

func (c *Cache) lookupIn(ctx context.Context, from store.Store, p *rules, key []byte, r *http.Request) found {
	e, v, variant := c.getWithVariant(ctx, from, p, key, r)
	if e == nil || !e.KeyIs(key) {
		return found{miss: ReasonURIMiss}
	}
	now := c.clock()
	verdict := c.marks.Entry(e, now)
	if verdict == marks.Hard {
		return found{miss: ReasonURIMiss, stood: true}
	}
	if e.Kind() != store.KindVary {
		return found{entry: e, verdict: verdict, stood: true}
	}
	s := p.choose(nil, nil, key, e, r, c.cfg.MaxVariants)
	f := found{record: e, miss: ReasonVaryMiss, stood: true}
	if !bytes.Equal(variant, s.variant) {
		v = c.getFrom(ctx, from, s.variant)
	}
	if v == nil || !s.matches(v, e) {
		return f
	}
	if verdict = c.marks.Entry(v, now); verdict != marks.Hard {
		f.entry, f.verdict = v, verdict
	}
	return f
}

// get reads one key; nil for whatever isn't there.
func (c *Cache) get(ctx context.Context, key []byte) *store.Entry {
	return c.getFrom(ctx, c.store, key)
}

// getFrom is get in that store.
func (c *Cache) getFrom(ctx context.Context, from store.Store, key []byte) *store.Entry {
	if e, queued := c.writes.get(key); queued {
		return e
	}
	var e *store.Entry
	err := c.guard("get", func() (err error) {
		e, err = store.GetBytes(ctx, from, key)
		return err
	})
	if err != nil {
		c.readFailed(err)
		return nil
	}
	c.storeWorks(&c.reading)
	return e
}

// readFailed reports why nothing was read, if that is worth a word.
func (c *Cache) readFailed(err error) {
	switch {
	case err == nil, errors.Is(err, context.Canceled): // the client left
	case errors.Is(err, store.ErrFormat):
		c.emit(Event{Kind: EventUnreadable, Reason: ReasonUnreadable, Err: err})
	case !errors.Is(err, store.ErrNotFound):
		c.storeFailed(&c.reading, err)
	default:
		c.storeWorks(&c.reading)
	}
}

// guard keeps a store's panic from becoming the client's.
func (c *Cache) guard(op string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &store.Error{Store: "store", Op: op, Err: fmt.Errorf("panic: %v", v)}
		}
	}()
	return f()
}

// storeState is whether the store failed when it was last read, or written to.
type storeState struct {
	failed atomic.Bool
	last   atomic.Int64 // when it last did, in Unix nanoseconds
}

// calm is how long after a failure the store works again, as far as the log says: with a tier
// in front that answers, failures and successes alternate.
const calm = 2 * time.Second

// storeFailed reports a failure of the store; the request goes on without it.
func (c *Cache) storeFailed(s *storeState, err error) {
	if errors.Is(err, store.ErrTooLarge) {
		c.emit(Event{Kind: EventRefused, Reason: ReasonTooLarge, Err: err})
		return
	}
	s.last.Store(time.Now().UnixNano())
	if s.failed.CompareAndSwap(false, true) {
		c.log.Warn("the store fails; requests go on without it", "error", err)
	}
	c.emit(Event{Kind: EventStoreError, Reason: ReasonStoreError, Err: err})
}

// storeWorks is told of what the store has done.
func (c *Cache) storeWorks(s *storeState) {
	if s.failed.Load() && time.Now().UnixNano()-s.last.Load() > int64(calm) && s.failed.CompareAndSwap(true, false) {
		c.log.Info("the store works again")
	}
}
