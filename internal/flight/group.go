// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"hash/maphash"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Group holds the flights of a cache: one for each key, and a second one only
// where newcomers may not join the first.
type Group struct {
	maxAbandoned int64
	abandoned    atomic.Int64 // failed flights whose handler still runs
	running      atomic.Int64

	seed   maphash.Seed
	landed [256]atomic.Uint64 // flights that have landed, by hash of their key

	mu     sync.Mutex
	closed bool
	byKey  map[Key][]*Flight
	all    map[*Flight]struct{}
	empty  chan struct{} // closed when the last flight of a closed group has landed
}

// Key names what is fetched. Flights of one URL whose variants are known to differ
// have the same Primary.
type Key struct{ Primary, Variant string }

// maxPerKey bounds the flights of one key: the one that newcomers join and one
// that is closed to them.
const maxPerKey = 2

// NewGroup returns an empty group. It is crowded while maxAbandoned handlers outlive their
// flights.
func NewGroup(maxAbandoned int) *Group {
	return &Group{
		maxAbandoned: int64(maxAbandoned),
		seed:         maphash.MakeSeed(),
		byKey:        map[Key][]*Flight{},
		all:          map[*Flight]struct{}{},
		empty:        make(chan struct{}),
	}
}

// How says what became of a request to join.
type How uint8

// What may become of it.
const (
	Joined  How = iota // follow the flight that was there
	Started            // a new flight was begun for this request
	Busy               // wait for the returned flight's handler, then ask again
	Refused            // closed, or too many abandoned handlers: run inline
	Changed            // a flight of this key has landed since: look up again
	Denied             // open refused to begin one
)

// Start is how a new flight is made: its handler is called with its request.
type Start struct {
	Flight  *Flight
	Handler http.Handler
	Request *http.Request
}

// Open makes a new flight (Started), or says why there is none. crowded says that too many
// handlers have outlived theirs, so that one more should begin only for a good reason. It is
// called with the group locked, only where the flight will begin at once, and must not block.
type Open func(crowded bool) (Start, How)

// Landed returns a number that changes whenever a flight of that primary key lands. Who notes
// it before looking into the store, and passes it to Join, never begins a flight for
// what another one has just stored.
func (g *Group) Landed(primary []byte) uint64 {
	return g.landed[maphash.Bytes(g.seed, primary)%uint64(len(g.landed))].Load()
}

func (g *Group) stripe(primary string) *atomic.Uint64 {
	return &g.landed[maphash.String(g.seed, primary)%uint64(len(g.landed))]
}

// Accept decides whether a newcomer follows a flight in this state. free says that another one
// could begin beside it. It is called with the group locked and must not block.
type Accept func(f *Flight, s State, free bool) bool

// Join lets client follow the flight under key if accept agrees, else begins one,
// unless a flight of the key has landed since Landed.
func (g *Group) Join(client context.Context, key Key, since uint64, accept Accept, open Open) (*Flight, *Reader, How) {
	g.mu.Lock()
	defer g.mu.Unlock()
	flights := g.byKey[key]
	if n := len(flights); n > 0 {
		newest := flights[n-1]
		switch state := newest.State(); {
		case state.Phase >= Complete:
			// Failed, and its handler is still running; or complete and about to
			// land, so that a new lookup finds what became of it.
			return newest, nil, Busy
		case accept(newest, state, n < maxPerKey):
			return newest, newest.Attach(client, false), Joined
		case n >= maxPerKey:
			return flights[0], nil, Busy
		}
	}
	if g.stripe(key.Primary).Load() != since {
		return nil, nil, Changed
	}
	s, how := g.open(open)
	if how != Started {
		return nil, nil, how
	}
	g.byKey[key] = append(flights, s.Flight)
	r := s.Flight.Attach(client, true)
	g.launch(key, s)
	return s.Flight, r, Started
}

// Background begins a flight under key that nobody reads yet, unless there is one that
// accept agrees to wait for.
func (g *Group) Background(key Key, accept Accept, open Open) (*Flight, How) {
	g.mu.Lock()
	defer g.mu.Unlock()
	flights := g.byKey[key]
	if n := len(flights); n > 0 {
		newest := flights[n-1]
		switch state := newest.State(); {
		case n >= maxPerKey, state.Phase == Failed:
			return nil, Busy
		case accept(newest, state, true):
			return nil, Joined
		}
	}
	s, how := g.open(open)
	if how != Started {
		return nil, how
	}
	g.byKey[key] = append(flights, s.Flight)
	g.launch(key, s)
	return s.Flight, Started
}

// Solo begins a flight that no other request can join.
func (g *Group) Solo(client context.Context, open Open) (*Flight, *Reader, How) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, how := g.open(open)
	if how != Started {
		return nil, nil, how
	}
	r := s.Flight.Attach(client, true)
	g.launch(Key{}, s)
	return s.Flight, r, Started
}

// open makes a flight, if one may begin. The caller holds the lock.
func (g *Group) open(open Open) (Start, How) {
	if g.closed {
		return Start{}, Refused
	}
	return open(g.abandoned.Load() >= g.maxAbandoned)
}

// launch starts a flight. The caller holds the lock.
func (g *Group) launch(key Key, s Start) {
	f := s.Flight
	f.group, f.key = g, key
	g.all[f] = struct{}{}
	g.running.Add(1)
	f.start(s.Handler, s.Request)
}

// unlist makes the flight's key free: nobody joins the flight from here on, and who
// looked into the store before looks again.
func (g *Group) unlist(f *Flight) {
	if f.key == (Key{}) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stripe(f.key.Primary).Add(1)
	rest := slices.DeleteFunc(g.byKey[f.key], func(other *Flight) bool { return other == f })
	if len(rest) == 0 {
		delete(g.byKey, f.key)
	} else {
		g.byKey[f.key] = rest
	}
}

// forget ends the flight's life in the group.
func (g *Group) forget(f *Flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, f)
	g.running.Add(-1)
	if g.closed && len(g.all) == 0 {
		close(g.empty)
	}
}

// Running returns how many flights there are; Abandoned, how many of them have
// failed while their handler still runs.
func (g *Group) Running() int   { return int(g.running.Load()) }
func (g *Group) Abandoned() int { return int(g.abandoned.Load()) }

// Close refuses new flights, cancels the running ones and waits for their
// handlers, at most for timeout. It returns how many are still running. Twice is fine.
func (g *Group) Close(timeout time.Duration) int {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		if len(g.all) == 0 {
			close(g.empty)
		}
	}
	running := make([]*Flight, 0, len(g.all))
	for f := range g.all {
		running = append(running, f)
	}
	g.mu.Unlock()
	for _, f := range running {
		f.Cancel()
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-g.empty:
	case <-timer.C:
	}
	return g.Running()
}
