// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// BenchmarkPurgeTag compares purging a tag that a million stored responses carry with purging
// one that a single response carries: the metric x-bare is the first as a multiple of the second.
func BenchmarkPurgeTag(b *testing.B) {
	one, million := tagged(b, 1), tagged(b, 1_000_000)
	purge := func(c *holdover.Cache) func() {
		return func() {
			if err := c.Purge(b.Context(), holdover.PurgeRequest{Tag: "shelf"}); err != nil {
				b.Fatal(err)
			}
		}
	}
	alternate(b, 200_000, purge(one), purge(million))
}

// tagged makes a cache with so many responses that carry a tag.
func tagged(b *testing.B, n int) *holdover.Cache {
	m, err := memory.New(memory.Config{MaxBytes: 1 << 30})
	require.NoError(b, err)
	c, err := holdover.New(holdover.Config{Store: m})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, c.Close())
		require.NoError(b, m.Close())
	})
	now := time.Now()
	for i := range n {
		key := fmt.Sprintf("GET http example.com /book/%d", i)
		e, err := store.New(store.Response{
			Key: key, Status: 200, Body: []byte("book"), Tags: []store.Tag{{Name: "shelf", Hash: 1}},
			RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(), StoreUntil: now.Add(time.Hour).UnixNano(),
			StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
		})
		require.NoError(b, err)
		require.NoError(b, m.Set(b.Context(), key, e))
	}
	require.Equal(b, n, m.Stats().Entries)
	return c
}
