// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func has[Power any](s store.Store) bool {
	_, ok := s.(Power)
	return ok
}

func (s suite) declaredPowers() {
	for _, p := range []struct {
		name          string
		declared, has bool
	}{
		{"BytesGetter", s.features.BytesGetter, has[store.BytesGetter](s.store)},
		{"ManyGetter", s.features.ManyGetter, has[store.ManyGetter](s.store)},
		{"AbsentSetter", s.features.AbsentSetter, has[store.AbsentSetter](s.store)},
		{"NewerSetter", s.features.NewerSetter, has[store.NewerSetter](s.store)},
		{"Scanner", s.features.Scanner, has[store.Scanner](s.store) && s.scans()},
		{"Pinger", s.features.Pinger, has[store.Pinger](s.store)},
		{"Closer", s.features.Closer, has[store.Closer](s.store)},
	} {
		if p.declared {
			require.True(s, p.has, "Features declare %s, but the store doesn't have it", p.name)
		} else {
			require.False(s, p.has, "the store has %s: declare it in Features, so that it is checked", p.name)
		}
	}
}

// scans is false for a wrapper that has the method while the store in it has not.
func (s suite) scans() bool {
	for _, err := range store.Scan(s.Context(), s.store) {
		return !errors.Is(err, errors.ErrUnsupported)
	}
	return true
}

func (s suite) getBytes() {
	e := s.plain(s.key("bytes"), "body")
	key := []byte(e.Key())
	_, err := store.GetBytes(s.Context(), s.store, key)
	require.ErrorIs(s, err, store.ErrNotFound, "GetBytes of what isn't there returns store.ErrNotFound")
	s.set(e)
	got, err := store.GetBytes(s.Context(), s.store, key)
	require.NoError(s, err)
	s.same(e, got, "GetBytes finds what Get finds")

	clear(key) // the cache uses the same bytes again for the next request
	s.expect(e, "GetBytes doesn't keep the bytes of its key")
	_, err = store.GetBytes(s.Context(), s.store, key)
	require.ErrorIs(s, err, store.ErrNotFound, "GetBytes doesn't keep the bytes of its key")
}

func (s suite) getMany() {
	many, err := store.GetMany(s.Context(), s.store, nil)
	require.NoError(s, err)
	require.Empty(s, many, "GetMany of no keys returns no entries")

	keys := make([]string, 100)
	want := make([]*store.Entry, len(keys))
	for i := range keys {
		keys[i] = s.key(strconv.Itoa(i))
		if i%3 != 0 {
			want[i] = s.plain(keys[i], fmt.Sprint("body ", i))
			s.set(want[i])
		}
	}
	keys, want = append(keys, keys[1], keys[0]), append(want, want[1], nil)
	many, err = store.GetMany(s.Context(), s.store, keys)
	require.NoError(s, err, "what is missing is no error to GetMany")
	require.Len(s, many, len(keys), "GetMany returns one entry or nil for each key, repeated ones too")
	for i, e := range want {
		if e == nil {
			require.Nil(s, many[i], "GetMany returns nil for what isn't there")
			continue
		}
		s.same(e, many[i], "GetMany returns the entries in the order of the keys")
	}
}

func (s suite) setIfAbsent() {
	one := s.plain(s.key("absent"), "one")
	two := s.plain(one.Key(), "two")
	s.setsIfAbsent(one, true, "SetIfAbsent sets where nothing stands")
	s.expect(one, "SetIfAbsent sets where nothing stands")
	s.setsIfAbsent(two, false, "SetIfAbsent reports false where an entry stands")
	s.expect(one, "SetIfAbsent leaves what stands")
	require.NoError(s, s.store.Delete(s.Context(), one.Key()))
	s.setsIfAbsent(two, true, "SetIfAbsent sets again after a Delete")
	s.expect(two, "SetIfAbsent sets again after a Delete")
}

func (s suite) setsIfAbsent(e *store.Entry, want bool, rule string) {
	s.Helper()
	done, err := store.SetIfAbsent(s.Context(), s.store, e.Key(), e)
	require.NoError(s, err)
	require.Equal(s, want, done, rule)
}

