// SPDX-License-Identifier: MIT

package main

import (
	"net/http"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// behaviour is a way in which an origin answers.
type behaviour struct {
	name  string
	fault holdovertest.Fault // nil: it works
	// refuses: nobody listens.
	refuses bool
	// thaws: what it holds up is answered when the behaviour changes.
	thaws bool
	// hangsUp: it closes connections on requests. Clients repeat a GET then at once, net/http's
	// transport too, if it takes the connection for one that has idled (RFC 9110
	// §9.2.2): also one that it dialled for another request and then didn't need.
	hangsUp bool
	// drips: the header comes at once, and the body never stops coming: a page
	// takes 19 s.
	drips bool
}

var (
	healthy     = behaviour{name: "healthy"}
	unavailable = behaviour{name: "503", fault: holdovertest.Status(http.StatusServiceUnavailable)}
	hanging     = behaviour{name: "hang", fault: holdovertest.Hang()}
	resetting   = behaviour{name: "reset", fault: holdovertest.Reset(), hangsUp: true}
	truncating  = behaviour{name: "truncate", fault: holdovertest.Truncate(0.5)}
	choking     = behaviour{name: "chunk", fault: holdovertest.TruncateChunked(0.5)}
	stalling    = behaviour{name: "stall", fault: holdovertest.Stall(0.5)}
	dripping    = behaviour{name: "drip", fault: holdovertest.Drip(16, 300*time.Millisecond), drips: true}
	panicking   = behaviour{name: "panic", fault: holdovertest.Panic("out of order"), hangsUp: true}
	refusing    = behaviour{name: "refuse", refuses: true}
	freezing    = behaviour{name: "freeze", thaws: true}
)

// everyFault has all but healthy.
var everyFault = []behaviour{
	unavailable, hanging, resetting, truncating, choking, dripping, panicking, refusing, stalling, freezing,
}

// failing reports whether the origin fails.
func (b behaviour) failing() bool { return b.name != healthy.name }

// freeze answers when it is over, or when nobody waits any more.
func freeze(over <-chan struct{}) holdovertest.Fault {
	return func(working http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-over:
				working.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	}
}
