// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// write sends n bytes that need no sniffing.
func write(w http.ResponseWriter, n int) (int, error) {
	w.Header()["Content-Type"] = nil
	return w.Write(pattern(n))
}

func TestIdleTimer(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		cfg  flight.Config
		gaps []time.Duration // after each write
		want flight.Phase
	}{
		"writes come in time":    {gaps: []time.Duration{900 * ms, 900 * ms, 900 * ms}, want: flight.Complete},
		"writes stop at once":    {gaps: []time.Duration{1100 * ms}, want: flight.Failed},
		"writes stop later":      {gaps: []time.Duration{900 * ms, 900 * ms, 1100 * ms}, want: flight.Failed},
		"not when not kept":      {gaps: []time.Duration{time.Minute}, cfg: flight.Config{Judge: unkept}, want: flight.Complete},
		"not any more, outgrown": {gaps: []time.Duration{time.Minute}, cfg: flight.Config{Limit: 99}, want: flight.Complete},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				c.cfg.Idle = time.Second
				f, r := g.start(c.cfg, func(w http.ResponseWriter, _ *http.Request) {
					for _, gap := range c.gaps {
						_, _ = write(w, 100)
						time.Sleep(gap)
					}
				})
				_, state, _ := readAll(r, 0)
				require.Equal(t, c.want, state.Phase)
				if c.want == flight.Failed {
					require.Equal(t, flight.IdleTimeout, state.Failure.Cause)
				}
				r.Leave()
				<-f.Returned()
				synctest.Wait()
				g.whole()
			})
		})
	}
}

// The flight fails while its header is being judged: it stays failed.
func TestTimeoutWhileJudging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		cfg := flight.Config{Header: time.Second}
		cfg.Judge = func(int, http.Header) flight.Verdict {
			time.Sleep(time.Minute)
			return flight.Verdict{Keep: true}
		}
		f, r := g.start(cfg, func(w http.ResponseWriter, _ *http.Request) { _, _ = write(w, 10) })
		<-f.Returned()
		require.Equal(t, flight.Failed, f.State().Phase)
		require.Zero(t, f.State().Status)
		require.Zero(t, g.commits.Load())
		r.Leave()
	})
}

// The header comes at the moment at which its timer fires: whichever is first, a flight
// with a header isn't ended for want of one.
func TestHeaderAtTheTimeout(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			_, r := g.start(flight.Config{Header: time.Second}, func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(time.Second)
				_, _ = write(w, 10)
			})
			state, _ := r.Wait(nil, untilEnd)
			if state.Phase == flight.Failed {
				require.Zero(t, state.Status)
			}
			r.Leave()
		})
	}
}

// A response without a body can't hang between its header and its end.
func TestIdleWithoutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, _ := g.group.Background(flight.Key{Primary: "k"}, yes, g.open(flight.Config{Idle: time.Second, Judge: unkept},
			func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			}))
		<-f.Returned()
		require.Equal(t, flight.IdleTimeout, f.State().Failure.Cause)
	})
}

func TestAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		begin time.Duration // 0 = never
		want  flight.Phase
	}{
		"nothing sent": {0, flight.Failed},
		"begun before": {900 * time.Millisecond, flight.Complete},
		"begun after":  {1100 * time.Millisecond, flight.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				f, r := g.start(flight.Config{Attempt: time.Second}, func(w http.ResponseWriter, req *http.Request) {
					_, _ = write(w, 10)
					select {
					case <-time.After(5 * time.Second):
					case <-req.Context().Done():
					}
				})
				if c.begin > 0 {
					time.Sleep(c.begin)
					require.Equal(t, c.want == flight.Complete, r.Begin())
				}
				state, _ := r.Wait(nil, untilEnd)
				require.Equal(t, c.want, state.Phase)
				if c.want == flight.Failed {
					require.Equal(t, flight.AttemptTimeout, state.Failure.Cause)
				}
				r.Leave()
				<-f.Returned()
			})
		})
	}
}

// Begin and the attempt's end come at the same moment: one of them wins, for all to see.
func TestBeginRacesAttempt(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			f, r := g.start(flight.Config{Attempt: time.Second}, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = write(w, 10)
				time.Sleep(2 * time.Second)
			})
			time.Sleep(time.Second)
			begun := r.Begin()
			state, _ := r.Wait(nil, untilEnd)
			require.Equal(t, begun, state.Phase == flight.Complete)
			r.Leave()
			<-f.Returned()
		})
	}
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		client, leave := context.WithCancel(t.Context())
		f, r := g.startFor(client, flight.Config{}, func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) })
		_, end := r.Wait(time.After(time.Second), untilHeader)
		require.Equal(t, flight.Expired, end)
		leave()
		_, end = r.Wait(nil, untilHeader)
		require.Equal(t, flight.Left, end)
		_, _, end = r.Next(math.MaxInt)
		require.Equal(t, flight.Left, end)
		r.Leave()
		r.Leave()
		require.Equal(t, flight.Waiting, f.State().Phase, "a fetch doesn't end with its client")
		<-f.Returned()
		require.Equal(t, flight.Complete, f.State().Phase)
	})
}

// What was waited for counts also when it comes together with the timer.
func TestWaitPrefersWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		_, r := g.start(flight.Config{}, func(http.ResponseWriter, *http.Request) {})
		fired := make(chan time.Time, 1)
		fired <- time.Now()
		asked := 0
		_, end := r.Wait(fired, func(flight.State) bool { asked++; return asked > 1 })
		require.Equal(t, flight.Ready, end)
		r.Leave()
	})
}
