// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// 5000 purges wait, the journal comes back, and the process is told to end.
func TestCloseAppendsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		f.journal.cut.Store(true)
		const n = 5000
		for i := range n {
			require.ErrorIs(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: fmt.Sprint(i)}), holdover.ErrUnconfirmed)
		}
		time.Sleep(time.Second)
		f.journal.cut.Store(false)
		err := one.Close()
		total, from := 0, store.Position{}
		for {
			p, rerr := f.journal.Read(t.Context(), from)
			require.NoError(t, rerr)
			total += len(p.Marks)
			if !p.More {
				break
			}
			from = p.Position()
			from.Seq++
		}
		require.NoError(t, err)
		t.Log(total)
	})
}
