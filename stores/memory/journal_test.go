// SPDX-License-Identifier: MIT

package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// Marks are dropped no sooner than eight days after they were appended, and no later than
// half of that afterwards, while others are appended. The last thousand stay.
func TestJournalMarksAgeOut(t *testing.T) {
	const each, life = 100, 8 * 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		j := memory.NewJournal()
		began, page := time.Now(), store.JournalPage{}
		old, err := j.Append(t.Context(), make([]store.Mark, each))
		require.NoError(t, err)
		for i := uint64(1); i < 50; i++ {
			time.Sleep(life / 20)
			p, err := j.Append(t.Context(), make([]store.Mark, each))
			require.NoError(t, err)
			require.Equal(t, store.Position{Epoch: old.Epoch, Seq: (i + 1) * each}, p)
			page, err = j.Read(t.Context(), old)
			require.NoError(t, err)
			age := func(n uint64) time.Duration { return time.Since(began) - time.Duration(n/each)*life/20 }
			if page.Base >= old.Seq {
				require.GreaterOrEqual(t, age(page.Base-1), life)
				require.LessOrEqual(t, age(page.Base), life*3/2)
			} else {
				require.LessOrEqual(t, age(0), life*3/2)
			}
		}
		require.Greater(t, page.Base, old.Seq, "who stood at the first sees that marks are gone")

		time.Sleep(100 * life)
		p, err := j.Append(t.Context(), make([]store.Mark, 1))
		require.NoError(t, err)
		page, err = j.Read(t.Context(), old)
		require.NoError(t, err)
		require.Equal(t, p.Seq-1000, page.Base)
		require.Len(t, page.Marks, 1000)
	})
}