func (s suite) setIfAbsentAtomic() {
	if !s.features.AbsentSetter {
		return
	}
	for range 10 {
		key := s.key("atomic")
		var winners atomic.Int64
		s.parallel(func(ctx context.Context, worker int) error {
			e, err := store.New(response(key, strconv.Itoa(worker)))
			if err != nil {
				return err
			}
			done, err := store.SetIfAbsent(ctx, s.store, key, e)
			if done {
				winners.Add(1)
			}
			return err
		})
		require.EqualValues(s, 1, winners.Load(), "of several SetIfAbsent at once exactly one sets")
	}
}

func (s suite) setIfNewer() {
	now := time.Now()
	journal, other := [16]byte{1}, [16]byte{2}
	at := func(fetch time.Duration, asOf ...store.Position) store.Response {
		r := response("", fmt.Sprint(fetch, asOf))
		r.RequestTime, r.AsOf = now.Add(fetch).UnixNano(), asOf
		return r
	}
	for _, c := range []struct {
		rule string
		old  store.Response
		next store.Response
		set  bool
	}{
		{"a later fetch is newer", at(0), at(1), true},
		{"an earlier fetch is older", at(1), at(0), false},
		{"an equal one is not newer", at(0), at(0), false},
		{"a larger position beats a later fetch", at(9, store.Position{Epoch: journal, Seq: 1}), at(0, store.Position{Epoch: journal, Seq: 2}), true},
		{"a smaller position loses to an earlier fetch", at(0, store.Position{Epoch: journal, Seq: 2}), at(9, store.Position{Epoch: journal, Seq: 1}), false},
		{"equal positions leave it to the fetch", at(0, store.Position{Epoch: journal, Seq: 2}), at(9, store.Position{Epoch: journal, Seq: 2}), true},
		{"positions in different journals leave it to the fetch", at(0, store.Position{Epoch: journal, Seq: 2}), at(9, store.Position{Epoch: other, Seq: 1}), true},
	} {
		c.old.Key = s.key("newer")
		c.next.Key = c.old.Key
		old, next := s.entry(c.old), s.entry(c.next)
		s.setsIfNewer(old, true, "SetIfNewer sets where nothing stands")
		s.setsIfNewer(next, c.set, c.rule)
		if c.set {
			s.expect(next, c.rule)
		} else {
			s.expect(old, c.rule)
		}
	}
}

func (s suite) setsIfNewer(e *store.Entry, want bool, rule string) {
	s.Helper()
	done, err := store.SetIfNewer(s.Context(), s.store, e.Key(), e)
	require.NoError(s, err)
	require.Equal(s, want, done, "SetIfNewer: %s", rule)
}

func (s suite) setIfNewerAtomic() {
	if !s.features.NewerSetter {
		return
	}
	for range 5 {
		key := s.key("atomic")
		base := time.Now().UnixNano()
		s.parallel(func(ctx context.Context, worker int) error {
			for round := range 10 {
				r := response(key, strconv.Itoa(round*workers+worker))
				r.RequestTime = base + int64(round*workers+worker)
				e, err := store.New(r)
				if err != nil {
					return err
				}
				if _, err := store.SetIfNewer(ctx, s.store, key, e); err != nil {
					return err
				}
			}
			return nil
		})
		e, err := s.store.Get(s.Context(), key)
		require.NoError(s, err)
		require.EqualValues(s, base+10*workers-1, e.RequestTime(), "after several SetIfNewer at once the newest stands")
	}
}

func (s suite) ping() {
	require.NoError(s, store.Ping(s.Context(), s.store), "a store that works answers Ping with nil")
}

func (s suite) close() {
	e := s.plain(s.key("close"), "body")
	s.set(e)
	require.NoError(s, store.Close(s.store))
	require.NoError(s, store.Close(s.store), "a second Close returns nil")
	if !s.features.Closer {
		s.expect(e, "closing a store that owns nothing changes nothing")
		return
	}
	_, err := s.store.Get(s.Context(), e.Key())
	require.Error(s, err, "after Close the methods fail, with store.ErrClosed where the store knows")
	require.Error(s, s.store.Set(s.Context(), e.Key(), e), "after Close the methods fail, with store.ErrClosed where the store knows")
}
