// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// bare is a store with the three methods and no power. Its failure, if set, is
// returned by the operation it stands under.
type bare struct {
	entries map[string]*store.Entry
	fail    map[string]error
	gets    int
}

func (b *bare) Get(_ context.Context, key string) (*store.Entry, error) {
	b.gets++
	if err := b.fail["get"]; err != nil {
		return nil, err
	}
	if e := b.entries[key]; e != nil {
		return e, nil
	}
	return nil, store.ErrNotFound
}

func (b *bare) Set(_ context.Context, key string, e *store.Entry) error {
	if err := b.fail["set"]; err != nil {
		return err
	}
	b.entries[key] = e
	return nil
}

func (b *bare) Delete(_ context.Context, key string) error {
	delete(b.entries, key)
	return nil
}

func newBare() *bare { return &bare{entries: map[string]*store.Entry{}, fail: map[string]error{}} }

var errOut = errors.New("out of order")

func TestGetBytesFallsBack(t *testing.T) {
	b, e := newBare(), encode(t, page())
	_, err := store.GetBytes(t.Context(), b, []byte("k"))
	require.ErrorIs(t, err, store.ErrNotFound)
	b.entries["k"] = e
	got, err := store.GetBytes(t.Context(), b, []byte("k"))
	require.NoError(t, err)
	require.Same(t, e, got)
}

func TestGetManyFallsBack(t *testing.T) {
	b, e, v := newBare(), encode(t, page()), encode(t, variant())
	b.entries["e"], b.entries["v"] = e, v
	many, err := store.GetMany(t.Context(), b, []string{"v", "absent", "e", "v"})
	require.NoError(t, err)
	require.Equal(t, []*store.Entry{v, nil, e, v}, many)

	b.fail["get"], b.gets = errOut, 0
	many, err = store.GetMany(t.Context(), b, []string{"v", "e"})
	require.ErrorIs(t, err, errOut)
	require.Nil(t, many)
	require.Equal(t, 1, b.gets, "the first failure ends it")
}

func TestSetIfAbsentFallsBack(t *testing.T) {
	b, e, v := newBare(), encode(t, page()), encode(t, variant())
	done, err := store.SetIfAbsent(t.Context(), b, "k", e)
	require.NoError(t, err)
	require.True(t, done)
	done, err = store.SetIfAbsent(t.Context(), b, "k", v)
	require.NoError(t, err)
	require.False(t, done)
	require.Same(t, e, b.entries["k"])
}

func TestSetIfNewerFallsBack(t *testing.T) {
	b := newBare()
	at := func(fetch int64) *store.Entry { return encode(t, store.Response{RequestTime: fetch}) }
	for _, c := range []struct {
		fetch int64
		done  bool
	}{{5, true}, {4, false}, {5, false}, {6, true}} {
		e := at(c.fetch)
		done, err := store.SetIfNewer(t.Context(), b, "k", e)
		require.NoError(t, err)
		require.Equal(t, c.done, done, "fetch at %d", c.fetch)
		require.Equal(t, c.done, b.entries["k"] == e)
	}
}

func TestFallbacksReportFailures(t *testing.T) {
	e := encode(t, page())
	type setter func(context.Context, store.Store, string, *store.Entry) (bool, error)
	for name, set := range map[string]setter{"SetIfAbsent": store.SetIfAbsent, "SetIfNewer": store.SetIfNewer} {
		for _, op := range []string{"get", "set"} {
			t.Run(name+" "+op, func(t *testing.T) {
				b := newBare()
				b.fail[op] = errOut
				done, err := set(t.Context(), b, "k", e)
				require.ErrorIs(t, err, errOut)
				require.False(t, done, "what failed was not set")
				require.Empty(t, b.entries)
			})
		}
	}
}

func TestScanWithoutThePower(t *testing.T) {
	pairs := 0
	for e, err := range store.Scan(t.Context(), newBare()) {
		require.Nil(t, e)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		pairs++
	}
	require.Equal(t, 1, pairs)
}

func TestPingFallsBack(t *testing.T) {
	b := newBare()
	require.NoError(t, store.Ping(t.Context(), b))
	b.fail["get"] = errOut
	require.ErrorIs(t, store.Ping(t.Context(), b), errOut)
}

func TestCloseWithoutThePower(t *testing.T) { require.NoError(t, store.Close(newBare())) }

// closer has one power, to see that the functions use it.
type closer struct {
	*bare
	err error
}

func (c *closer) Close() error { return c.err }

func TestCloseUsesThePower(t *testing.T) {
	require.ErrorIs(t, store.Close(&closer{newBare(), errOut}), errOut)
}

// near is a store that says where it is.
type near struct {
	*bare
	local bool
}

func (n *near) Local() bool { return n.local }

// Without the power a store isn't local, whatever else it can do.
func TestIsLocal(t *testing.T) {
	require.False(t, store.IsLocal(newBare()))
	require.False(t, store.IsLocal(&closer{newBare(), nil}))
	require.False(t, store.IsLocal(&near{newBare(), false}))
	require.True(t, store.IsLocal(&near{newBare(), true}))
}

// TestHashKey compares with the first half of published SHA-256 test vectors.
func TestHashKey(t *testing.T) {
	for key, want := range map[string]string{
		"":    "e3b0c44298fc1c149afbf4c8996fb924",
		"abc": "ba7816bf8f01cfea414140de5dae2223",
	} {
		sum := store.HashKey(key)
		require.Equal(t, want, hex.EncodeToString(sum[:]))
	}
}
