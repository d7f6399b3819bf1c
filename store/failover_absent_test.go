// SPDX-License-Identifier: MIT

package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// After a return, "absent" is judged by the member that came back alone.
func TestSetIfAbsentAfterAReturn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := outage(t, a, b, true)
		good := entry(t, "k")
		b.put(good)
		failed := made(t, "k", time.Now(), store.Position{Epoch: [16]byte{1}, Seq: 9})
		done, err := store.SetIfAbsent(about(t, 50*ms), f, "k", failed)
		require.NoError(t, err)
		assert.False(t, done, "one stands under the key")
		e, _, err := get(t, f, "k")
		require.NoError(t, err)
		assert.Equal(t, good.RequestTime(), e.RequestTime())
	})
}

// a journal that is renewed (set back, or too far behind) makes the return forgotten, while the data are the old ones.
func TestReturnOutlivesItsJournal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		old := made(t, "k", time.Now(), store.Position{Epoch: [16]byte{1}})
		a.put(old)
		time.Sleep(time.Minute)
		f := outage(t, a, b, true)
		newer := made(t, "k", time.Now(), store.Position{Epoch: [16]byte{1}}, store.Position{Epoch: [16]byte{2}})
		b.put(newer)
		page, err := store.JournalsOf(f)[0].Read(t.Context(), store.Position{})
		require.NoError(t, err)
		require.NoError(t, store.JournalsOf(f)[0].Renew(t.Context(), page.Epoch))
		time.Sleep(time.Second)
		e, _, err := get(t, f, "k")
		require.NoError(t, err)
		assert.Equal(t, newer.RequestTime(), e.RequestTime())
	})
}
