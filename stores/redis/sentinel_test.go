// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// startSentinel starts a process that watches the master as "site", and returns its address.
func startSentinel(t *testing.T, master *testserver.Server) string {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	addr := net.JoinHostPort("127.0.0.1", port)
	file := filepath.Join(dir, "sentinel.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
bind 127.0.0.1
port %s
dir %q
sentinel monitor site 127.0.0.1 %s 1
sentinel down-after-milliseconds site 300
sentinel failover-timeout site 2000
`, port, dir, master.Port()), 0o600))
	path, err := exec.LookPath("redis-server") // it started the master
	require.NoError(t, err)
	cmd := exec.Command(path, file, "--sentinel")
	cmd.SysProcAttr = outliveNobody()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed, as it says
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}, 20*time.Second, 10*time.Millisecond)
	return addr
}

func TestSentinel(t *testing.T) {
	master := testserver.Redis(t)
	replica := testserver.Redis(t, "--replicaof", "127.0.0.1 "+master.Port(), "--repl-diskless-sync-delay", "0")
	opt := rueidis.ClientOption{
		InitAddress: []string{startSentinel(t, master)},
		Sentinel:    rueidis.SentinelOption{MasterSet: "site"},
	}
	t.Run("Store", func(t *testing.T) {
		f := powers()
		f.Raw = func(t *testing.T, _ store.Store) storetest.Raw { return raw{t, client(t, option(master))} }
		storetest.Run(t, func(t *testing.T) store.Store { return open(t, opt) }, f)
	})
	t.Run("Failover", func(t *testing.T) { sentinelFailover(t, open(t, opt), opt, master, replica) })
}

// The master dies, and after it comes back it is a replica.
func sentinelFailover(t *testing.T, s store.Store, opt rueidis.ClientOption, master, replica *testserver.Server) {
	sentinel, server := client(t, rueidis.ClientOption{InitAddress: opt.InitAddress}), client(t, option(replica))
	knows := func(field, value string) bool {
		site, err := sentinel.Do(t.Context(), sentinel.B().Arbitrary("SENTINEL", "MASTER", "site").Build()).AsStrMap()
		return err == nil && site[field] == value
	}
	require.Eventually(t, func() bool { return knows("num-slaves", "1") }, 30*time.Second, 10*time.Millisecond)
	e := entry(t, "failover", "body")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	require.Eventually(t, func() bool {
		n, err := server.Do(t.Context(), server.B().Exists().Key(name(e.Key())).Build()).AsInt64()
		return err == nil && n == 1
	}, 20*time.Second, 10*time.Millisecond)

	master.Kill()
	works := func() bool {
		_, err := within(t, 100*time.Millisecond, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, s.Set(ctx, e.Key(), e)
		})
		return err == nil
	}
	require.Eventually(t, works, 30*time.Second, 10*time.Millisecond, "the replica takes over")
	expect(t, s, e)
	master.Start()
	require.Eventually(t, func() bool { return knows("port", replica.Port()) && knows("num-slaves", "1") }, 20*time.Second, 10*time.Millisecond)
	require.True(t, works())
	expect(t, s, e)
}
