// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
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

// stopped is a shared store whose server can be stopped (SIGSTOP).
type stopped struct {
	*remote
	now atomic.Bool
}

func (s *stopped) wait(ctx context.Context) error {
	if !s.now.Load() {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}
func (s *stopped) Get(ctx context.Context, k string) (*store.Entry, error) {
	if err := s.wait(ctx); err != nil {
		return nil, err
	}
	return s.remote.Get(ctx, k)
}
func (s *stopped) Set(ctx context.Context, k string, e *store.Entry) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.remote.Set(ctx, k, e)
}
func (s *stopped) Delete(ctx context.Context, k string) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.remote.Delete(ctx, k)
}

// A shared tier that hangs keeps nothing out of the memory in front of it.
func TestMemoryTierStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		shared := &stopped{remote: newRemote()}
		s, err := store.NewTiered(m, shared)
		require.NoError(t, err)
		defer s.Close()
		o := newOrigin(answer(200, strings.Repeat("x", 100<<10), "Cache-Control", "max-age=6000"))
		c := newCache(t, holdover.Config{Store: s})
		h := c.Handler(o)
		shared.now.Store(true)
		const pages = 1500
		for n := range pages {
			ask(h, "GET", fmt.Sprintf("%s?%d", page1, n))
		}
		time.Sleep(10 * time.Second)
		before := o.calls.Load()
		for n := range pages {
			ask(h, "GET", fmt.Sprintf("%s?%d", page1, n))
		}
		t.Logf("%d of %d fetched again; memory holds %d entries", o.calls.Load()-before, pages, m.Stats().Entries)
		require.Less(t, o.calls.Load()-before, int64(pages/10))
	})
}

// What was just fetched replaces the older response in memory although the shared tier hangs.
func TestOlderInMemoryThanQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		shared := &stopped{remote: newRemote()}
		s, err := store.NewTiered(m, shared)
		require.NoError(t, err)
		defer s.Close()
		o := newOrigin(answer(200, "v1", "Cache-Control", "max-age=6000"))
		h := newCache(t, holdover.Config{Store: s}).Handler(o)
		require.Equal(t, "v1", get(h).Body.String())
		time.Sleep(time.Second)
		shared.now.Store(true)
		for n := range 40 {
			ask(h, "GET", fmt.Sprintf("%s?%d", page1, n))
		}
		o.set(answer(200, "v2", "Cache-Control", "max-age=6000"))
		require.Equal(t, "v2", get(h, "Cache-Control", "no-cache").Body.String())
		w := get(h)
		require.Equal(t, "v2", w.Body.String())
	})
}
