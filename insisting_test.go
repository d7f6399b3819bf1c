// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// Who refuses a stored page, and breaks the origin by what he asks, gets what he asked for; the
// others' page is revalidated as ever.
func TestWhatInsistingClientsBreakIsTheirs(t *testing.T) {
	for _, status := range []int{500, 429} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(answer(200, "old", "Cache-Control", windowed))
			h := newCache(t, holdover.Config{}).Handler(o)
			get(h)
			time.Sleep(2 * time.Second)
			o.set(answer(status, "broken", "Retry-After", "60"))
			for range 5 {
				require.Equal(t, status, get(h, "Cache-Control", "no-cache").Code)
			}
			o.set(answer(200, "new", "Cache-Control", windowed))
			require.Equal(t, "new", get(h).Body.String())
		})
	}
}

// An origin that can't be reached is no client's doing, whoever finds out.
func TestWhatInsistingClientsFindOutCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(unreachable())
		require.GreaterOrEqual(t, get(h, "Cache-Control", "no-cache").Code, 500)
		asked := o.calls.Load()
		w := get(h)
		require.Equal(t, "old", w.Body.String())
		require.Contains(t, statusOf(w.Header()), "detail=back-off")
		require.Equal(t, asked, o.calls.Load())
	})
}

// Pages that never worked don't make an origin fail whose other pages do, those that worked do.
func TestWhoseErrorsMakeTheOriginFail(t *testing.T) {
	for name, stored := range map[string]bool{"pages with a copy": true, "pages without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "old", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{}).Handler(o)
				for i := range 10 {
					if stored || i >= 5 {
						ask(h, "GET", pageURL(i))
					}
				}
				time.Sleep(2 * time.Second)
				o.set(answer(500, "broken"))
				for i := range 5 {
					ask(h, "GET", pageURL(i))
				}
				o.set(slowly(100*time.Millisecond, answer(200, "new", "Cache-Control", windowed)))
				before := o.calls.Load()
				together(5, func(i int) { ask(h, "GET", pageURL(5+i)) })
				if stored { // it fails, and is only probed
					require.LessOrEqual(t, o.calls.Load()-before, int64(1))
				} else {
					require.EqualValues(t, 5, o.calls.Load()-before)
				}
			})
		})
	}
}

// An error of a page that never worked isn't taken for how the origin fails: what may be given only
// while it can't be reached is given on.
func TestAnErrorOfOnePageIsNotHowTheOriginFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", "max-age=1"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(unreachable())
		require.Equal(t, "old", get(h).Body.String())
		o.set(answer(500, "broken"))
		require.Equal(t, 500, ask(h, "GET", pageURL(0)).Code)
		asked := o.calls.Load()
		require.Equal(t, "old", get(h).Body.String(), "it rests after the failure")
		require.Equal(t, asked, o.calls.Load())
	})
}
