// SPDX-License-Identifier: MIT

package testserver

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestServers(t *testing.T) {
	for name, open := range map[string]func(testing.TB, ...string) *Server{
		"redis": Redis, "memcached": Memcached, "postgres": Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			require.NoError(t, s.ready(s.Addr()))
			s.Pause()
			require.Error(t, s.ready(s.Addr()), "a paused server doesn't answer")
			s.Resume()
			require.NoError(t, s.ready(s.Addr()))
			s.Kill()
			require.Error(t, s.ready(s.Addr()))
			s.Start()
			require.NoError(t, s.ready(s.Addr()), "it comes back under its address")
		})
	}
}
