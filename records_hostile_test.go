// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// grace for ever.
func TestGraceForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "first", "Cache-Control", "max-age=600"))
		c, err := holdover.New(holdover.Config{Journal: memory.NewJournal(), JournalGrace: math.MaxInt64})
		require.NoError(t, err)
		defer c.Close()
		h := c.Handler(o)
		time.Sleep(time.Second)
		get(h)
		require.Contains(t, status(get(h)), "; hit")
	})
}

// parted has its values on two servers, of which one can be down.
type parted struct {
	*remote
	down  atomic.Bool // the server of the variants
	bytes atomic.Int64
	asked atomic.Int64
}

func (s *parted) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	if s.down.Load() && len(keys) > 1 {
		return nil, fmt.Errorf("the other server is down")
	}
	list, err := store.GetMany(ctx, s.remote, keys)
	for _, e := range list {
		if e != nil {
			s.bytes.Add(int64(e.Size()))
		}
	}
	s.asked.Add(int64(len(keys)))
	return list, err
}

func (s *parted) Get(ctx context.Context, key string) (*store.Entry, error) {
	e, err := s.remote.Get(ctx, key)
	if e != nil {
		s.bytes.Add(int64(e.Size()))
	}
	s.asked.Add(1)
	return e, err
}

// what varied once and doesn't any more.
func TestOnceVaried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &parted{remote: newRemote()}
		c, err := holdover.New(holdover.Config{Store: s})
		require.NoError(t, err)
		defer c.Close()
		big := strings.Repeat("x", 4<<20)
		o := newOrigin(answer(200, big, "Cache-Control", "max-age=60", "Vary", "Accept-Language"))
		h := c.Handler(o)
		for range 3 {
			get(h)
			time.Sleep(time.Second)
		}
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{URL: page1}))
		o.set(answer(200, "small", "Cache-Control", "max-age=600"))
		get(h)
		time.Sleep(time.Second)
		get(h)
		s.bytes.Store(0)
		s.asked.Store(0)
		for range 10 {
			require.Contains(t, status(get(h)), "; hit")
		}
		t.Logf("10 hits of 5 bytes: %d keys asked for, %d bytes from the store", s.asked.Load(), s.bytes.Load())
		require.Less(t, s.bytes.Load(), int64(1<<20))
		s.down.Store(true)
		require.Contains(t, status(get(h)), "; hit", "the server of the page is up")
	})
}

// a hit while no journal is in reach.
func TestAllocsWhileUnvouched(t *testing.T) {
	j := newCuttable()
	c, err := holdover.New(holdover.Config{Journal: j, JournalGrace: 200 * time.Millisecond})
	require.NoError(t, err)
	defer c.Close()
	o := newOrigin(answer(200, "first", "Cache-Control", "max-age=600"))
	h := c.Handler(o)
	time.Sleep(50 * time.Millisecond)
	j.cut.Store(true)
	time.Sleep(500 * time.Millisecond)
	get(h)
	r := request("GET", page1)
	w := &nullWriter{h: http.Header{}}
	n := testing.AllocsPerRun(20, func() { clear(w.h); h.ServeHTTP(w, r) })
	require.Contains(t, w.h.Get("Cache-Status"), "; hit")
	require.Zero(t, n)
}

type nullWriter struct{ h http.Header }

func (w *nullWriter) Header() http.Header         { return w.h }
func (w *nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *nullWriter) WriteHeader(int)             {}

// purged through one cache, hit through the other, which holds a stamp.
func TestTwoCachesPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := memory.New(memory.Config{})
		require.NoError(t, err)
		defer store.Close(st)
		j := memory.NewJournal()
		o := newOrigin(answer(200, "first", "Cache-Control", "max-age=600", "Vary", "Accept-Language"))
		var caches []*holdover.Cache
		var list []http.Handler
		for range 2 {
			c, err := holdover.New(holdover.Config{Store: st, Journal: j})
			require.NoError(t, err)
			defer c.Close()
			caches = append(caches, c)
			list = append(list, c.Handler(o))
		}
		time.Sleep(300 * time.Millisecond)
		get(list[0])
		require.Contains(t, status(get(list[1])), "; hit")
		require.NoError(t, caches[0].Purge(t.Context(), holdover.PurgeRequest{URL: page1}))
		o.set(answer(200, "second", "Cache-Control", "max-age=600", "Vary", "Accept-Language"))
		time.Sleep(250 * time.Millisecond)
		require.Equal(t, "second", get(list[1]).Body.String())
		require.Equal(t, "second", get(list[0]).Body.String())
	})
}

// a soft purge of the whole fleet, and how each sort of request sees it elsewhere.
func TestPurgeSeenBy(t *testing.T) {
	for name, fields := range map[string][]string{
		"max-stale": {"Cache-Control", "max-stale"}, "range": {"Range", "bytes=0-2"}, "only-if-cached": {"Cache-Control", "only-if-cached"},
		"condition": {"If-None-Match", `"one"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, "Cache-Control", "max-age=600, stale-if-error=600, stale-while-revalidate=600", "Etag", `"one"`)
				one := f.start()
				defer f.stop(one)
				f.stored(one)
				f.journal.replace(memory.NewJournal())
				time.Sleep(time.Second)
				f.origin.set(answer(503, "broken"))
				w := get(one.h, fields...)
				require.NotEqual(t, "first", w.Body.String(), "%s", status(w))
				require.NotEqual(t, 304, w.Code, "%s", status(w))
				require.NotEqual(t, 206, w.Code, "%s", status(w))
			})
		})
	}
}
