// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// tripStore counts round trips.
type tripStore struct {
	*remote
	trips atomic.Int64
}

func (s *tripStore) Get(ctx context.Context, key string) (*store.Entry, error) {
	s.trips.Add(1)
	return s.remote.Get(ctx, key)
}

func (s *tripStore) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	s.trips.Add(1)
	return store.GetMany(ctx, s.remote, keys)
}

func varying() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Vary", "Accept-Language")
		fmt.Fprint(w, "in ", r.Header.Get("Accept-Language"))
	}
}

// What a URL's responses vary by is remembered, so that the record and the variant come
// in one trip.
func TestRecordAndVariantInOneTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &tripStore{remote: newRemote()}
		cache, err := holdover.New(holdover.Config{Store: s})
		require.NoError(t, err)
		defer cache.Close()
		h := cache.Handler(varying())
		ask := func(language string) (*httptest.ResponseRecorder, int64) {
			time.Sleep(time.Second) // writes are done by then
			before := s.trips.Load()
			w := get(h, "Accept-Language", language)
			require.Equal(t, "in "+language, w.Body.String())
			return w, s.trips.Load() - before
		}
		ask("de")
		_, trips := ask("de")
		require.LessOrEqual(t, trips, int64(2), "the first that finds the record asks for the variant then")
		w, trips := ask("de")
		require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
		require.EqualValues(t, 1, trips)

		w, _ = ask("fr")
		require.Contains(t, w.Header().Get("Cache-Status"), "fwd=vary-miss")
		w, trips = ask("fr")
		require.Contains(t, w.Header().Get("Cache-Status"), "; hit")
		require.EqualValues(t, 1, trips)
	})
}

// Another process may replace the record at any time.
func TestARecordThatWasReplacedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &tripStore{remote: newRemote()}
		open := func() (*holdover.Cache, http.Handler) {
			cache, err := holdover.New(holdover.Config{Store: s})
			require.NoError(t, err)
			return cache, cache.Handler(varying())
		}
		one, here := open()
		defer one.Close()
		two, there := open()
		defer two.Close()
		for range 2 {
			get(here, "Accept-Language", "de")
			time.Sleep(time.Second)
		}
		require.NoError(t, two.Purge(t.Context(), holdover.PurgeRequest{All: true}))
		get(there, "Accept-Language", "de") // with a generation of its own
		time.Sleep(time.Second)

		w := get(here, "Accept-Language", "de")
		require.Equal(t, "in de", w.Body.String())
		require.Contains(t, w.Header().Get("Cache-Status"), "; hit", "the variant of the new record is asked for then")
		w = get(here, "Accept-Language", "fr")
		require.Equal(t, "in fr", w.Body.String())
	})
}

// unreadable is a store whose values can't be read until they are set again.
type unreadable struct {
	*remote
	spoilt atomic.Bool
}

func (s *unreadable) Get(ctx context.Context, key string) (*store.Entry, error) {
	if s.spoilt.Load() {
		return nil, &store.Error{Store: "test", Op: "read", Err: fmt.Errorf("%w: %w", store.ErrNotFound, store.ErrFormat)}
	}
	return s.remote.Get(ctx, key)
}

func (s *unreadable) Set(ctx context.Context, key string, e *store.Entry) error {
	s.spoilt.Store(false)
	return s.remote.Set(ctx, key, e)
}

func TestUnreadableValuesAreMissesWithAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, seen := &unreadable{remote: newRemote()}, &events{}
		cache, err := holdover.New(holdover.Config{Store: s, OnEvent: seen.add})
		require.NoError(t, err)
		defer cache.Close()
		h := cache.Handler(answer(200, "page", "Cache-Control", "max-age=600"))
		get(h)
		time.Sleep(time.Second)
		s.spoilt.Store(true)

		w := get(h)
		require.Equal(t, "page", w.Body.String())
		require.Contains(t, w.Header().Get("Cache-Status"), "fwd=uri-miss")
		found := seen.of(holdover.EventUnreadable)
		require.Len(t, found, 1)
		require.Equal(t, holdover.ReasonUnreadable, found[0].Reason)
		require.ErrorIs(t, found[0].Err, store.ErrFormat)
		require.EqualValues(t, 1, cache.Stats().Unreadable)
		require.Zero(t, cache.Stats().StoreErrors, "a store with an unreadable value has not failed")
		time.Sleep(time.Second)
		require.Contains(t, get(h).Header().Get("Cache-Status"), "; hit", "the next response took its place")
	})
}

// limited refuses what is too large for it.
type limited struct{ *remote }

func (s limited) Set(ctx context.Context, key string, e *store.Entry) error {
	if e.BodyLen() > 10 {
		return store.ErrTooLarge
	}
	return s.remote.Set(ctx, key, e)
}

// A response that the store can't take ends what it would have replaced.
func TestWhatIsTooLargeReplacesTheStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited{newRemote()}
		cache, err := holdover.New(holdover.Config{Store: s})
		require.NoError(t, err)
		defer cache.Close()
		origin := newOrigin(answer(200, "small", "Cache-Control", "max-age=1, stale-if-error=600"))
		h := cache.Handler(origin)
		get(h)
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, s.count())
		origin.set(answer(200, "much larger than that", "Cache-Control", "max-age=1, stale-if-error=600"))
		require.Equal(t, "much larger than that", get(h).Body.String())
		time.Sleep(2 * time.Second)
		require.Zero(t, s.count())
		origin.set(answer(503, "broken"))
		require.Equal(t, 503, get(h).Code, "what the origin replaced doesn't come back")
	})
}

// An outage of the store is one line in the log when it begins, and one when it ends.
func TestTheLogTellsOfAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &awayStore{remote: newRemote()}
		cache, err := holdover.New(holdover.Config{Store: s, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		defer cache.Close()
		h := cache.Handler(answer(200, "page", "Cache-Control", "no-store"))
		for range 5 {
			for _, fails := range []bool{true, false} {
				s.fails.Store(fails)
				for range 10 {
					get(h)
					time.Sleep(500 * time.Millisecond) // its breaker probes it
				}
			}
		}
		require.Equal(t, 5, strings.Count(log.String(), "the store fails"))
		require.Equal(t, 5, strings.Count(log.String(), "the store works again"))
	})
}

type awayStore struct {
	*remote
	fails atomic.Bool
}

func (s *awayStore) Get(ctx context.Context, key string) (*store.Entry, error) {
	if s.fails.Load() {
		return nil, errCut
	}
	return s.remote.Get(ctx, key)
}

// A store that hangs costs the first requests its deadline, and the others nothing.
func TestAStoreThatHangsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote()
		cache, err := holdover.New(holdover.Config{Store: s})
		require.NoError(t, err)
		h := cache.Handler(answer(200, "page", "Cache-Control", "no-store"))
		s.hang()
		var paid []time.Duration
		for range 100 {
			began := time.Now()
			require.Equal(t, "page", get(h).Body.String())
			paid = append(paid, time.Since(began))
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, 50*time.Millisecond, paid[0])
		for _, d := range paid[3:] {
			require.Zero(t, d)
		}
		require.NoError(t, cache.Close(), "probes are over")
	})
}
