// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

// hits asks until the page comes from the cache.
func hits(t *testing.T, p *running) reply {
	t.Helper()
	var r reply
	require.Eventually(t, func() bool {
		r = getAs(t, "site.test", p.url+"/page")
		return strings.Contains(r.cacheStatus(), "; hit")
	}, 20*time.Second, 5*time.Millisecond)
	return r
}

const purgePage = `{"url":"http://site.test/page"}`

// Two proxies with memory tiers on one store: what one purges the other forgets.
func TestPurgesReachTheOtherProxy(t *testing.T) {
	for _, name := range []string{"redis", "postgres", "sqlite"} {
		t.Run(name, func(t *testing.T) {
			store, _ := storeURLs[name](t)
			o := newFakeOrigin(t, "max-age=600")
			flags := []string{"-store", store, "-memory-tier", "16MiB", "-admin", "127.0.0.1:0", "-store-timeout", "1s"}
			one, two := start(t, o.URL, flags...), start(t, o.URL, flags...)
			for round := range 5 {
				hits(t, one)
				hits(t, two)
				asked := o.asked.Load()
				confirmed(t, one, purgePage)
				require.Eventually(t, func() bool { return !strings.Contains(getAs(t, "site.test", two.url+"/page").cacheStatus(), "; hit") },
					10*time.Second, 50*time.Millisecond, "round %d: %s", round, two.log)
				require.Greater(t, o.asked.Load(), asked)
			}
			two.end(t)
			hits(t, one)
			confirmed(t, one, purgePage)
			again := start(t, o.URL, flags...)
			require.NotContains(t, getAs(t, "site.test", again.url+"/page").cacheStatus(), "; hit", "purges are known after a restart")
		})
	}
}

// confirmed purges until the purge stands in the journal: a busy machine may take longer for
// that than a purge waits.
func confirmed(t *testing.T, p *running, what string) {
	t.Helper()
	require.Eventually(t, func() bool { return post(t, p.admin+"/purge", what).status == 200 }, 20*time.Second, time.Millisecond, p.log)
}

// A purge while Redis is away counts where it was made, and elsewhere when Redis is back:
// that began anew, so that everything from before is revalidated.
func TestPurgeWhileRedisIsAway(t *testing.T) {
	server := testserver.Redis(t)
	o := newFakeOrigin(t, "max-age=600")
	flags := []string{"-store", "redis://" + server.Addr(), "-memory-tier", "16MiB", "-admin", "127.0.0.1:0"}
	one, two := start(t, o.URL, flags...), start(t, o.URL, flags...)
	hits(t, one)
	hits(t, two)
	for _, outage := range []struct{ away, back func() }{{server.Kill, server.Start}, {server.Pause, server.Resume}} {
		outage.away()
		require.Equal(t, 202, post(t, one.admin+"/purge", purgePage).status)
		require.NotContains(t, getAs(t, "site.test", one.url+"/page").cacheStatus(), "; hit", "it counts here at once")
		require.Contains(t, getAs(t, "site.test", two.url+"/page").cacheStatus(), "; hit", "not there yet")
		asked := o.asked.Load()
		require.Contains(t, get(t, one.admin+"/stats").body, `"unconfirmed":1`)
		outage.back()
		time.Sleep(time.Second)
		require.NotContains(t, getAs(t, "site.test", two.url+"/page").cacheStatus(), "; hit")
		require.Greater(t, o.asked.Load(), asked)
		hits(t, one)
		hits(t, two)
	}
}
