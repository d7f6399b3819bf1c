// SPDX-License-Identifier: MIT

package holdover

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// A fetch that is given up between its header and the first byte for a waiter leaves that
// one without an answer: nothing was sent, and it looks again. Whoever began it gets an
// error, not an empty 200.
func TestStreamOfAFetchThatWasGivenUp(t *testing.T) {
	for name, tt := range map[string]struct {
		how      flight.How
		answered bool
	}{"joined": {flight.Joined, false}, "started": {flight.Started, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := queued(t, newRemote(nil), nil)
				h := newHandler(c, c.rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					_, _ = io.WriteString(w, "half")
					_ = http.NewResponseController(w).Flush()
					<-r.Context().Done()
				}))
				w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://example.com/", nil)
				x, usable := h.newExchange(w, r, 0, []byte(keyOf(c.rules, r)), c.now())
				require.True(t, usable)
				x.base = x.fetchContext()
				x.lookup()
				fl, rd, _ := c.flights.Solo(r.Context(), x.begin(plan{}))
				defer rd.Leave()
				state, _ := rd.Wait(nil, func(s flight.State) bool { return s.Phase == flight.Header })
				fl.Cancel()
				<-fl.Returned()

				j := state.Note.(*judgement)
				require.Equal(t, tt.answered, x.stream(rd, state, j, tt.how))
				require.NotEqual(t, "max-age=60", w.Header().Get("Cache-Control"), "nothing of the fetch was sent")
				if tt.answered {
					require.Equal(t, http.StatusServiceUnavailable, w.Code)
				} else {
					require.False(t, x.sent)
					require.Empty(t, w.Header())
				}
				require.NoError(t, c.Close())
				time.Sleep(time.Minute)
			})
		})
	}
}
