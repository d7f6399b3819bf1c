// SPDX-License-Identifier: MIT

package memory_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/memory"
)

func open(t testing.TB, maxBytes int64) *memory.Store {
	t.Helper()
	s, err := memory.New(memory.Config{MaxBytes: maxBytes})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// fields are twelve, as many as an ordinary response has.
var fields = []store.Field{
	{Name: "Accept-Ranges", Values: []string{"bytes"}},
	{Name: "Cache-Control", Values: []string{"public, max-age=300, stale-while-revalidate=60"}},
	{Name: "Content-Encoding", Values: []string{"gzip"}},
	{Name: "Content-Language", Values: []string{"en"}},
	{Name: "Content-Security-Policy", Values: []string{"default-src 'self'"}},
	{Name: "Content-Type", Values: []string{"text/html; charset=utf-8"}},
	{Name: "Date", Values: []string{"Tue, 04 Mar 2025 10:00:00 GMT"}},
	{Name: "Etag", Values: []string{`"5f3c-62f5a1b2c3d40"`}},
	{Name: "Last-Modified", Values: []string{"Mon, 03 Mar 2025 09:00:00 GMT"}},
	{Name: "Link", Values: []string{"</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"}},
	{Name: "Server", Values: []string{"origin"}},
	{Name: "Strict-Transport-Security", Values: []string{"max-age=31536000"}},
}

func response(key string, body int) store.Response {
	now := time.Now()
	return store.Response{
		Key: key, Status: 200, Fields: fields, Body: make([]byte, body),
		RequestTime: now.UnixNano(), StoreUntil: now.Add(time.Hour).UnixNano(),
	}
}

func entry(t testing.TB, key string, body int) *store.Entry {
	t.Helper()
	e, err := store.New(response(key, body))
	require.NoError(t, err)
	return e
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, 0) }, storetest.Features{
		MaxBody: 32 << 20, BytesGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
	})
}

func TestNewRefusesASizeTooSmall(t *testing.T) {
	for _, n := range []int64{-1, 1, 64<<10 - 1} {
		_, err := memory.New(memory.Config{MaxBytes: n})
		require.ErrorContains(t, err, "MaxBytes")
	}
	open(t, 64<<10)
}

func TestHitsDoNotAllocate(t *testing.T) {
	s := open(t, 0)
	key := "GET https://example.com/a/page/whose/key/is/longer/than/32/bytes"
	require.NoError(t, s.Set(t.Context(), key, entry(t, key, 100)))
	keyBytes, ctx := []byte(key), t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := s.GetBytes(ctx, keyBytes, time.Now().UnixNano()); err != nil {
			t.Error(err)
		}
		if _, err := s.Get(ctx, key); err != nil {
			t.Error(err)
		}
	}))
	absent := []byte("absent")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := s.GetBytes(ctx, absent, time.Now().UnixNano()); err == nil {
			t.Error("found what was never set")
		}
	}), "nor do misses")
}

func TestStorageKeyMayDifferFromTheEntrysOwn(t *testing.T) {
	s, e := open(t, 0), entry(t, "own", 10)
	for _, key := range []string{"other", "", "own"} {
		require.NoError(t, s.Set(t.Context(), key, e))
	}
	for _, key := range []string{"other", "", "own"} {
		got, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		require.Same(t, e, got)
	}
	require.NoError(t, s.Delete(t.Context(), "own"))
	_, err := s.Get(t.Context(), "own")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.Get(t.Context(), "other")
	require.NoError(t, err)
}

func TestTooLargeDropsTheOldEntry(t *testing.T) {
	s := open(t, 64<<10)
	require.NoError(t, s.Set(t.Context(), "key=secret", entry(t, "key=secret", 10)))
	err := s.Set(t.Context(), "key=secret", entry(t, "key=secret", 64<<10))
	require.ErrorIs(t, err, store.ErrTooLarge)
	var failure *store.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "memory", failure.Store)
	require.NotContains(t, err.Error(), "secret")
	_, err = s.Get(t.Context(), "key=secret")
	require.ErrorIs(t, err, store.ErrNotFound, "the response that it should have replaced is outdated")
	require.Zero(t, s.Stats())
}

func TestClosed(t *testing.T) {
	s, e := open(t, 0), entry(t, "k", 10)
	require.NoError(t, s.Set(t.Context(), "k", e))
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err := s.Get(t.Context(), "k")
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.GetBytes(t.Context(), []byte("k"), time.Now().UnixNano())
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.SetIfAbsent(t.Context(), "k", e)
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.SetIfNewer(t.Context(), "k", e)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Set(t.Context(), "k", e), store.ErrClosed)
	require.ErrorIs(t, s.Delete(t.Context(), "k"), store.ErrClosed)
	require.ErrorIs(t, s.Ping(t.Context()), store.ErrClosed)
	for _, err := range s.Scan(t.Context()) {
		require.ErrorIs(t, err, store.ErrClosed)
	}
	require.Zero(t, s.Stats().Entries)
	require.Zero(t, s.Stats().Bytes)
}

// Its methods neither block nor fail: it is called without a deadline.
func TestIsLocal(t *testing.T) { require.True(t, store.IsLocal(open(t, 0))) }

func TestJournal(t *testing.T) {
	storetest.RunJournal(t, func(*testing.T) store.Journal { return memory.NewJournal() }, storetest.JournalFeatures{
		Reopen: func(_ *testing.T, j store.Journal) store.Journal { return j },
	})
}

// Who is further behind than what is kept notices.
func TestJournalIsBounded(t *testing.T) {
	j := memory.NewJournal()
	first, err := j.Append(t.Context(), make([]store.Mark, 1))
	require.NoError(t, err)
	for range 70 {
		_, err = j.Append(t.Context(), make([]store.Mark, 1000))
		require.NoError(t, err)
	}
	page, err := j.Read(t.Context(), first)
	require.NoError(t, err)
	require.Greater(t, page.Base, first.Seq)
	require.True(t, page.More)
}
