// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// Whatever the driver does, its callers leave when their time is over, and there are never
// more calls in it than there may be.
func TestBlockedDriver(t *testing.T) {
	c := newCalls(50*time.Millisecond, false)
	c.patience = 50 * time.Millisecond
	release := make(chan struct{})
	var mu sync.Mutex
	inside, most := 0, 0
	blocked := func(context.Context) (int, error) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		<-release
		mu.Lock()
		inside--
		mu.Unlock()
		return 0, nil
	}
	var all sync.WaitGroup
	began := time.Now()
	for range maxCalls + 50 {
		all.Go(func() {
			if _, err := call(context.Background(), c, blocked); !errors.Is(err, context.DeadlineExceeded) {
				t.Error("it must fail by its deadline: ", err)
			}
		})
	}
	all.Wait()
	require.Less(t, time.Since(began), 5*time.Second)
	require.Equal(t, maxCalls, most)

	require.ErrorContains(t, c.close(), "256 calls")
	close(release)
	require.NoError(t, c.close())
	_, err := call(t.Context(), c, blocked)
	require.ErrorIs(t, err, store.ErrClosed)
	require.False(t, c.background(func(context.Context) { t.Error("it is closed") }))
}

func TestPanicInTheDriver(t *testing.T) {
	for _, direct := range []bool{true, false} {
		c := newCalls(time.Second, direct)
		_, err := call(t.Context(), c, func(context.Context) (int, error) { panic("oh") })
		require.ErrorContains(t, err, "panic in the driver: oh")
		n, err := call(t.Context(), c, func(context.Context) (int, error) { return 5, nil })
		require.NoError(t, err)
		require.Equal(t, 5, n)
		require.NoError(t, c.close())
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newCalls(time.Second, true)
	odd := errors.New("odd")
	_, err := call(ctx, c, func(context.Context) (int, error) { cancel(); return 0, odd })
	require.ErrorIs(t, err, context.Canceled, "what the driver says of it is wrapped")
	require.ErrorIs(t, err, odd)
	_, err = call(ctx, c, func(context.Context) (int, error) { t.Error("asked in vain"); return 0, nil })
	require.ErrorIs(t, err, context.Canceled)
}
