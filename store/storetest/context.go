// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// promptly is how soon a method must return whose context has ended.
const promptly = 2 * time.Second

func (s suite) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.afterEnd(ctx, context.Canceled)
}

func (s suite) deadlineExceeded() {
	ctx, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s.afterEnd(ctx, context.DeadlineExceeded)
}

// afterEnd calls everything with a context that has ended with cause. A store
// that never waits may answer all the same.
func (s suite) afterEnd(ctx context.Context, cause error) {
	e := s.plain(s.key("secret=hunter2"), "body")
	s.set(e)
	calls := map[string]func() (*store.Entry, error){
		"Get":      func() (*store.Entry, error) { return s.store.Get(ctx, e.Key()) },
		"GetBytes": func() (*store.Entry, error) { return store.GetBytes(ctx, s.store, []byte(e.Key())) },
		"GetMany": func() (*store.Entry, error) {
			many, err := store.GetMany(ctx, s.store, []string{e.Key()})
			if err != nil {
				return nil, err
			}
			return many[0], nil
		},
		"Set": func() (*store.Entry, error) { return e, s.store.Set(ctx, e.Key(), e) },
		"SetIfAbsent": func() (*store.Entry, error) {
			_, err := store.SetIfAbsent(ctx, s.store, e.Key(), e)
			return e, err
		},
		"SetIfNewer": func() (*store.Entry, error) {
			_, err := store.SetIfNewer(ctx, s.store, e.Key(), e)
			return e, err
		},
		"Ping":   func() (*store.Entry, error) { return e, store.Ping(ctx, s.store) },
		"Delete": func() (*store.Entry, error) { return e, s.store.Delete(ctx, s.key("absent")) },
	}
	for name, call := range calls {
		began := time.Now()
		got, err := call()
		require.Less(s, time.Since(began), promptly, "%s returns soon after its context ended", name)
		if err == nil {
			s.same(e, got, name+" with an ended context fails or gives the right answer")
			continue
		}
		require.ErrorIs(s, err, cause, "%s wraps the error of its context", name)
		require.NotContains(s, err.Error(), "hunter2", "%s: errors name no keys, which hold secrets", name)
	}
	s.expect(e, "a call with an ended context harms no later one")
}
