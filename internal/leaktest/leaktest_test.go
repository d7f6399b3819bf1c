// SPDX-License-Identifier: MIT

package leaktest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func waits(c chan struct{}) { <-c }

func TestWaitFindsWhatIsLeft(t *testing.T) {
	before := len(leaktest.Wait(0)) // the testing package's own, which waits for this test
	c := make(chan struct{})
	go waits(c)
	left := leaktest.Wait(50 * time.Millisecond)
	require.Len(t, left, before+1)
	require.Contains(t, left[0]+left[len(left)-1], "leaktest_test.waits")
	close(c)
	for begun := time.Now(); len(leaktest.Wait(0)) != before; {
		require.Less(t, time.Since(begun), 5*time.Second)
	}
}
