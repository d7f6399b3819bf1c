// SPDX-License-Identifier: MIT

package memory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

const sameHash = 42

func testShard(t *testing.T) *shard {
	t.Helper()
	c := &clock{}
	c.set()
	s, err := newShard(1<<20, c)
	require.NoError(t, err)
	return s
}

// add puts an entry into the shard under a hash that the test chooses.
func add(t *testing.T, s *shard, key string, hash uint64) *resident {
	t.Helper()
	e, err := store.New(store.Response{Key: key, StoreUntil: time.Now().Add(time.Hour).UnixNano()})
	require.NoError(t, err)
	r := &resident{entry: e, hash: hash}
	done, err := s.set(r, []byte(key), func(*store.Entry) bool { return false })
	require.NoError(t, err)
	require.True(t, done)
	return r
}

func TestShards(t *testing.T) {
	for maxBytes, want := range map[int64]int{
		64 << 10: 1, 127 << 20: 1, 128 << 20: 2, 0: 4, 1 << 30: 16, 1 << 40: 16,
	} {
		s, err := New(Config{MaxBytes: maxBytes})
		require.NoError(t, err)
		require.Len(t, s.shards, want)
		require.NoError(t, s.Close())
	}
}

func TestKeysWithTheSameHashAreToldApart(t *testing.T) {
	s := testShard(t)
	add(t, s, "a", sameHash)
	_, err := s.get(sameHash, []byte("b"), time.Now().UnixNano())
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.delete(sameHash, []byte("b")))
	_, err = s.get(sameHash, []byte("a"), time.Now().UnixNano())
	require.NoError(t, err, "Delete drops no other key")

	add(t, s, "b", sameHash) // of the two, the later is held
	_, err = s.get(sameHash, []byte("a"), time.Now().UnixNano())
	require.ErrorIs(t, err, store.ErrNotFound)
	e, err := s.get(sameHash, []byte("b"), time.Now().UnixNano())
	require.NoError(t, err)
	require.Equal(t, "b", e.Key())
	require.Len(t, s.all, 1)
}

func TestDemotion(t *testing.T) {
	s := testShard(t)
	older, newer := add(t, s, "older", 1), add(t, s, "newer", 2)
	for _, r := range []*resident{older, newer} {
		s.probation.touch(r)
		s.promote(r)
		r.entry.SetView("decoded")
	}
	require.Zero(t, s.probation.bytes.Load())
	s.protected.touch(older)

	s.demote()
	require.Same(t, newer, s.protected.oldest(), "who was asked for again gets a second chance")
	require.NotNil(t, older.entry.View())
	s.demote()
	require.Same(t, newer, s.probation.oldest(), "who was not is on probation")
	require.Nil(t, newer.entry.View())
	require.Equal(t, int64(overhead+newer.entry.Size()), s.probation.bytes.Load(), "and isn't charged for a view")
	s.demote()
	require.Zero(t, s.protected.bytes.Load(), "there is one second chance for one hit")
}

func TestMovesBeforeAnEvictionAreBounded(t *testing.T) {
	s := testShard(t)
	for i := range uint64(1000) {
		s.probation.touch(add(t, s, "k", i))
	}
	s.limit = s.bytes() - 1
	s.shrink()
	require.EqualValues(t, 1, s.evictions)
	require.LessOrEqual(t, s.protected.list.Len(), maxMoves)
}
