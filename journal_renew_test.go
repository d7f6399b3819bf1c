// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// renewFails is a journal that can't be renewed at times.
type renewFails struct {
	*cuttable
	fails atomic.Int64
	tried atomic.Int64
}

func (j *renewFails) Renew(ctx context.Context, epoch [16]byte) error {
	j.tried.Add(1)
	if j.fails.Add(-1) >= 0 {
		return errCut
	}
	return j.cuttable.Renew(ctx, epoch)
}

// a journal was set back, and the first Renew failed.
func TestRenewFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		j := &renewFails{cuttable: f.journal}
		one := startWith(t, f, j)
		defer f.stop(one)
		for _, tag := range []string{"a", "b", "c"} {
			require.NoError(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: tag}))
		}
		time.Sleep(time.Second)
		two := startWith(t, f, f.journal)
		f.stored(two) // asOf number 3
		f.stop(two)
		j.fails.Store(1)
		f.journal.setBack(t, 5) // numbers 1 to 5 are other marks
		time.Sleep(time.Second)
		t.Log("renew tried", j.tried.Load(), "losses", one.Stats().JournalLosses)
		f.now(503, "broken")
		w := get(one.h)
		require.NotEqual(t, "first", w.Body.String(), "%s", status(w))
	})
}

// … and never works: nothing is cached any more?
func TestRenewNeverWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		j := &renewFails{cuttable: f.journal}
		one := startWith(t, f, j)
		defer f.stop(one)
		for _, tag := range []string{"a", "b", "c"} {
			require.NoError(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: tag}))
		}
		time.Sleep(time.Second)
		j.fails.Store(1 << 40)
		f.journal.setBack(t, 1)
		time.Sleep(time.Second)
		n := f.origin.calls.Load()
		for range 50 {
			get(one.h)
			time.Sleep(100 * time.Millisecond)
		}
		t.Log("renew tried", j.tried.Load(), "origin calls", f.origin.calls.Load()-n)
		require.Less(t, f.origin.calls.Load()-n, int64(5))
	})
}
