// SPDX-License-Identifier: MIT

package store_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// FuzzDecode feeds Decode with bytes as they come and with a right checksum of
// the head, which a damaged entry won't have but a forged one may.
func FuzzDecode(f *testing.F) {
	for _, r := range []store.Response{page(), variant(), varySpec()} {
		raw := encode(f, r).Bytes()
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
		f.Add(raw[:96])
	}
	f.Add([]byte{})
	f.Add([]byte("HLDV"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, in := range [][]byte{bytes.Clone(raw), summed(bytes.Clone(raw))} {
			e, err := store.Decode(in)
			if err != nil {
				require.ErrorIs(t, err, store.ErrFormat)
				continue
			}
			useAll(t, e)
			require.True(t, bytes.Equal(in, e.Bytes()), "an entry is the bytes that it was read from")
		}
	})
}

// useAll calls every accessor of an entry that Decode let pass.
func useAll(t *testing.T, e *store.Entry) {
	r := e.Response()
	require.Equal(t, len(r.AsOf), e.NumAsOf())
	require.Equal(t, len(r.Tags), e.NumTags())
	require.Equal(t, len(r.Body), e.BodyLen())
	require.True(t, e.KeyIs([]byte(r.Key)))
	require.True(t, e.SelectedIs([]byte(r.Selected)))
	require.Positive(t, e.ViewSize())
	require.False(t, e.Newer(e))
	hashes := tagHashes(e)
	require.Len(t, hashes, len(r.Tags))
	for i, tag := range r.Tags {
		require.Equal(t, tag.Hash, hashes[i])
	}
	for _, p := range r.AsOf {
		_, named := e.PositionIn(&p.Epoch)
		require.True(t, named)
	}
	for _, field := range r.Fields {
		e.Field(field.Name)
	}
	if again, err := store.New(r); err == nil {
		require.True(t, bytes.Equal(e.Bytes(), again.Bytes()), "one response has one encoding")
	}
}
