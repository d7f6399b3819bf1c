// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

// The first store that works is used, and the log and /stats tell which.
func TestTheNextStoreStandsIn(t *testing.T) {
	for name, next := range map[string]string{"sqlite": "", "memory": "memory:"} {
		t.Run(name, func(t *testing.T) {
			first := testserver.Redis(t, "--user", "alice", "on", ">hidden", "~*", "+@all")
			if next == "" {
				next, _ = storeURLs["sqlite"](t)
			}
			o := newFakeOrigin(t, "max-age=600")
			p := start(t, o.URL, "-store", "redis://alice:hidden@"+first.Addr(), "-store", next, "-admin", "127.0.0.1:0")
			hits(t, p)
			require.Contains(t, get(t, p.admin+"/stats").body, `"stores":[{"store":"redis://`+first.Addr()+`","state":"closed"},{"store":"`+name+`:","state":"closed"}]`)

			first.Kill()
			hits(t, p) // from the next one
			require.Eventually(t, func() bool {
				get(t, p.url+"/page")
				return strings.Contains(p.log.String(), `level=WARN msg="a store isn't used any more" store=redis://`+first.Addr()+" state=open cause=")
			}, 10*time.Second, 5*time.Millisecond, p.log)
			require.NotContains(t, get(t, p.admin+"/stats").body, `"store":"redis://`+first.Addr()+`","state":"closed"`)
			hits(t, p)

			first.Start()
			require.Eventually(t, func() bool {
				get(t, p.url+"/page")
				return strings.Contains(get(t, p.admin+"/stats").body, `"store":"redis://`+first.Addr()+`","state":"closed"`)
			}, 10*time.Second, 20*time.Millisecond, p.log)
			require.Contains(t, p.log.String(), `level=INFO msg="a store is used again" store=redis://`+first.Addr()+" state=closed")
			require.NotContains(t, p.log.String(), "hidden")
		})
	}
}
