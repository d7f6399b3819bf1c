// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// calls are all that the leases of a store can be asked.
func (s leaseSuite) calls(key string, holder store.Holder) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Lease":           func(ctx context.Context) error { _, err := s.leaser.Lease(ctx, key, holder, long); return err },
		"Release":         func(ctx context.Context) error { return s.leaser.Release(ctx, key, holder, free, 0) },
		"Release to note": func(ctx context.Context) error { return s.leaser.Release(ctx, key, holder, store.LeaseFailed, long) },
	}
}

func (s leaseSuite) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.afterEnd(ctx, context.Canceled)
}

func (s leaseSuite) deadlineExceeded() {
	ctx, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s.afterEnd(ctx, context.DeadlineExceeded)
}

// afterEnd calls everything with a context that has ended with cause. A store that never
// waits may do it all the same.
func (s leaseSuite) afterEnd(ctx context.Context, cause error) {
	for name, call := range s.calls(s.key("secret=hunter2"), store.NewHolder()) {
		began := time.Now()
		err := call(ctx)
		require.Less(s, time.Since(began), promptly, "%s returns soon after its context ended", name)
		if err != nil {
			require.ErrorIs(s, err, cause, "%s wraps the error of its context", name)
			require.NotContains(s, err.Error(), "hunter2", "%s: errors name no keys, which hold secrets", name)
		}
	}
	s.gets(s.key("later"), store.NewHolder(), long, "a call with an ended context harms no later one")
}

// paused: every call ends with its context while the server hangs, and works again once
// it goes on.
func (s leaseSuite) paused() {
	server := s.features.Server
	if server == nil {
		return
	}
	key, holder := s.key("paused"), store.NewHolder()
	s.gets(key, holder, long, "it is free")
	server.Pause()
	resumed := false
	defer func() {
		if !resumed {
			server.Resume()
		}
	}()
	bare := suite{T: s.T}
	for name, call := range s.calls(s.key("hangs"), holder) {
		bare.endsInTime(name, call)
		bare.endsWhenCancelled(name, call)
	}
	server.Resume()
	resumed = true
	const when = "after the server hung"
	s.worksSoon(when)
	require.Equal(s, holder, s.askSoon(key, store.NewHolder(), when), "a lease outlives that its server hung")
}

// firstCallPaused: the same for a store that never reached its server.
func (s leaseSuite) firstCallPaused() {
	server := s.features.Server
	if server == nil {
		return
	}
	server.Pause()
	defer server.Resume()
	suite{T: s.T}.endsInTime("the first Lease", s.calls(s.key("first"), store.NewHolder())["Lease"])
}

// worksSoon asks for a lease on another key until that works.
func (s leaseSuite) worksSoon(when string) {
	s.Helper()
	holder := store.NewHolder()
	require.Equal(s, holder, s.askSoon(s.key("works"), holder, when))
}

// askSoon asks until there is an answer: a store with several connections may find out one
// by one that they are broken.
func (s leaseSuite) askSoon(key string, holder store.Holder, when string) store.Holder {
	s.Helper()
	for began := time.Now(); ; {
		ctx, cancel := s.within(deadline)
		got, err := s.leaser.Lease(ctx, key, holder, long)
		cancel()
		if err == nil {
			return got
		}
		require.Less(s, time.Since(began), 20*recovery, "leases work again soon %s: %v", when, err)
	}
}

// restarted: a lease may be gone with its server, and ends on time if it isn't.
func (s leaseSuite) restarted() {
	server := s.features.Server
	if server == nil {
		return
	}
	key, one := s.key("restarted"), store.NewHolder()
	s.gets(key, one, briefly, "it is free")
	over := time.Now().Add(briefly + s.features.Grain)
	server.Kill()
	for name, call := range s.calls(s.key("down"), one) {
		ctx, cancel := s.within(deadline)
		err := call(ctx)
		cancel()
		require.Error(s, err, "%s fails while there is no server", name)
		require.NotErrorIs(s, err, store.ErrNotFound, "%s: a server that is gone is no miss", name)
	}
	server.Start()
	const when = "after the server was started again"
	s.worksSoon(when)
	time.Sleep(time.Until(over))
	two := store.NewHolder()
	require.Equal(s, two, s.askSoon(key, two, when), "a lease from before is free when its time is over, if not at once")
	s.has(key, two, "and is one like any other then")
}

func (s leaseSuite) close() {
	if !has[store.Closer](s.store) {
		return
	}
	key, holder := s.key("close"), store.NewHolder()
	s.gets(key, holder, long, "it is free")
	require.NoError(s, store.Close(s.store))
	for name, call := range s.calls(key, holder) {
		require.Error(s, call(s.Context()), "after Close %s fails, with store.ErrClosed where the store knows", name)
	}
}
