// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

// storeURLs are stores that outlive the proxy, with the server behind each, if there is one.
var storeURLs = map[string]func(t *testing.T) (url string, server *testserver.Server){
	"redis": func(t *testing.T) (string, *testserver.Server) {
		s := testserver.Redis(t)
		return "redis://" + s.Addr(), s
	},
	"memcached": func(t *testing.T) (string, *testserver.Server) {
		s := testserver.Memcached(t)
		return "memcached://" + s.Addr(), s
	},
	"postgres": func(t *testing.T) (string, *testserver.Server) {
		s := testserver.Postgres(t)
		return "postgres://postgres@" + s.Addr() + "/postgres", s
	},
	"sqlite": func(t *testing.T) (string, *testserver.Server) {
		return "sqlite:" + filepath.Join(t.TempDir(), "responses.db"), nil
	},
	"file": func(t *testing.T) (string, *testserver.Server) {
		return "file:" + filepath.Join(t.TempDir(), "not", "there yet"), nil
	},
}

func TestStoresOutliveTheProxy(t *testing.T) {
	for name, open := range storeURLs {
		t.Run(name, func(t *testing.T) {
			store, _ := open(t)
			o := newFakeOrigin(t, "max-age=600")
			first := start(t, o.URL, "-store", store, "-store-timeout", "30s")
			require.Contains(t, getAs(t, "site.test", first.url+"/page").cacheStatus(), "stored")
			first.end(t) // writes what is queued

			again := start(t, o.URL, "-store", store, "-store-timeout", "30s")
			require.Contains(t, getAs(t, "site.test", again.url+"/page").cacheStatus(), "; hit", again.log)
			require.EqualValues(t, 1, o.asked.Load())
		})
	}
}

// With a memory tier a hit needs no store, and a store that goes away costs no hit.
func TestMemoryTier(t *testing.T) {
	server := testserver.Redis(t)
	o := newFakeOrigin(t, "max-age=600")
	p := start(t, o.URL, "-store", "redis://"+server.Addr(), "-memory-tier", "16MiB")
	get(t, p.url+"/page")
	require.Eventually(t, func() bool {
		return strings.Contains(get(t, p.url+"/page").cacheStatus(), "; hit")
	}, 5*time.Second, 10*time.Millisecond)
	time.Sleep(100 * time.Millisecond) // it is written
	server.Kill()
	for range 20 {
		require.Contains(t, get(t, p.url+"/page").cacheStatus(), "; hit")
	}
	require.EqualValues(t, 1, o.asked.Load())
	server.Start()
}

// getAs asks under a host name that stays the same, whatever the port.
func getAs(t *testing.T, host, url string) reply {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	r.Host = host
	return send(t, r)
}

// A store that is away costs no request and no start.
func TestStoresThatAreAway(t *testing.T) {
	for name, open := range storeURLs {
		t.Run(name, func(t *testing.T) {
			store, server := open(t)
			if server == nil {
				return
			}
			server.Kill()
			o := newFakeOrigin(t, "max-age=600")
			p := start(t, o.URL, "-store", store)
			require.Contains(t, get(t, p.url+"/page").cacheStatus(), "fwd=uri-miss")
			require.Contains(t, p.log.String(), "the store failed")
			server.Start()
			require.Eventually(t, func() bool {
				return strings.Contains(get(t, p.url+"/page").cacheStatus(), "; hit")
			}, 5*time.Second, 20*time.Millisecond, "it is used as soon as it is there")
		})
	}
}

// What is wrong with a -store is said without its URL, which may hold a password.
func TestStoreMistakes(t *testing.T) {
	for _, url := range []string{
		"redis://user:hidden@127.0.0.1:port", "memcached:hidden", "memcached://user:hidden@h:1", "memcached://h:1,", "postgres://user:hidden@[::1", "file:\x00", "sqlite:/not/there/x.db",
	} {
		s, err := parseFlags(with("-store", url), io.Discard)
		require.NoError(t, err, url)
		st, _, err := openStore(s, slog.New(slog.DiscardHandler))
		require.Nil(t, st, url)
		require.ErrorContains(t, err, "flag -store", url)
		require.NotContains(t, err.Error(), "hidden", url)
	}
}
