// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeyLocks(t *testing.T) {
	var l keyLocks
	a, b := hashOf("a"), hashOf("b")
	require.NoError(t, l.lock(t.Context(), a))
	require.NoError(t, l.lock(t.Context(), b), "another key is free")
	require.False(t, l.tryLock(a))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.lock(ctx, a), context.DeadlineExceeded)
	l.unlock(a)
	require.True(t, l.tryLock(a), "who gave up left nothing behind")
	l.unlock(a)
	require.NoError(t, l.lock(ctx, a), "what is free is had at once, also late")
	l.unlock(a)
	l.unlock(b)
	require.Empty(t, l.keys, "a key that nobody holds takes no memory")
}

func TestKeyLocksExclude(t *testing.T) {
	var l keyLocks
	var wg sync.WaitGroup
	counts := [3]int{} // each is guarded by the lock of its key
	for worker := range 8 {
		wg.Go(func() {
			for i := range 500 {
				n := (worker + i) % len(counts)
				h := hash{byte(n)}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*10*time.Microsecond)
				if l.lock(ctx, h) == nil {
					counts[n]++
					l.unlock(h)
				} else if l.tryLock(h) {
					counts[n]++
					l.unlock(h)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.Empty(t, l.keys)
	require.NotZero(t, counts[0]+counts[1]+counts[2])
}
