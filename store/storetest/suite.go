// SPDX-License-Identifier: MIT

package storetest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// suite is one case under way.
type suite struct {
	*testing.T
	store    store.Store
	features Features
}

// key returns a key that no other case uses, even in a backend that many share.
func (s suite) key(suffix string) string {
	return "GET https://storetest.example/" + s.Name() + "/" + rand.Text() + "?" + suffix
}

// response is a plain one that must be kept for an hour.
func response(key, body string) store.Response {
	now := time.Now()
	return store.Response{
		Key: key, Status: 200, Body: []byte(body),
		Fields:      []store.Field{{Name: "Content-Type", Values: []string{"text/plain"}}},
		RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(),
		StoreUntil: now.Add(time.Hour).UnixNano(),
		Lifetime:   time.Minute, LifetimeFrom: store.SourceMaxAge,
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	}
}

func (s suite) entry(r store.Response) *store.Entry {
	s.Helper()
	e, err := store.New(r)
	require.NoError(s, err)
	return e
}

func (s suite) plain(key, body string) *store.Entry {
	s.Helper()
	return s.entry(response(key, body))
}

// set stores the entry under its own key.
func (s suite) set(e *store.Entry) {
	s.Helper()
	require.NoError(s, s.store.Set(s.Context(), e.Key(), e), "Set stores any entry within the declared limits")
}

// expect fails unless exactly this entry stands under its key.
func (s suite) expect(e *store.Entry, rule string) {
	s.Helper()
	got, err := s.store.Get(s.Context(), e.Key())
	require.NoError(s, err, rule)
	s.same(e, got, rule)
}

// same compares what is readable before it compares all bytes.
func (s suite) same(want, got *store.Entry, rule string) {
	s.Helper()
	require.NotNil(s, got, rule)
	require.Equal(s, want.Key(), got.Key(), rule)
	require.Equal(s, want.BodyLen(), got.BodyLen(), rule)
	require.True(s, string(want.Bytes()) == string(got.Bytes()), "an entry comes back byte for byte: %s", rule)
}

func (s suite) expectMiss(key, rule string) {
	s.Helper()
	e, err := s.store.Get(s.Context(), key)
	require.ErrorIs(s, err, store.ErrNotFound, rule)
	require.Nil(s, e, "beside ErrNotFound stands no entry: %s", rule)
}
