// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// busy is a line on which others hold the leases of some keys.
type busy struct {
	*line
	holder atomic.Pointer[store.Holder] // nil for nobody
	path   string                       // of those keys
}

func (b *busy) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	if other := b.holder.Load(); other != nil && strings.Contains(key, b.path) {
		return *other, nil
	}
	return b.line.Lease(ctx, key, holder, d)
}

// besideBusy is one process on such a line.
func besideBusy(t *testing.T, path string, f func(b *busy, o *origin, h http.Handler)) {
	synctest.Test(t, func(t *testing.T) {
		to := newShared(t)
		b := &busy{line: &line{to: to, slow: time.Millisecond}, path: path}
		c := newCache(t, holdover.Config{Store: b, Journal: to.contents().journal, FleetLease: true})
		time.Sleep(250 * time.Millisecond)
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1, stale-if-error=6000"))
		f(b, o, c.Handler(o))
	})
}

// A fetch that got no further than to wait for another process has asked the origin nothing:
// neither does the page rest after it, nor is the next attempt given longer.
func TestWaitingForAnotherProcessIsNoAttempt(t *testing.T) {
	besideBusy(t, "", func(b *busy, o *origin, h http.Handler) {
		get(h)
		time.Sleep(2 * time.Second)
		holder := store.NewHolder()
		b.holder.Store(&holder)
		require.Equal(t, "old", get(h).Body.String())
		time.Sleep(700 * time.Millisecond) // after half a second, and given up after one
		require.EqualValues(t, 1, o.calls.Load())

		b.holder.Store(nil)
		var lasted atomic.Int64
		o.set(func(_ http.ResponseWriter, r *http.Request) {
			began := time.Now()
			<-r.Context().Done()
			lasted.Store(int64(time.Since(began)))
		})
		require.Equal(t, "old", get(h).Body.String())
		time.Sleep(10 * time.Second)
		require.EqualValues(t, 2, o.calls.Load(), "the page doesn't rest")
		require.InDelta(t, time.Second, time.Duration(lasted.Load()), float64(100*time.Millisecond))
	})
}

// What another process says of a page that fails there is about that page: the origin isn't
// failing here for all others.
func TestFailuresElsewhereAreOfTheirPages(t *testing.T) {
	besideBusy(t, "/broken", func(b *busy, o *origin, h http.Handler) {
		urls := []string{"/broken/1", "/broken/2", "/broken/3", "/broken/4", "/1", "/2", "/3", "/4"}
		for _, url := range urls {
			ask(h, "GET", "http://example.com"+url)
		}
		time.Sleep(2 * time.Second)
		b.holder.Store(&store.LeaseFailed)
		o.set(slowly(100*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=60")))
		before := o.calls.Load()
		for _, url := range urls[:4] {
			require.Equal(t, "old", ask(h, "GET", "http://example.com"+url).Body.String())
		}
		require.Equal(t, before, o.calls.Load())
		together(4, func(i int) {
			require.Equal(t, "new", ask(h, "GET", "http://example.com"+urls[4+i]).Body.String())
		})
	})
}
