// SPDX-License-Identifier: MIT

package holdover

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStatusTTLValidate(t *testing.T) {
	require.Empty(t, StatusTTL(nil).validate("F", time.Hour))
	require.Empty(t, StatusTTL{200: {}, 404: {TTL: time.Hour, Override: true}}.validate("F", time.Hour))

	found := StatusTTL{
		503: {TTL: time.Hour + 1},
		404: {TTL: time.Minute},
		416: {TTL: -1},
		100: {TTL: time.Second},
		-1:  {TTL: time.Second},
	}.validate("Policy.Freshness.StatusTTL", time.Hour)
	require.Len(t, found, 4)

	for i, want := range []string{
		"holdover: Policy.Freshness.StatusTTL[-1]: -1 is not a known status",
		"holdover: Policy.Freshness.StatusTTL[100]: 100 is an interim status, never a response to store",
		"holdover: Policy.Freshness.StatusTTL[416]: 416 answers one particular request and can't be given a lifetime\n" +
			"lifetime -1ns is negative",
		"holdover: Policy.Freshness.StatusTTL[503]: lifetime 1h0m0.000000001s is over the maximum of 1h0m0s",
	} {
		require.EqualError(t, found[i], want)
	}
	bad, ok := errors.AsType[*ConfigError](errors.Join(found...))
	require.True(t, ok)
	require.Equal(t, "Policy.Freshness.StatusTTL[-1]", bad.Field)
	require.ErrorContains(t, bad.Unwrap(), "not a known status")
}
