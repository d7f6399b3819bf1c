// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

const (
	// deadline is what the calls to a server that hangs get.
	deadline = 50 * time.Millisecond
	// lateness is how much later they may return.
	lateness = 5 * time.Millisecond
	// recovery is how soon after a server answers again the store must work by default.
	recovery = 100 * time.Millisecond
	// attempts is how often a bound of time is tried: a busy machine may miss it
	// by itself, a store that misses it always does so.
	attempts = 20
)

func (s suite) recovery() time.Duration {
	if s.features.Recovery > 0 {
		return s.features.Recovery
	}
	return recovery
}

// calls are all that a store can be asked, each of which asks the server.
func (s suite) calls(e *store.Entry) map[string]func(ctx context.Context) error {
	all := map[string]func(ctx context.Context) error{
		"Get":      func(ctx context.Context) error { _, err := s.store.Get(ctx, e.Key()); return err },
		"GetBytes": func(ctx context.Context) error { _, err := store.GetBytes(ctx, s.store, []byte(e.Key())); return err },
		"GetMany": func(ctx context.Context) error {
			_, err := store.GetMany(ctx, s.store, []string{e.Key(), e.Key() + "2"})
			return err
		},
		"Set":         func(ctx context.Context) error { return s.store.Set(ctx, e.Key(), e) },
		"SetIfAbsent": func(ctx context.Context) error { _, err := store.SetIfAbsent(ctx, s.store, e.Key(), e); return err },
		"SetIfNewer":  func(ctx context.Context) error { _, err := store.SetIfNewer(ctx, s.store, e.Key(), e); return err },
		"Delete":      func(ctx context.Context) error { return s.store.Delete(ctx, e.Key()) },
		"Ping":        func(ctx context.Context) error { return store.Ping(ctx, s.store) },
		"Scan": func(ctx context.Context) error {
			for _, err := range store.Scan(ctx, s.store) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	if !s.features.Scanner {
		delete(all, "Scan")
	}
	return all
}

// paused: every call ends with its context while the server hangs, and works again
// once it goes on.
func (s suite) paused() {
	server := s.features.Server
	if server == nil {
		return
	}
	e := s.plain(s.key("paused"), "body")
	s.set(e)
	server.Pause()
	resumed := false
	defer func() {
		if !resumed {
			server.Resume()
		}
	}()
	for name, call := range s.calls(e) {
		s.endsInTime(name, call)
		s.endsWhenCancelled(name, call)
	}
	server.Resume()
	resumed = true
	s.worksSoon(e, "after the server hung")
	var slowest time.Duration
	for range attempts {
		server.Pause()
		_, _ = s.getWithin(e, deadline)
		server.Resume()
		began := time.Now()
		s.worksSoon(e, "after the server hung")
		if slowest = time.Since(began); slowest <= s.recovery() {
			s.Logf("the store worked again %v after its server", slowest)
			return
		}
	}
	require.Fail(s, "too slow", "the store took %v to work again after the server hung, in each of %d attempts", slowest, attempts)
}

// firstCallPaused: the same for a store that never reached its server.
func (s suite) firstCallPaused() {
	server := s.features.Server
	if server == nil {
		return
	}
	server.Pause()
	defer server.Resume()
	s.endsInTime("the first Get", s.calls(s.plain(s.key("first"), "body"))["Get"])
}

func (s suite) endsInTime(name string, call func(context.Context) error) {
	s.Helper()
	var late time.Duration
	for range attempts {
		began := time.Now()
		ctx, cancel := context.WithDeadline(s.Context(), began.Add(deadline))
		err := call(ctx)
		late = time.Since(began) - deadline
		refused := s.refused(ctx)
		cancel()
		require.Error(s, err, "%s fails while the server hangs", name)
		require.NotErrorIs(s, err, store.ErrNotFound, "%s: a server that hangs is no miss", name)
		if refused {
			return
		}
		require.ErrorIs(s, err, context.DeadlineExceeded, "%s wraps the error of its context", name)
		if late <= lateness {
			s.Logf("%s returned %v after its deadline", name, late)
			return
		}
	}
	require.Fail(s, "too late", "%s returned %v after its deadline while the server hung, in %d of %d attempts", name, late, attempts, attempts)
}

func (s suite) endsWhenCancelled(name string, call func(context.Context) error) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	time.AfterFunc(5*time.Millisecond, cancel)
	began := time.Now()
	err := call(ctx)
	if !s.refused(ctx) {
		require.ErrorIs(s, err, context.Canceled, "%s wraps the error of its context", name)
	}
	require.Error(s, err, "%s fails while the server hangs", name)
	require.Less(s, time.Since(began), promptly, "%s ends with its context while the server hangs", name)
}

// refused reports whether a store whose call ended before its context may have failed without
// asking its server.
func (s suite) refused(ctx context.Context) bool { return s.features.Recovery > 0 && ctx.Err() == nil }

// getWithin gets an entry, with a deadline of its own.
func (s suite) getWithin(e *store.Entry, d time.Duration) (*store.Entry, error) {
	ctx, cancel := context.WithTimeout(s.Context(), d)
	defer cancel()
	return s.store.Get(ctx, e.Key())
}

// worksSoon asks until the store works, and fails if that takes too long.
func (s suite) worksSoon(e *store.Entry, when string) {
	s.Helper()
	began := time.Now()
	for {
		ctx, cancel := context.WithTimeout(s.Context(), deadline)
		err := s.store.Set(ctx, e.Key(), e)
		cancel()
		if err == nil {
			break
		}
		require.Less(s, time.Since(began), 20*s.recovery(), "the store works again soon %s: %v", when, err)
	}
	s.expect(e, "the store works again "+when)
}

// restarted: a store gets over the death of its server, also after many calls failed.
func (s suite) restarted() {
	server := s.features.Server
	if server == nil {
		return
	}
	e := s.plain(s.key("restarted"), "body")
	s.set(e)
	var slowest time.Duration
	for range attempts {
		server.Kill()
		s.failsWhileDown(e)
		server.Start()
		began := time.Now()
		s.worksSoon(e, "after the server was started again")
		if slowest = time.Since(began); slowest <= s.recovery() {
			s.Logf("the store worked again %v after its server", slowest)
			return
		}
	}
	require.Fail(s, "too slow", "the store took %v to work again, in each of %d attempts", slowest, attempts)
}

// failsWhileDown asks a server that isn't there, often enough that a client which counts
// its failures has something to count.
func (s suite) failsWhileDown(e *store.Entry) {
	s.Helper()
	for i := 0; i < 200; i++ {
		began := time.Now()
		ctx, cancel := context.WithTimeout(s.Context(), deadline)
		err := s.store.Set(ctx, e.Key(), e)
		if i%2 == 0 {
			_, err = s.store.Get(ctx, e.Key())
		}
		cancel()
		require.Error(s, err, "a store whose server is gone fails")
		require.NotErrorIs(s, err, store.ErrNotFound, "a server that is gone is no miss")
		require.Less(s, time.Since(began), deadline+promptly, "it fails within its deadline")
		if time.Since(began) >= deadline/2 {
			i += 9 // it waits for its deadline each time: a few are enough
		}
	}
}

// tooLarge: what the backend wouldn't take is refused before it is asked.
func (s suite) tooLarge() {
	if s.features.MaxValue == 0 {
		return
	}
	r := response(s.key("too large"), "")
	r.Body = make([]byte, s.features.MaxValue+1)
	for i := range r.Body { // nothing that a codec could make smaller
		r.Body[i] = byte(uint32(i)*2654435761>>13) ^ byte(i>>8*31)
	}
	r.Fields = []store.Field{{Name: "Content-Type", Values: []string{"image/png"}}}
	e := s.entry(r)
	if s.features.Server != nil {
		s.features.Server.Pause()
		defer s.features.Server.Resume()
	}
	ctx, cancel := context.WithTimeout(s.Context(), promptly)
	defer cancel()
	require.ErrorIs(s, s.store.Set(ctx, r.Key, e), store.ErrTooLarge, "Set refuses what is too large without asking the server")
	if s.features.AbsentSetter {
		_, err := s.store.(store.AbsentSetter).SetIfAbsent(ctx, r.Key, e)
		require.ErrorIs(s, err, store.ErrTooLarge, "SetIfAbsent refuses what is too large without asking the server")
	}
	if s.features.NewerSetter {
		_, err := s.store.(store.NewerSetter).SetIfNewer(ctx, r.Key, e)
		require.ErrorIs(s, err, store.ErrTooLarge, "SetIfNewer refuses what is too large without asking the server")
	}
}
