// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"hash/maphash"
	"net/http"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/holdover-go/holdover/store"
)

const (
	maxRecords    = 4096
	maxRecordSize = 8 << 10
)

// records remembers how the responses of URLs varied when somebody last looked into a
// store that is not in this process. What it says may be out of date: it only tells which
// variant to ask for beside the record.
type records struct {
	mu    sync.Mutex
	known *simplelru.LRU[uint64, *store.Entry]
}

func (r *records) get(hash uint64, key []byte) *store.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		return nil
	}
	if e, known := r.known.Get(hash); known && e.KeyIs(key) {
		return e
	}
	return nil
}

func (r *records) put(hash uint64, e *store.Entry) {
	if e.Size() > maxRecordSize {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known, _ = simplelru.NewLRU[uint64, *store.Entry](maxRecords, nil) // fails only for sizes below 1
	}
	r.known.Add(hash, e)
}

func (r *records) drop(hash uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known != nil {
		r.known.Remove(hash)
	}
}

// getWithVariant reads what stands under a URL's key and, where responses varied the last
// time, the variant that the request would get then, in one round trip. variant is that
// one's key, nil where it wasn't asked for.
func (c *Cache) getWithVariant(ctx context.Context, from store.Store, p *rules, key []byte, r *http.Request) (e, v *store.Entry, variant []byte) {
	if c.writes.local {
		return c.getFrom(ctx, from, key), nil, nil
	}
	hash := maphash.Bytes(c.seed, key)
	known := c.records.get(hash, key)
	if known == nil {
		e = c.getFrom(ctx, from, key)
	} else {
		variant = p.choose(nil, nil, key, known, r, c.cfg.MaxVariants).variant
		e, v = c.getBoth(ctx, from, key, variant)
	}
	switch {
	case e != nil && e.Kind() == store.KindVary:
		c.records.put(hash, e)
	case known != nil:
		c.records.drop(hash) // its responses don't vary any more, or can't be had together
	}
	return e, v, variant
}

// getBoth is get for two keys. What is queued to be written comes from there.
func (c *Cache) getBoth(ctx context.Context, from store.Store, key, variant []byte) (e, v *store.Entry) {
	e, queued := c.writes.get(key)
	v, queuedVariant := c.writes.get(variant)
	if queued || queuedVariant {
		return c.orGet(ctx, from, e, queued, key), c.orGet(ctx, from, v, queuedVariant, variant)
	}
	var both []*store.Entry
	err := c.guard("get", func() (err error) {
		both, err = store.GetMany(ctx, from, []string{string(key), string(variant)})
		return err
	})
	c.readFailed(err)
	if len(both) == 2 {
		c.storeWorks(&c.reading)
	}
	if len(both) != 2 { // one of them may stand where the store still works
		return c.getFrom(ctx, from, key), nil
	}
	return both[0], both[1]
}

func (c *Cache) orGet(ctx context.Context, from store.Store, e *store.Entry, queued bool, key []byte) *store.Entry {
	if queued {
		return e
	}
	return c.getFrom(ctx, from, key)
}
