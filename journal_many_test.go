// SPDX-License-Identifier: MIT

package holdover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// one form, posted 5001 times while the journal is away, purges everything in the fleet.
func TestManyPostsToOneURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		defer f.stop(one)
		f.stored(one)
		f.journal.cut.Store(true)
		for range 5001 {
			ask(one.h, "POST", "http://example.com/login")
		}
		w := get(one.h)
		require.Contains(t, status(w), "; hit", "nobody purged this page; %d marks wait", one.Stats().Unconfirmed)
		time.Sleep(time.Second)
		f.journal.cut.Store(false) // for the stop
	})
}
