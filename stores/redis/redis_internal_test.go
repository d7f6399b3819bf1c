// SPDX-License-Identifier: MIT

package redis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMillisecondsAreRoundedUp(t *testing.T) {
	for life, want := range map[time.Duration]int64{
		1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second - 1: 1000, time.Hour: 3_600_000, 1<<63 - 1: 9_223_372_036_855,
	} {
		require.Equal(t, want, milliseconds(life), life)
	}
}
