// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/store"
)

// tardy is a store that takes its time, so that others may come between a turn and its fetch.
type tardy struct {
	*remote
	takes atomic.Int64
}

func (s *tardy) Get(ctx context.Context, key string) (*store.Entry, error) {
	time.Sleep(time.Duration(s.takes.Load()))
	return s.remote.Get(ctx, key)
}

// Who finds no place in a line doesn't give way to it either: else a page that is asked for all the
// time would never be renewed while the line stays full.
func TestWhoFindsNoPlaceDoesNotYield(t *testing.T) {
	for name, tt := range map[string]struct {
		line, others int // how many wait in the line, and how many in each of four others
		asked        bool
	}{
		"there is a place":      {5, 0, false},
		"the line is full":      {1024, 0, true},
		"all together are full": {5, 1024, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &tardy{remote: newRemote()}
				o := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", windowed))
				c := newCache(t, holdover.Config{Store: s, Policy: holdover.Policy{Origin: holdover.Origin{
					FetchRate: 1, Scope: func(r *http.Request) string { return r.URL.Query().Get("scope") },
				}}})
				h := c.Handler(o)
				page := func(scope, i int) string { return fmt.Sprintf("%s?scope=s%d", pageURL(i), scope) }
				for i := range 1200 {
					for scope := range 5 {
						ask(h, "GET", page(scope, i))
					}
				}
				time.Sleep(2 * time.Second)
				for i := range tt.line + 1 { // the first one takes the token
					ask(h, "GET", page(0, i))
				}
				time.Sleep(500 * time.Millisecond)
				for i := range tt.others + 1 {
					for scope := range 4 {
						ask(h, "GET", page(1+scope, i))
					}
				}
				s.takes.Store(int64(30 * time.Millisecond))
				from := time.Now()
				for i := range 350 {
					go ask(h, "GET", page(0, 1199))
					if tt.others > 0 { // the places of those whose turn came are taken
						go ask(h, "GET", page(1+i%4, 1100+i%90))
					}
					time.Sleep(10 * time.Millisecond)
				}
				require.Equal(t, tt.asked, len(o.Requests().Between(from, time.Now()).Of("/1199")) > 0)
				time.Sleep(time.Minute)
			})
		})
	}
}
