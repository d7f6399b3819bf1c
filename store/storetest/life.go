// SPDX-License-Identifier: MIT

package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func (s suite) staleIsKept() {
	r := response(s.key("stale"), "stale")
	r.Lifetime, r.LifetimeFrom = 0, store.SourceNone
	r.RequestTime -= int64(24 * time.Hour)
	r.ResponseTime -= int64(24 * time.Hour)
	e := s.entry(r)
	s.set(e)
	s.expect(e, "an entry is kept until its StoreUntil: stale responses are served while the origin fails")
}

func (s suite) expiry() {
	const life = 300 * time.Millisecond
	r := response(s.key("expiry"), "short-lived")
	until := time.Now().Add(life)
	r.StoreUntil = until.UnixNano()
	e, lasting := s.entry(r), s.plain(s.key("lasting"), "lasting")
	s.set(e)
	s.set(lasting)
	if _, err := s.store.Get(s.Context(), r.Key); time.Now().Before(until) {
		require.NoError(s, err, "an entry is returned before its StoreUntil, even if its backend counts in seconds")
	}
	time.Sleep(time.Until(until) + s.features.ExpiryGrain + time.Millisecond)

	const rule = "an entry is never returned after its StoreUntil and the declared ExpiryGrain"
	s.expectMiss(r.Key, rule)
	_, err := store.GetBytes(s.Context(), s.store, []byte(r.Key))
	require.ErrorIs(s, err, store.ErrNotFound, rule)
	many, err := store.GetMany(s.Context(), s.store, []string{r.Key, lasting.Key()})
	require.NoError(s, err)
	require.Nil(s, many[0], rule)
	s.same(lasting, many[1], "others stay")
	s.notScanned(r.Key, rule)
	fresh := s.plain(r.Key, "set anew")
	done, err := store.SetIfAbsent(s.Context(), s.store, r.Key, fresh)
	require.NoError(s, err)
	require.True(s, done, "an expired entry doesn't stand in the way of SetIfAbsent")
	s.expect(fresh, "and its key can be set again")
}

func (s suite) setExpired() {
	old := s.plain(s.key("expired"), "old")
	s.set(old)
	r := response(old.Key(), "expired")
	r.StoreUntil = time.Now().Add(-time.Hour).UnixNano()
	require.NoError(s, s.store.Set(s.Context(), r.Key, s.entry(r)), "Set of an expired entry is no failure")
	s.expectMiss(r.Key, "Set replaces what was there even by an entry that has expired: the old one must not come back")
}
