// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/store"
)

// pieceOf is the part of a body from one byte to another, both included.
func pieceOf(body []byte, from, to int64, etag string) piece {
	p := piece{
		part: httpfield.ContentRange{Start: from, End: to, Size: int64(len(body))}, body: body[from : to+1],
		header: fields("Etag: "+etag, "Content-Range: "+fmt.Sprintf("bytes %d-%d/%d", from, to, len(body))),
	}
	return p
}

func storedPiece(t testing.TB, p piece) *store.Entry {
	t.Helper()
	var list []store.Field
	for name, values := range p.header {
		list = append(list, store.Field{Name: name, Values: values})
	}
	e, err := store.New(store.Response{Key: "k", Status: 206, Fields: list, Body: p.body, StaleIfError: store.Absent, StaleWhileRevalidate: store.Absent})
	require.NoError(t, err)
	return e
}

// RFC 9111 §3.4: whatever two parts are combined, the result is the bytes of the whole from
// the first to the last of them; and those that don't touch are not.
func TestCombineAgainstTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	whole := make([]byte, 64)
	for i := range whole {
		whole[i] = byte(r.Uint32())
	}
	for range 50_000 {
		ends := func() (int64, int64) {
			a, b := r.Int64N(64), r.Int64N(64)
			return min(a, b), max(a, b)
		}
		a, b := ends()
		c, d := ends()
		limit := r.Int64N(70)
		before := bytes.Clone(whole)
		got, fit := combine(storedPiece(t, pieceOf(whole, a, b, `"1"`)), pieceOf(whole, c, d, `"1"`), limit)
		from, to := min(a, c), max(b, d)
		touch := max(a, c) <= min(b, d)+1
		require.Equal(t, touch && to-from+1 <= limit, fit, "%d-%d and %d-%d, limit %d", a, b, c, d, limit)
		require.Equal(t, before, whole, "the parts stay as they are")
		if fit {
			require.Equal(t, whole[from:to+1], got.body)
			require.Equal(t, httpfield.ContentRange{Start: from, End: to, Size: 64}, got.part)
		}
	}
}

// Nothing else is ever combined.
func TestCombineRefuses(t *testing.T) {
	whole := []byte("0123456789")
	old := storedPiece(t, pieceOf(whole, 0, 4, `"1"`))
	other := []byte("0123X56789")
	for name, p := range map[string]piece{
		"another tag":       pieceOf(whole, 5, 9, `"2"`),
		"a weak tag":        pieceOf(whole, 5, 9, `W/"1"`),
		"no tag":            pieceOf(whole, 5, 9, ""),
		"a tag that's none": pieceOf(whole, 5, 9, `1`),
		"another size":      pieceOf([]byte("0123456789a"), 5, 9, `"1"`),
		"other bytes":       pieceOf(other, 3, 9, `"1"`),
		"far away":          {part: httpfield.ContentRange{Start: math.MaxInt64 - 3, End: math.MaxInt64 - 1, Size: math.MaxInt64}, body: []byte("abc"), header: fields(`Etag: "1"`)},
	} {
		_, fit := combine(old, p, 1<<20)
		require.False(t, fit, name)
	}
	for _, etag := range []string{`W/"1"`, ""} {
		_, fit := combine(storedPiece(t, pieceOf(whole, 0, 4, etag)), pieceOf(whole, 5, 9, etag), 1<<20)
		require.False(t, fit, etag)
	}
	huge := func(from int64) piece {
		return piece{part: httpfield.ContentRange{Start: from, End: from + 2, Size: math.MaxInt64}, body: []byte("abc"), header: fields(`Etag: "1"`, fmt.Sprintf("Content-Range: bytes %d-%d/%d", from, from+2, int64(math.MaxInt64)))}
	}
	_, fit := combine(storedPiece(t, huge(0)), huge(math.MaxInt64-3), math.MaxInt64)
	require.False(t, fit, "at both ends of what can be counted")
	got, fit := combine(storedPiece(t, huge(math.MaxInt64-6)), huge(math.MaxInt64-3), 1<<20)
	require.True(t, fit)
	require.Equal(t, "abcabc", string(got.body))
}
