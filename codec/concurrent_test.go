// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

// One codec serves many at once, hostile values among the good ones, and leaves no
// goroutine.
func TestConcurrentUse(t *testing.T) {
	before := runtime.NumGoroutine()
	var entries []*store.Entry
	for _, n := range []int{2 << 10, 50 << 10, 300 << 10} {
		entries = append(entries, entry(t, withBody(listing(n))))
	}
	var users sync.WaitGroup
	for _, name := range names(all) {
		c := open(t, all[name])
		bad := [][]byte{forged(t, store.Gzip, 10, noise(200)), forged(t, store.Brotli, 10, noise(200)), forged(t, store.Zstd, 10, noise(200))}
		for i := range 4 {
			users.Go(func() {
				for j := range 10 {
					e := entries[(i+j)%len(entries)]
					value, err := c.Encode(e)
					assert.NoError(t, err)
					_, err = c.Decode(bad[(i+j)%len(bad)])
					assert.ErrorIs(t, err, store.ErrFormat)
					got, err := c.Decode(value)
					if assert.NoError(t, err) {
						assert.True(t, bytes.Equal(e.Bytes(), got.Bytes()))
					}
				}
			})
		}
	}
	users.Wait()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, // Eventually has one of its own
		5e9, 1e6, "goroutines are left: %d, %d before", runtime.NumGoroutine(), before)
}

// A codec costs little before it is used. The whole process is measured, so what else
// allocates in it meanwhile spoils a try: the least of several counts.
func TestUnusedCodecIsSmall(t *testing.T) {
	least := math.MaxInt
	for range 10 {
		least = min(least, allocated(func() { codec.Default() }))
	}
	require.Less(t, least, 4<<10+1<<10*runtime.GOMAXPROCS(0))
}

// A codec may be shared by tests with a clock of their own: nothing that it keeps
// belongs to one of them.
func TestSynctestBubblesShareACodec(t *testing.T) {
	for _, name := range names(all) {
		c := open(t, all[name])
		use := func(t *testing.T) {
			for _, n := range []int{2 << 10, 300 << 10} {
				e := entry(t, withBody(listing(n)))
				got, err := c.Decode(encode(t, c, e))
				require.NoError(t, err)
				require.True(t, bytes.Equal(e.Bytes(), got.Bytes()))
			}
		}
		for range 3 {
			synctest.Test(t, use)
		}
		use(t)
	}
}
