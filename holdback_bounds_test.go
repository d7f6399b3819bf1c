// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// lines is a body without end: a line each second, until its client leaves.
func lines(contentType, control string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), []string{"Content-Type", contentType, "Cache-Control", control})
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "data: x\n\n"); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	}
}

// firstByte returns how long a client waits for the first byte of a body, which is a line's.
func firstByte(t *testing.T, h http.Handler) time.Duration {
	client, began := &http.Client{Transport: holdovertest.InProcess(h)}, time.Now()
	resp, err := client.Get(page1)
	require.NoError(t, err)
	defer resp.Body.Close()
	first := make([]byte, 1)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	require.Equal(t, "d", string(first))
	return time.Since(began)
}

// Event streams aren't held back, whatever could stand in for them, and end with their clients.
// Another body that comes little by little is held back for the hard timeout at most.
func TestEndlessBodiesAreNotHeldBack(t *testing.T) {
	letsIn, _ := letIn(t)
	for name, tt := range map[string]struct {
		policy holdover.Policy
		stored bool // a page stands that has become stale
	}{
		"HoldBack":     {holdover.Policy{HoldBack: true}, false},
		"a fallback":   {letsIn, false},
		"AllowAll":     {holdover.Policy{Outcome: holdover.AllowAll}, false},
		"a copy":       {holdover.Policy{}, true},
		"all together": {holdover.Policy{HoldBack: true, Outcome: holdover.AllowAll, Fallback: letsIn.Fallback}, true},
	} {
		for _, control := range []string{"no-store", "no-cache", "max-age=60", ""} {
			t.Run(name+", "+control, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "old", "Cache-Control", windowed))
					s := holdovertest.NewOrigin(o)
					h := newCache(t, holdover.Config{Policy: tt.policy}).Handler(s)
					if tt.stored {
						get(h)
						time.Sleep(3 * time.Second)
					}
					o.set(lines("text/event-stream", control))
					for range 3 {
						require.Zero(t, firstByte(t, h))
						time.Sleep(3 * time.Second)
						require.Zero(t, s.Running())
					}
					if tt.stored {
						return
					}
					o.set(lines("text/plain", control))
					require.LessOrEqual(t, firstByte(t, h), 30*time.Second)
					time.Sleep(3 * time.Second)
				})
			})
		}
	}
}
