// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// scratch is memory that a lookup needs and the next one can have again.
type scratch struct {
	key      []byte
	variant  []byte
	selected []byte
	stripe   uint32 // of the counters
}

// found is what a lookup brought: a response, or the record of a URL whose variants
// differ, or both.
type found struct {
	entry  *store.Entry // the response, nil for none
	record *store.Entry // what selects among the variants, nil for none
	soft   bool         // the response was purged softly
	miss   Reason       // without a response: uri-miss or vary-miss
}

// lookupLocal finds the response for a request in a store of this process,
// without allocating: primary key, vary record, variant. It judges nothing: the
// caller compares the marks.
func (c *Cache) lookupLocal(s *scratch, local store.BytesGetter, r *http.Request, now int64) (entry, record *store.Entry) {
	e, err := local.GetBytes(r.Context(), s.key, now)
	if err != nil || !e.KeyIs(s.key) {
		return nil, nil
	}
	if e.Kind() != store.KindVary {
		return e, nil
	}
	c.selectVariant(s, e, r)
	v, err := local.GetBytes(r.Context(), s.variant, now)
	if err != nil || !s.matches(v, e) {
		return nil, e
	}
	return v, e
}

// selectVariant fills s with the values that r selects by, and the variant's key.
func (c *Cache) selectVariant(s *scratch, record *store.Entry, r *http.Request) {
	v := varyViewOf(record)
	s.selected = httpfield.AppendSelected(s.selected[:0], v.names, r.Header, r.Host)
	slot := variantSlot(record.Generation(), s.selected, c.cfg.MaxVariants)
	s.variant = appendVariant(s.variant[:0], s.key, v.generation, slot)
}

// matches compares in full what the slot's number only hints at.
func (s *scratch) matches(v, record *store.Entry) bool {
	return v.Kind() == store.KindResponse && v.KeyIs(s.variant) && v.SelectedIs(s.selected) &&
		v.Generation() == record.Generation()
}

// lookup finds the response for a request in any store, with the store's deadline
// over all round trips, and drops what was purged. A store that fails is a miss.
func (c *Cache) lookup(s *scratch, r *http.Request) found {
	ctx, cancel := context.WithTimeout(r.Context(), c.cfg.StoreTimeout)
	defer cancel()
	e := c.get(ctx, s.key)
	if e == nil || !e.KeyIs(s.key) {
		return found{miss: ReasonURIMiss}
	}
	hard, soft := c.marks.Entry(e)
	if hard {
		return found{miss: ReasonURIMiss}
	}
	if e.Kind() != store.KindVary {
		return found{entry: e, soft: soft}
	}
	c.selectVariant(s, e, r)
	f := found{record: e, miss: ReasonVaryMiss}
	v := c.get(ctx, s.variant)
	if v == nil || !s.matches(v, e) {
		return f
	}
	if hard, f.soft = c.marks.Entry(v); !hard {
		f.entry = v
	}
	return f
}

// get reads one key; nil for whatever isn't there.
func (c *Cache) get(ctx context.Context, key []byte) *store.Entry {
	if e, queued := c.writes.get(key); queued {
		return e
	}
	var e *store.Entry
	err := c.guard("get", func() (err error) {
		e, err = store.GetBytes(ctx, c.store, key)
		return err
	})
	switch {
	case err == nil:
		return e
	case errors.Is(err, store.ErrNotFound):
	case errors.Is(err, context.Canceled): // the client left
	default:
		c.storeFailed(err)
	}
	return nil
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

// storeFailed reports a failure of the store; the request goes on without it.
func (c *Cache) storeFailed(err error) {
	if errors.Is(err, store.ErrTooLarge) {
		c.emit(Event{Kind: EventRefused, Reason: ReasonTooLarge, Err: err})
		return
	}
	c.emit(Event{Kind: EventStoreError, Reason: ReasonStoreError, Err: err})
}
