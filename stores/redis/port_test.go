// SPDX-License-Identifier: MIT

package redis_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// freePort returns a port of 127.0.0.1 on which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return port
}
