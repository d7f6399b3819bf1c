// SPDX-License-Identifier: MIT

package flight_test

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// stage is a flight held in one state until its gate opens.
type stage struct {
	f       *flight.Flight
	starter *flight.Reader
	w       http.ResponseWriter
	gate    chan struct{}
}

// stages bring a flight into each state. The handler, or the commit, waits at the gate
// and doesn't look at its context.
var stages = map[string]func(g *rig) *stage{
	"waiting": func(g *rig) *stage {
		return g.stage(flight.Config{}, func(http.ResponseWriter) {})
	},
	"header, kept": func(g *rig) *stage {
		return g.stage(flight.Config{}, begin)
	},
	"header, not kept": func(g *rig) *stage {
		return g.stage(flight.Config{Judge: unkept}, begin)
	},
	"header, outgrown": func(g *rig) *stage {
		return g.stage(flight.Config{Limit: 1}, begin)
	},
	"committing": func(g *rig) *stage {
		gate := make(chan struct{})
		cfg := flight.Config{Commit: func(flight.Result) bool { <-gate; return false }}
		s := g.stage(cfg, begin)
		close(s.gate)
		s.gate = gate
		synctest.Wait()
		return s
	},
	"complete": func(g *rig) *stage {
		s := g.stage(flight.Config{}, begin)
		close(s.gate)
		s.gate = make(chan struct{})
		<-s.f.Returned()
		return s
	},
	"failed, still running": func(g *rig) *stage {
		s := g.stage(flight.Config{}, begin)
		s.f.Cancel()
		return s
	},
	"failed": func(g *rig) *stage {
		s := g.stage(flight.Config{}, begin)
		s.f.Cancel()
		close(s.gate)
		s.gate = make(chan struct{})
		<-s.f.Returned()
		return s
	},
}

func begin(w http.ResponseWriter) {
	_, _ = write(w, 10)
	w.(http.Flusher).Flush()
}

func (g *rig) stage(cfg flight.Config, before func(http.ResponseWriter)) *stage {
	s := &stage{gate: make(chan struct{})}
	gate := s.gate
	s.f, s.starter = g.start(cfg, func(w http.ResponseWriter, _ *http.Request) {
		s.w = w
		before(w)
		<-gate
	})
	synctest.Wait()
	return s
}

// Each event in each state: the phase that follows, and the one when all is over.
func TestStates(t *testing.T) {
	const (
		waiting, header, complete, failed = flight.Waiting, flight.Header, flight.Complete, flight.Failed
	)
	events := map[string]func(*stage){
		"cancel": func(s *stage) { s.f.Cancel() },
		"leave":  func(s *stage) { s.starter.Leave() },
		"follow": func(s *stage) { s.f.Attach(s.f.Context(), false).Leave() },
		"begin":  func(s *stage) { s.starter.Begin() },
		"write": func(s *stage) {
			_, err := s.w.Write(pattern(600))
			if ended := s.f.State().Phase >= complete; ended != (err != nil) && s.f.State().Phase != header {
				panic(err)
			}
		},
		"flush": func(s *stage) { s.w.(http.Flusher).Flush() },
		"1xx":   func(s *stage) { s.w.WriteHeader(103) },
	}
	type after map[string][2]flight.Phase
	for state, c := range map[string]struct {
		now, end flight.Phase // of all events but those in but
		but      after
	}{
		"waiting": {waiting, complete, after{
			"cancel": {failed, failed}, "write": {header, complete}, "flush": {header, complete}}},
		"header, kept":          {header, complete, after{"cancel": {failed, failed}}},
		"header, not kept":      {header, complete, after{"cancel": {failed, failed}, "leave": {failed, failed}}},
		"header, outgrown":      {header, complete, after{"cancel": {failed, failed}, "leave": {failed, failed}}},
		"committing":            {header, complete, nil},
		"complete":              {complete, complete, nil},
		"failed, still running": {failed, failed, nil},
		"failed":                {failed, failed, nil},
	} {
		for event, happen := range events {
			t.Run(state+"/"+event, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t)
					s := stages[state](g)
					want, other := c.but[event]
					if !other {
						want = [2]flight.Phase{c.now, c.end}
					}
					happen(s)
					synctest.Wait()
					require.Equal(t, want[0], s.f.State().Phase)
					require.Equal(t, s.f.State().Phase != failed, s.starter.Begin())
					close(s.gate)
					<-s.f.Returned()
					require.Equal(t, want[1], s.f.State().Phase)
					s.starter.Leave()
					synctest.Wait()
					require.EqualValues(t, 1, g.ends.Load())
					g.whole()
				})
			})
		}
	}
}

// What a reader gets in each state.
func TestNextInEachState(t *testing.T) {
	for state, want := range map[string]struct {
		bytes int
		phase flight.Phase
	}{
		"header, kept":          {10, flight.Header},
		"header, not kept":      {10, flight.Header},
		"header, outgrown":      {10, flight.Header},
		"committing":            {10, flight.Header},
		"complete":              {10, flight.Complete},
		"failed, still running": {0, flight.Failed},
		"failed":                {0, flight.Failed},
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				s := stages[state](g)
				p, st, end := s.starter.Next(math.MaxInt)
				require.Equal(t, flight.Ready, end)
				require.Len(t, p, want.bytes)
				require.Equal(t, len(p), cap(p), "what comes later must not be reached through it")
				require.Equal(t, want.phase, st.Phase)
				close(s.gate)
				<-s.f.Returned()
				s.starter.Leave()
				time.Sleep(time.Second)
				g.whole()
			})
		})
	}
}
