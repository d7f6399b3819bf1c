// SPDX-License-Identifier: MIT

package storetest

import (
	"bytes"
	"math/rand/v2"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// Where a plain entry says what it is, see the layout in store/codec.go.
const (
	formatAt  = 4
	packingAt = 5
)

// unreadables returns what must not be read as the entry of a key, made of a value that
// can be.
func unreadables(value, ofAnotherKey []byte) map[string][]byte {
	changed := func(at int) []byte {
		v := bytes.Clone(value)
		v[at] ^= 0x55
		return v
	}
	return map[string][]byte{
		"empty":                {},
		"one byte":             value[:1],
		"cut in the head":      value[:min(60, len(value)/2)],
		"cut in the middle":    value[:len(value)/2],
		"cut by a byte":        value[:len(value)-1],
		"a byte more":          append(bytes.Clone(value), 0),
		"twice":                append(bytes.Clone(value), value...),
		"damaged at the start": changed(0),
		"a newer format":       changed(formatAt),
		"an unknown packing":   changed(packingAt),
		"damaged in the times": changed(30),
		"damaged in the key":   changed(110),
		"damaged in the body":  changed(len(value) * 3 / 4),
		"damaged at the end":   changed(len(value) - 1),
		"of another key":       ofAnotherKey,
		"text":                 []byte("<html>not ours</html>"),
		"zeros":                make([]byte, 500),
	}
}

// eachUnreadable leaves every unreadable value under a key of its own. Bodies are short,
// long, and such that no codec makes them smaller.
func (s suite) eachUnreadable(check func(raw Raw, e *store.Entry, what string, value []byte)) {
	if s.features.Raw == nil {
		return
	}
	raw := s.features.Raw(s.T, s.store)
	noise := make([]byte, 100<<10)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for _, body := range []string{"short", strings.Repeat("long ", 20<<10), string(noise)} {
		if len(body) > s.features.MaxBody {
			continue
		}
		e, other := s.plain(s.key("unreadable"), body), s.plain(s.key("other"), body)
		s.set(e)
		s.set(other)
		value := bytes.Clone(raw.Load(e.Key()))
		require.NotEmpty(s, value, "Features.Raw finds what the store keeps")
		for what, bad := range unreadables(value, bytes.Clone(raw.Load(other.Key()))) {
			raw.Save(e.Key(), bad)
			check(raw, e, what, bad)
			s.expect(other, "an unreadable value harms no other")
		}
		raw.Save(e.Key(), value)
		s.expect(e, "Features.Raw writes where the store reads")
	}
}

func (s suite) unreadable() {
	s.eachUnreadable(func(raw Raw, e *store.Entry, what string, value []byte) {
		const rule = "a value that can't be read is a miss that says so (%s)"
		got, err := s.store.Get(s.Context(), e.Key())
		require.ErrorIs(s, err, store.ErrNotFound, rule, what)
		require.ErrorIs(s, err, store.ErrFormat, rule, what)
		require.NotContains(s, err.Error(), e.Key(), "errors name no keys (%s)", what)
		require.Nil(s, got, rule, what)
		got, err = store.GetBytes(s.Context(), s.store, []byte(e.Key()))
		require.ErrorIs(s, err, store.ErrNotFound, rule, what)
		require.Nil(s, got, rule, what)
		s.notScanned(e.Key(), "Scan leaves out what can't be read: "+what)
		if strings.HasPrefix(what, "damaged") || strings.HasPrefix(what, "cut") {
			return // may be dropped
		}
		require.Equal(s, value, raw.Load(e.Key()), "what another program may read is left alone (%s)", what)
	})
}

func (s suite) unreadableGivesWay() {
	s.eachUnreadable(func(raw Raw, e *store.Entry, what string, value []byte) {
		rule := "what can't be read doesn't stand in the way: " + what
		s.setsIfAbsent(e, true, rule)
		s.expect(e, rule)
		raw.Save(e.Key(), value)
		s.setsIfNewer(e, true, rule)
		s.expect(e, rule)
		raw.Save(e.Key(), value)
		s.set(e)
		s.expect(e, rule)
		raw.Save(e.Key(), value)
		require.NoError(s, s.store.Delete(s.Context(), e.Key()), rule)
		s.expectMiss(e.Key(), rule)
	})
}

func (s suite) unreadableOfMany() {
	s.eachUnreadable(func(_ Raw, e *store.Entry, what string, _ []byte) {
		good := s.plain(s.key("good"), "good")
		s.set(good)
		many, err := store.GetMany(s.Context(), s.store, []string{e.Key(), good.Key(), s.key("absent")})
		require.ErrorIs(s, err, store.ErrNotFound, "GetMany tells of what can't be read: %s", what)
		require.ErrorIs(s, err, store.ErrFormat, "GetMany tells of what can't be read: %s", what)
		require.Len(s, many, 3)
		require.Nil(s, many[0], what)
		s.same(good, many[1], "beside what can't be read the others come back: "+what)
		require.Nil(s, many[2], what)
	})
}
