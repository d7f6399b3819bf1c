// SPDX-License-Identifier: MIT

package memcached_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memcached"
)

// liar is a server that answers every "gets" with the same text; NAME is what was asked for.
func liar(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					name := strings.Fields(lines.Text() + " . .")[1]
					if _, err := fmt.Fprint(c, strings.ReplaceAll(answer, "NAME", name)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// What a server names as a length is not allocated before it was judged.
func TestAServerThatLies(t *testing.T) {
	for name, answer := range map[string]string{
		"2 GiB":          "VALUE NAME 0 2147483648 1\r\n",
		"a byte more":    fmt.Sprintf("VALUE NAME 0 %d 1\r\n", maxValue+1),
		"no number":      "VALUE NAME 0 -1 1\r\n",
		"second is long": "VALUE NAME 0 2 1\r\nhi\r\nVALUE other 0 2147483648 1\r\n",
		"endless line":   strings.Repeat("VALUE ", 10000),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, memcached.Config{}, liar(t, answer))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := s.Get(ctx, "key")
				require.ErrorIs(t, err, store.ErrFormat)
				require.ErrorIs(t, err, store.ErrNotFound, "it is a value that can't be read")
				many, err := s.GetMany(ctx, []string{"key", "other"})
				require.ErrorIs(t, err, store.ErrFormat)
				require.Len(t, many, 2)
				cancel()
			}
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20))
		})
	}
}

// A value of a process with a larger MaxValue is not read by one with a smaller.
func TestAValueThatIsTooLong(t *testing.T) {
	server := testserver.Memcached(t)
	large := open(t, memcached.Config{Codec: store.Plain}, server.Addr())
	small := open(t, memcached.Config{Codec: store.Plain, MaxValue: 1000}, server.Addr())
	r := response("key")
	r.Body = make([]byte, 2000)
	require.NoError(t, large.Set(t.Context(), r.Key, encode(t, r)))
	_, err := small.Get(t.Context(), r.Key)
	require.ErrorIs(t, err, store.ErrFormat)
	r.Body = nil
	require.NoError(t, small.Set(t.Context(), r.Key, encode(t, r)))
	_, err = small.Get(t.Context(), r.Key)
	require.NoError(t, err, "the next one takes its place")
}

func TestCloseTwiceAtOnce(t *testing.T) {
	for range 50 {
		s, err := memcached.Open(memcached.Config{MaxConns: 1000}, "127.0.0.1:1")
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _ = s.Close() })
		}
		wg.Wait()
	}
}

func TestServersAreChecked(t *testing.T) {
	for _, name := range []string{"", "host", "host:", ":11211", "user:secret@host:1", "host:1/path", "a b:1"} {
		_, err := memcached.Open(memcached.Config{}, "127.0.0.1:1", name)
		require.ErrorContains(t, err, "server 2", name)
		require.NotContains(t, err.Error(), "secret")
	}
	s, err := memcached.Open(memcached.Config{}, "not-known.invalid:11211", "/run/memcached.sock")
	require.NoError(t, err, "a host that isn't known yet keeps nobody from starting")
	require.Error(t, s.Ping(t.Context()))
	require.NoError(t, s.Close())
}
