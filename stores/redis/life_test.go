// SPDX-License-Identifier: MIT

package redis_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
)

// until returns the entry with another end of its storage life.
func until(t *testing.T, e *store.Entry, end time.Time) *store.Entry {
	t.Helper()
	r := e.Response()
	r.StoreUntil = end.UnixNano()
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}

// The server is told how long it keeps an entry.
func TestServerExpires(t *testing.T) {
	server := testserver.Redis(t)
	s, beside := open(t, option(server)), client(t, option(server))
	e := entry(t, "life", "body")
	setters := map[string]func(e *store.Entry) (bool, error){
		"Set":         func(e *store.Entry) (bool, error) { return true, s.Set(t.Context(), e.Key(), e) },
		"SetIfAbsent": func(e *store.Entry) (bool, error) { return s.SetIfAbsent(t.Context(), e.Key(), e) },
		"SetIfNewer":  func(e *store.Entry) (bool, error) { return s.SetIfNewer(t.Context(), e.Key(), e) },
	}
	for what, set := range setters {
		require.NoError(t, s.Delete(t.Context(), e.Key()))
		done, err := set(e)
		require.NoError(t, err, what)
		require.True(t, done, what)
		left, err := beside.Do(t.Context(), beside.B().Pttl().Key(name(e.Key())).Build()).AsInt64()
		require.NoError(t, err)
		require.InDelta(t, time.Hour.Milliseconds(), left, 10_000, what)

		require.NoError(t, s.Delete(t.Context(), e.Key()))
		done, err = set(until(t, e, time.Now().Add(-time.Second)))
		require.NoError(t, err, what)
		require.True(t, done, "%s: an entry that has expired was set and is gone again", what)
		require.Empty(t, raw{t, beside}.Load(e.Key()), what)
	}
}

// An entry that the server still has, though its time is over, is an ordinary miss and
// doesn't stand in the way.
func TestServerExpiresLate(t *testing.T) {
	server := testserver.Redis(t)
	s := open(t, option(server))
	raw := raw{t, client(t, option(server))}
	e := entry(t, "late", "body")
	over := until(t, e, time.Now().Add(-time.Millisecond))
	raw.Save(e.Key(), over.Bytes())
	_, err := s.Get(t.Context(), e.Key())
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NotErrorIs(t, err, store.ErrFormat)
	require.Empty(t, scanned(t, s))
	done, err := s.SetIfAbsent(t.Context(), e.Key(), e)
	require.NoError(t, err)
	require.True(t, done)
	expect(t, s, e)
	raw.Save(e.Key(), over.Bytes())
	done, err = s.SetIfNewer(t.Context(), e.Key(), e)
	require.NoError(t, err)
	require.True(t, done)
	expect(t, s, e)
}

// An entry that has expired displaces an older one all the same, and no other.
func TestExpiredEntryDisplaces(t *testing.T) {
	s := open(t, option(testserver.Redis(t)))
	older := entry(t, "key", "older")
	newer := until(t, entry(t, "key", "newer"), time.Now().Add(-time.Second))
	require.NoError(t, s.Set(t.Context(), older.Key(), older))
	done, err := s.SetIfAbsent(t.Context(), newer.Key(), newer)
	require.NoError(t, err)
	require.False(t, done)
	expect(t, s, older)
	done, err = s.SetIfNewer(t.Context(), newer.Key(), newer)
	require.NoError(t, err)
	require.True(t, done)
	_, err = s.Get(t.Context(), older.Key())
	require.ErrorIs(t, err, store.ErrNotFound)
}

// Another writer comes between reading what stands and replacing it. Its entry stays.
func TestReplacesOnlyWhatItRead(t *testing.T) {
	server := testserver.Redis(t)
	between := &interloper{Client: client(t, option(server))}
	s := onClient(t, between)
	older, next, newest := entry(t, "key", "older"), entry(t, "key", "next "), entry(t, "key", "newest")
	require.NoError(t, s.Set(t.Context(), older.Key(), older))
	between.before = func(c rueidis.Client) { raw{t, c}.Save("key", newest.Bytes()) }
	done, err := s.SetIfNewer(t.Context(), next.Key(), next)
	require.NoError(t, err)
	require.False(t, done)
	expect(t, s, newest)
}
