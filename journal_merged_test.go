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
	"github.com/holdover-go/holdover/store"
)

// forgetful is a journal that at times takes marks and doesn't keep them.
type forgetful struct {
	*cuttable
	forgets atomic.Bool
	merged  atomic.Int64
}

func (j *forgetful) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	if j.forgets.Load() {
		return store.Position{}, nil
	}
	return j.cuttable.Append(ctx, marks)
}

// Merged implements store.Merger.
func (j *forgetful) Merged(time.Time) { j.merged.Add(1) }

// A journal is merged when it has all purges that count here, not when it can be reached.
func TestAJournalIsMergedWhenItIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &forgetful{cuttable: newCuttable()}
		c := newCache(t, holdover.Config{Store: newRemote(), Journal: j})
		time.Sleep(time.Second)
		require.NotZero(t, j.merged.Load())

		j.forgets.Store(true)
		require.NoError(t, c.Purge(t.Context(), holdover.PurgeRequest{Tag: "pages"}))
		time.Sleep(time.Second) // what came in the last moment may be on its way
		j.merged.Store(0)
		time.Sleep(10 * time.Second)
		require.Zero(t, j.merged.Load())

		j.forgets.Store(false)
		time.Sleep(time.Second)
		require.NotZero(t, j.merged.Load())
	})
}
