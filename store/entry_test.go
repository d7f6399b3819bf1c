// SPDX-License-Identifier: MIT

package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func TestNewer(t *testing.T) {
	type positions map[byte]uint64
	a, b := byte(1), byte(2)
	for _, c := range []struct {
		name              string
		fetch, otherFetch int64
		asOf, other       positions
		newer             bool
	}{
		{"later fetch", 2, 1, nil, nil, true},
		{"same fetch", 1, 1, nil, nil, false},
		{"larger position, earlier fetch", 1, 9, positions{a: 2}, positions{a: 1}, true},
		{"equal positions, later fetch", 9, 1, positions{a: 2}, positions{a: 2}, true},
		{"equal positions, same fetch", 1, 1, positions{a: 2}, positions{a: 2}, false},
		{"different journals, later fetch", 9, 1, positions{a: 1}, positions{b: 5}, true},
		{"one without positions, later fetch", 9, 1, nil, positions{b: 5}, true},
		{"one journal in common", 1, 9, positions{a: 2, b: 7}, positions{a: 1}, true},
		{"ahead in one, equal in the other", 1, 9, positions{a: 2, b: 7}, positions{a: 1, b: 7}, true},
		{"two journals contradict, later fetch", 9, 1, positions{a: 2, b: 1}, positions{a: 1, b: 2}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			entryAt := func(fetch int64, at positions, reverse bool) *store.Entry {
				r := store.Response{RequestTime: fetch}
				for _, epoch := range map[bool][]byte{false: {a, b}, true: {b, a}}[reverse] {
					if seq, ok := at[epoch]; ok {
						r.AsOf = append(r.AsOf, store.Position{Epoch: [16]byte{epoch}, Seq: seq})
					}
				}
				return encode(t, r)
			}
			for _, reverse := range []bool{false, true} {
				e, other := entryAt(c.fetch, c.asOf, reverse), entryAt(c.otherFetch, c.other, !reverse)
				require.Equal(t, c.newer, e.Newer(other))
				require.False(t, other.Newer(e), "of two entries at most one is newer")
			}
		})
	}
}

func TestAccessors(t *testing.T) {
	r := variant()
	e := encode(t, r)
	require.Equal(t, store.KindVary, encode(t, varySpec()).Kind())
	require.True(t, e.Has(store.NoCache|store.Authorized))
	require.False(t, e.Has(store.NoCache|store.Public))
	require.True(t, e.KeyIs([]byte(r.Key)))
	require.False(t, e.KeyIs([]byte(r.Key+" ")))
	require.False(t, e.KeyIs(nil))
	require.True(t, e.SelectedIs([]byte(r.Selected)))
	require.False(t, e.SelectedIs(nil))
	require.Equal(t, len(r.Body), e.BodyLen())
	require.Equal(t, 2, e.NumAsOf())
	require.Equal(t, r.AsOf[1], e.AsOf(1))
	require.Equal(t, 2, e.NumTags())
}

func TestField(t *testing.T) {
	e := encode(t, page())
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Link": "</a>; rel=preload"} {
		got, ok := e.Field(name)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"X-None", "Absent", "content-type", ""} {
		_, ok := e.Field(name)
		require.False(t, ok, "%q has no value", name)
	}
}

// tagHashes walks as who judges an entry does.
func tagHashes(e *store.Entry) (all []uint64) {
	at := e.FirstTag()
	for range e.NumTags() {
		var hash uint64
		hash, at = e.TagHash(at)
		all = append(all, hash)
	}
	return all
}

func TestTagHashes(t *testing.T) {
	require.Equal(t, []uint64{0x0123456789abcdef, 0}, tagHashes(encode(t, page())))
	require.Empty(t, tagHashes(encode(t, varySpec())))
}

func TestPositionIn(t *testing.T) {
	e := encode(t, page())
	for i := range e.NumAsOf() {
		p := e.AsOf(i)
		seq, named := e.PositionIn(&p.Epoch)
		require.True(t, named)
		require.Equal(t, p.Seq, seq)
	}
	_, named := e.PositionIn(&[16]byte{0xde, 0xad})
	require.False(t, named)
}

func TestView(t *testing.T) {
	e := encode(t, page())
	require.Nil(t, e.View())
	type view struct{ fields int }
	v := &view{3}
	e.SetView(v)
	require.Same(t, v, e.View())
	e.SetView(nil)
	require.Nil(t, e.View())
	require.Greater(t, e.ViewSize(), encode(t, varySpec()).ViewSize(), "more fields make a larger view")
}

func TestReadingDoesNotAllocate(t *testing.T) {
	e := encode(t, variant())
	key, selected := []byte(e.Key()), []byte(variant().Selected)
	older := encode(t, page())
	e.SetView(&key)
	var sum uint64
	require.Zero(t, testing.AllocsPerRun(100, func() {
		ok := e.KeyIs(key) && e.SelectedIs(selected) && e.View() != nil && e.Has(store.NoCache)
		hash, _ := e.TagHash(e.FirstTag())
		sum += hash
		ok = ok && e.StoreUntil() > 0 && len(e.Body()) == e.BodyLen() && !e.Newer(older) && e.AsOf(1).Seq > 0
		if !ok || len(e.Bytes()) != e.Size() {
			panic("unreachable")
		}
	}))
}

func TestErrorsNameStoreAndOperation(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", &store.Error{Store: "memory", Op: "get", Err: store.ErrClosed})
	require.ErrorIs(t, err, store.ErrClosed)
	var failure *store.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, "memory get: store is closed", failure.Error())
}
