// SPDX-License-Identifier: MIT

package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func (s suite) miss() {
	s.expectMiss(s.key("never set"), "Get of a key that was never set returns store.ErrNotFound")
}

func (s suite) bodies() {
	for _, n := range []int{0, 1, 2, 255, 256, 1 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, s.features.MaxBody} {
		if n > s.features.MaxBody {
			continue
		}
		r := response(s.key(fmt.Sprint(n)), "")
		r.Body = pattern(n)
		e := s.entry(r)
		s.set(e)
		s.expect(e, fmt.Sprintf("a body of %d bytes comes back as it was", n))
	}
}

// pattern returns n bytes with all values, so that text conversion shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8*31)
	}
	return b
}

func (s suite) fields() {
	r := response(s.key("fields"), "body")
	r.Fields = []store.Field{
		{Name: "Set-Cookie", Values: []string{"b=2", "a=1", "b=2"}},
		{Name: "Vary", Values: []string{"Accept, Accept-Language"}},
		{Name: "Link", Values: []string{"", " </a>; rel=\"preload\"", "</b>"}},
		{Name: "X-Empty", Values: []string{""}},
		{Name: "X-None", Values: []string{}},
		{Name: "X-Bytes", Values: []string{"caf\xe9 \xff\x80"}},
		{Name: "X-Long", Values: []string{strings.Repeat("long ", 4000)}},
		{Name: "Accept", Values: []string{"stands behind X"}},
	}
	e := s.entry(r)
	s.set(e)
	got, err := s.store.Get(s.Context(), r.Key)
	require.NoError(s, err)
	require.Equal(s, r.Fields, got.Fields(), "fields keep their order, their values and the order of these")
}

func (s suite) everything() {
	r := response(s.key("everything"), "body")
	r.Flags = store.NoCache | store.Public | store.Anonymous | store.Sniffed
	r.URLHash, r.Generation = 1<<63+5, 1<<62+7
	r.Status = 404
	r.InitialAge, r.Lifetime = 3*time.Second, 1500*time.Millisecond
	r.LifetimeFrom = store.SourceStatusRule
	r.StaleWhileRevalidate, r.StaleIfError = 0, store.Absent
	r.AsOf = []store.Position{{Epoch: [16]byte{1, 0, 255}, Seq: 1<<63 + 9}, {Epoch: [16]byte{2}, Seq: 0}}
	r.Vary = []string{"Accept", "Accept-Language"}
	r.Selected = "text/html\x00de\n"
	for i := range 300 {
		r.Tags = append(r.Tags, store.Tag{Name: fmt.Sprintf("product %d", i), Hash: uint64(i) << 32})
	}
	e := s.entry(r)
	s.set(e)
	got, err := s.store.Get(s.Context(), r.Key)
	require.NoError(s, err)
	require.Equal(s, r, got.Response(), "all that an entry says comes back: times, flags, positions, tags, variants")
}

func (s suite) kinds() {
	r := response(s.key("kinds"), "")
	r.Kind, r.Status, r.Body, r.Fields = store.KindVary, 0, nil, nil
	r.Vary, r.Generation = []string{"Accept-Encoding"}, 42
	spec := s.entry(r)
	s.set(spec)
	s.expect(spec, "an entry without status, fields and body is stored like any other")

	page := s.plain(r.Key, "page")
	s.set(page)
	s.expect(page, "a response replaces an entry of the other kind")
	s.set(spec)
	s.expect(spec, "and the other way round")
}

func (s suite) keys() {
	base := s.key("")
	odd := []string{
		"", "a", "A", "a ", " a", "a\n", "a\r\nset b 0 0 1", "\x00", "a\x00", "a\x00b", "\t", "\x7f",
		"/", "//", "../../etc/passwd", "..", "./", `C:\x`, "a%2Fb", "a/b", "a:b", "a*", "a?b#c", "{a}", "{a}b",
		"é", "e\u0301", "日本語", "🙂", "\xff\xfe", "\xc3", "'; DROP TABLE e; --", `"`, "%s%d", "$1", "_", "%",
	}
	entries := make([]*store.Entry, len(odd))
	for i, suffix := range odd {
		entries[i] = s.plain(base+suffix, fmt.Sprintf("body of %q", suffix))
		s.set(entries[i])
	}
	for i, e := range entries {
		s.expect(e, fmt.Sprintf("keys are arbitrary bytes and compared exactly: %q", odd[i]))
	}
}

func (s suite) longKeys() {
	for _, n := range []int{250, 251, 255, 256, 1 << 10, 4 << 10, 8 << 10, store.MaxKeyLen} {
		base := s.key("")
		base += strings.Repeat("k", n-len(base)-1)
		one, two := s.plain(base+"1", "one"), s.plain(base+"2", "two")
		s.set(one)
		s.expectMiss(two.Key(), fmt.Sprintf("keys of %d bytes that differ in the last are two keys", n))
		s.set(two)
		s.expect(one, fmt.Sprintf("a key may have %d bytes", n))
		s.expect(two, fmt.Sprintf("a key may have %d bytes", n))
	}
}

func (s suite) overwrite() {
	key := s.key("overwrite")
	for _, body := range []string{"first", strings.Repeat("second and longer ", 1000), "third", "", "fifth"} {
		e := s.plain(key, body)
		s.set(e)
		s.expect(e, "Set replaces what stood under the key, larger or smaller")
	}
	older := response(key, "older")
	older.RequestTime -= int64(time.Minute)
	e := s.entry(older)
	s.set(e)
	s.expect(e, "Set replaces what stood under the key even if that is newer: only SetIfNewer compares")
}

func (s suite) delete() {
	key, other := s.key("delete"), s.plain(s.key("other"), "other")
	require.NoError(s, s.store.Delete(s.Context(), key), "Delete of what isn't there returns nil")
	s.set(other)
	e := s.plain(key, "body")
	s.set(e)
	require.NoError(s, s.store.Delete(s.Context(), key))
	s.expectMiss(key, "what was deleted is not found")
	require.NoError(s, s.store.Delete(s.Context(), key), "Delete a second time returns nil")
	s.expect(other, "Delete drops nothing else")
	s.set(e)
	s.expect(e, "a deleted key can be set again")
}

func (s suite) immutable() {
	e := s.plain(s.key("immutable"), strings.Repeat("body ", 100))
	before := bytes.Clone(e.Bytes())
	s.set(e)
	got, err := s.store.Get(s.Context(), e.Key())
	require.NoError(s, err)
	s.set(s.plain(e.Key(), strings.Repeat("other", 100)))
	require.NoError(s, s.store.Delete(s.Context(), e.Key()))
	s.set(s.plain(e.Key(), strings.Repeat("third", 100)))
	require.True(s, bytes.Equal(before, e.Bytes()), "a store never changes the entry that it was given")
	require.True(s, bytes.Equal(before, got.Bytes()), "an entry stays what it is after its key was set anew or deleted")
}
