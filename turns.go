// SPDX-License-Identifier: MIT

package holdover

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/flight"
)

// maxTurns bounds the fetches of all scopes that wait for their turn, maxLine those of one. What
// finds no place asks again with its next request.
const (
	maxTurns = 4096
	maxLine  = 1024
)

// turnLife is how long a request waits for its turn. Then what it carried, credentials too, is
// forgotten.
const turnLife = 5 * time.Minute

// turns are the fetches that the budgets of their scopes put off. Each scope with some has
// a goroutine, which begins them as the budget allows and ends with the last.
type turns struct {
	mu      sync.Mutex // also of the lines
	closed  bool
	waiting int
	ending  chan struct{}
	running sync.WaitGroup
}

// line is a scope's part: one fetch for each key, in the order in which they were asked for.
type line struct {
	first, last *turn
	keys        map[flight.Key]bool
}

// turn is a request that was answered and whose fetch waits.
type turn struct {
	x    *exchange
	key  flight.Key
	size int64 // of Config.MaxInFlight
	next *turn
}

func newTurns() *turns { return &turns{ending: make(chan struct{})} }

// yields reports whether a fetch that belongs to a budget gives way to those that wait in line.
func (x *exchange) yields(background bool) bool {
	if x.inLine || !background && x.p.backoff.Total <= 0 || !x.mayQueue() {
		return false
	}
	x.c.turns.mu.Lock()
	defer x.c.turns.mu.Unlock()
	l := &x.scope.line
	return l.first != nil && len(l.keys) < maxLine && x.c.turns.waiting < maxTurns
}

// mayQueue: not what can't outlive its request, nor what tells nothing about what others get.
func (x *exchange) mayQueue() bool {
	return x.detachable && x.mayFetchBehind() && !x.wishes.cc.NoStore
}

// queue lets the fetch of this request's key begin when its turn comes.
func (x *exchange) queue() {
	if !x.mayQueue() {
		return
	}
	t, l, key := x.c.turns, &x.scope.line, x.flightKey()
	t.mu.Lock()
	defer t.mu.Unlock()
	size := sizeOf(x.r.Header)
	if t.closed || t.waiting == maxTurns || len(l.keys) == maxLine || l.keys[key] || !x.c.room.Take(size) {
		return
	}
	if l.keys == nil {
		l.keys = map[flight.Key]bool{}
	}
	t.waiting++
	l.keys[key] = true
	next := &turn{x: x.behind(), key: key, size: size}
	if l.first == nil {
		l.first, l.last = next, next
		t.running.Go(func() { t.run(l) })
		return
	}
	l.last.next, l.last = next, next
}

// sizeOf is about what a request with that header takes.
func sizeOf(h http.Header) int64 {
	n := 1 << 10
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return int64(n)
}

// behind is the request as it goes on without its client.
func (x *exchange) behind() *exchange {
	b := &exchange{
		c: x.c, p: x.p, h: x.h, r: x.r.Clone(x.base), in: x.in, scope: x.scope, host: x.host, target: x.target,
		urlHash: x.urlHash, key: x.key, hash: x.hash, class: x.class, who: x.who, base: x.base, detachable: true, names: x.names,
		began: time.Now(), inLine: true,
	}
	b.r.Body = http.NoBody
	b.wishes = wishes{credentials: x.wishes.credentials, cc: cachecontrol.ParseRequest(nil, nil)}
	return b
}

// run begins one fetch after the other.
func (t *turns) run(l *line) {
	for {
		t.mu.Lock()
		at := l.first
		t.mu.Unlock()
		goOn := at.x.takeTurn()
		if !t.leave(l, goOn) {
			return
		}
	}
}

// leave takes the first out of the line, or all. False means that the line is empty.
func (t *turns) leave(l *line, goOn bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l.first != nil {
		l.first.x.c.room.Give(l.first.size)
		delete(l.keys, l.first.key)
		l.first = l.first.next
		t.waiting--
		if goOn {
			break
		}
	}
	if l.first == nil {
		l.last = nil
	}
	return l.first != nil
}

// takeTurn waits until the budget has room, and begins the fetch if it still is of use.
// False means that nobody's turn comes: the cache closes, or the scope fails, and probes are
// its requests' affair.
func (x *exchange) takeTurn() (goOn bool) {
	defer func() {
		if recover() != nil { // a hook or a logger of the user's, which must not end the process
			x.c.counters.add(cHookPanics)
			goOn = true
		}
	}()
	for {
		left := turnLife - time.Since(x.began)
		if left <= 0 {
			return true
		}
		x.now = x.c.now()
		x.denied = x.ask(backoff.Look, true, true)
		switch {
		case x.denied.Failing:
			return false
		case x.denied.Fetch:
			if !x.stillStale() || x.fetchBehind() != flight.Denied {
				return true
			}
		}
		if x.denied.Reason != backoff.Budget {
			return !x.denied.Failing // the key rests
		}
		if !x.c.turns.sleep(min(time.Duration(x.denied.NotBefore-x.now), left)) {
			return false
		}
	}
}

// stillStale looks up again: meanwhile somebody may have fetched it.
func (x *exchange) stillStale() bool {
	x.lookup()
	if x.found.entry == nil {
		return false
	}
	d := decide(true, x.facts, x.wishes, x.p, x.found.miss)
	return d.action == forward || d.action == serveStale
}

// length returns how many fetches wait.
func (t *turns) length() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting
}

// sleep returns false if the cache is closed meanwhile.
func (t *turns) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.ending:
		return false
	}
}

// close ends the goroutines. What waits is dropped: the next request asks again. One that a store
// holds up, against its context, is waited for at most for timeout.
func (t *turns) close(timeout time.Duration) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	close(t.ending)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.running.Wait()
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		return errors.New("a store holds up fetches that wait for their turn")
	}
}
