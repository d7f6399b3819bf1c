// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

const roomy = 1 << 28

// rig starts flights in a group of its own and notes how they ended.
type rig struct {
	t     *testing.T
	group *flight.Group
	room  *flight.Room
	size  int64

	commits, ends, lates atomic.Int32
	result               atomic.Pointer[flight.Result]
	failure              atomic.Pointer[flight.Failure]
	late                 atomic.Pointer[flight.Failure]
}

func newRig(t *testing.T) *rig { return newRigWithRoom(t, roomy) }

func newRigWithRoom(t *testing.T, size int64) *rig {
	return &rig{t: t, group: flight.NewGroup(4), room: flight.NewRoom(size), size: size}
}

func keep(int, http.Header) flight.Verdict   { return flight.Verdict{Keep: true} }
func unkept(int, http.Header) flight.Verdict { return flight.Verdict{} }

// open returns what makes a flight of this handler. Without a Judge its response is kept.
func (g *rig) open(cfg flight.Config, h http.HandlerFunc) flight.Open {
	cfg.Room = g.room
	if cfg.Limit == 0 {
		cfg.Limit = 1 << 20
	}
	if cfg.Judge == nil {
		cfg.Judge = keep
	}
	commit, ended := cfg.Commit, cfg.Ended
	cfg.Commit = func(r flight.Result) bool {
		g.commits.Add(1)
		g.result.Store(&r)
		return commit != nil && commit(r)
	}
	cfg.Ended = func(s flight.State, f *flight.Failure) func() {
		g.ends.Add(1)
		g.failure.Store(f)
		if ended != nil {
			return ended(s, f)
		}
		return nil
	}
	cfg.Late = func(f *flight.Failure) {
		g.lates.Add(1)
		g.late.Store(f)
	}
	return func(crowded bool) (flight.Start, flight.How) {
		if crowded {
			return flight.Start{}, flight.Refused
		}
		f := flight.New(context.Background(), cfg)
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(f.Context())
		return flight.Start{Flight: f, Handler: h, Request: r}, flight.Started
	}
}

// start begins a flight under the key "k" with a starter whose client stays.
func (g *rig) start(cfg flight.Config, h http.HandlerFunc) (*flight.Flight, *flight.Reader) {
	return g.startFor(context.Background(), cfg, h)
}

func (g *rig) startFor(client context.Context, cfg flight.Config, h http.HandlerFunc) (*flight.Flight, *flight.Reader) {
	f, r, how := g.group.Join(client, flight.Key{Primary: "k"}, g.group.Landed([]byte("k")), yes, g.open(cfg, h))
	require.Equal(g.t, flight.Started, how)
	return f, r
}

// whole checks that nothing is left of any flight.
func (g *rig) whole() {
	g.t.Helper()
	require.Zero(g.t, g.group.Running())
	require.Zero(g.t, g.group.Abandoned())
	require.True(g.t, g.room.Free(g.size), "the room must be whole")
}

func yes(*flight.Flight, flight.State, bool) bool { return true }
func no(*flight.Flight, flight.State, bool) bool  { return false }

// readAll reads to the end, pausing between reads.
func readAll(r *flight.Reader, pause time.Duration) ([]byte, flight.State, flight.WaitEnd) {
	var body []byte
	for {
		p, state, end := r.Next(math.MaxInt)
		if end != flight.Ready || len(p) == 0 {
			return body, state, end
		}
		body = append(body, p...)
		r.Advance(len(p))
		if pause > 0 {
			time.Sleep(pause)
		}
	}
}

// pattern is a body whose bytes tell their place.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*7 + i>>8*13)
	}
	return p
}

func untilHeader(s flight.State) bool { return s.Phase >= flight.Header }
func untilEnd(s flight.State) bool    { return s.Phase >= flight.Complete }

// untilCancelled is a handler that hangs as long as it may.
func untilCancelled(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
