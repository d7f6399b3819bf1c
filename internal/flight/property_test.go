// SPDX-License-Identifier: MIT

package flight_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// Handlers and readers at random speeds, in rooms of random size, some of them leaving:
// every flight ends, whoever reaches Complete has exactly what was written, nobody ever has
// anything else, and all room is given back.
func TestAnyInterleaving(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			g := newRigWithRoom(t, rng.Int64N(300*kib))
			var wg sync.WaitGroup
			for range 1 + rng.IntN(3) {
				s := &scenario{g: g, rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), wg: &wg}
				s.run(t, seed)
			}
			wg.Wait()
			require.Zero(t, g.group.Close(24*time.Hour), "seed %d", seed)
			g.whole()
			require.Zero(t, g.lates.Load())
		})
	}
}

type scenario struct {
	g    *rig
	rng  *rand.Rand
	wg   *sync.WaitGroup
	body []byte
}

// run starts a flight with a starter or without one, and some followers.
func (s *scenario) run(t *testing.T, seed uint64) {
	s.body = pattern(s.rng.IntN(200 * kib))
	cfg := flight.Config{Limit: 1 + s.rng.Int64N(150*kib), Lead: s.rng.Int64N(100 * kib)}
	if s.rng.IntN(4) == 0 {
		cfg.Judge = unkept
	}
	if s.rng.IntN(4) == 0 {
		cfg.Idle = time.Second
	}
	open := s.g.open(cfg, s.handler())
	var f *flight.Flight
	if s.rng.IntN(5) == 0 {
		f, _ = s.g.group.Background(flight.Key{Primary: "k", Variant: string(rune(s.rng.Int32N(1 << 14)))}, yes, open)
	} else {
		client, gone := context.WithCancel(context.Background())
		fl, starter, _ := s.g.group.Solo(client, open)
		f = fl
		s.read(t, seed, starter, gone)
	}
	for range s.rng.IntN(5) {
		client, gone := context.WithCancel(context.Background())
		s.read(t, seed, f.Attach(client, false), gone)
	}
}

// handler writes the body in pieces, now and then pausing, flushing, or failing.
func (s *scenario) handler() http.HandlerFunc {
	rng := rand.New(rand.NewPCG(s.rng.Uint64(), 3))
	body, breaks := s.body, rng.IntN(8) == 0
	return func(w http.ResponseWriter, _ *http.Request) {
		rest := body
		for len(rest) > 0 {
			n, err := w.Write(rest[:1+rng.IntN(min(len(rest), 40*kib))])
			if err != nil {
				return
			}
			rest = rest[n:]
			switch rng.IntN(10) {
			case 0:
				time.Sleep(time.Duration(rng.IntN(800)) * time.Millisecond)
			case 1:
				w.(http.Flusher).Flush()
			case 2:
				if breaks {
					panic(http.ErrAbortHandler)
				}
			}
		}
	}
}

// read reads at a random pace and may leave on the way.
func (s *scenario) read(t *testing.T, seed uint64, r *flight.Reader, gone func()) {
	rng := rand.New(rand.NewPCG(s.rng.Uint64(), 4))
	body := s.body
	s.wg.Go(func() {
		defer gone()
		defer r.Leave()
		pause, leaves := time.Duration(rng.IntN(3))*10*time.Millisecond, rng.IntN(3) == 0
		var got []byte
		for {
			p, state, end := r.Next(math.MaxInt)
			if !bytes.HasPrefix(body, got) {
				t.Errorf("seed %d: wrong bytes", seed)
			}
			switch {
			case end == flight.Left, state.Phase == flight.Failed:
				return
			case len(p) == 0:
				if !bytes.Equal(got, body) {
					t.Errorf("seed %d: complete with %d of %d bytes", seed, len(got), len(body))
				}
				return
			case leaves && rng.IntN(10) == 0:
				if rng.IntN(2) == 0 {
					gone()
				}
				return
			}
			n := 1 + rng.IntN(len(p)) // not always all that is offered
			got = append(got, p[:n]...)
			r.Advance(n)
			time.Sleep(pause)
		}
	})
}

// The same without a bubble, so that goroutines really run at the same time.
func TestRealInterleaving(t *testing.T) {
	g := newRigWithRoom(t, 100*kib)
	var wg sync.WaitGroup
	rng := rand.New(rand.NewPCG(7, 7))
	for range 40 {
		body := pattern(rng.IntN(100 * kib))
		cfg := flight.Config{Limit: 1 + rng.Int64N(80*kib)}
		f, r, how := g.group.Solo(context.Background(), g.open(cfg, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body)
		}))
		require.Equal(t, flight.Started, how)
		for i, r := range []*flight.Reader{r, f.Attach(t.Context(), false), f.Attach(t.Context(), false)} {
			wg.Go(func() {
				defer r.Leave()
				got, state, _ := readAll(r, 0)
				if state.Phase == flight.Complete && !bytes.Equal(got, body) || i == 0 && state.Phase != flight.Complete {
					t.Errorf("reader %d: %v with %d of %d bytes", i, state.Phase, len(got), len(body))
				}
			})
		}
	}
	wg.Wait()
	require.Zero(t, g.group.Close(10*time.Second))
	g.whole()
}
