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

// maxTurns bounds the fetches of all scopes that wait for their turn, maxLine those of one, and
// maxTurn the bytes of one. All together take at most turnsShare of Config.MaxInFlight, so that
// responses find room. What finds no place asks again with its next request.
const (
	maxTurns   = 4096
	maxLine    = 1024
	maxTurn    = 64 << 10
	turnsShare = 1.0 / 8
)

// maxCallers are the goroutines of a line: each looks up first whether its fetch is still of
// use, and a store may take a while.
const maxCallers = 8

// turnLife is how long a request waits for its turn. Then what it carried, credentials too, is
// forgotten.
const turnLife = 5 * time.Minute

// turns are the fetches that the budgets of their scopes put off. Each scope with some has
// goroutines that begin them as the budget allows, and end with the last.
type turns struct {
	limit   int64      // of bytes
	mu      sync.Mutex // also of the lines
	closed  bool
	waiting int
	bytes   int64
	ending  chan struct{}
	running sync.WaitGroup
}

// line is a scope's part: one fetch for each key, in the order in which they were asked for.
type line struct {
	first   *turn               // that is not called yet
	last    *turn               // perhaps called, nil where none waits
	keys    map[flight.Key]bool // also of those that are
	callers int
}

// turn is a request that was answered and whose fetch waits.
type turn struct {
	x    *exchange
	key  flight.Key
	size int64 // of Config.MaxInFlight
	next *turn
	done chan struct{}
	// before is closed when the one before has had its turn: they may look up at once, but are
	// served in order.
	before <-chan struct{}
}

func newTurns(inFlight int64) *turns {
	return &turns{limit: int64(float64(inFlight) * turnsShare), ending: make(chan struct{})}
}

// yields reports whether a fetch that belongs to a budget gives way to those that wait in line.
// So does one that can't join the line, for as long as it would wait there.
func (x *exchange) yields(background bool) bool {
	rate := x.p.backoff.Total
	if background && rate <= 0 {
		rate = x.p.backoff.Background
	}
	if x.inLine || rate <= 0 {
		return false
	}
	x.c.turns.mu.Lock()
	defer x.c.turns.mu.Unlock()
	l := &x.scope.line
	if len(l.keys) == 0 || len(l.keys) >= maxLine || x.c.turns.waiting >= maxTurns {
		return false
	}
	asLong := time.Duration(float64(len(l.keys)) / rate * float64(time.Second))
	return x.fitsInLine() || x.now-x.learned.Backoff.FetchedAt < int64(asLong)
}

// fitsInLine reports whether the request could be queued, if there is room.
func (x *exchange) fitsInLine() bool { return x.mayQueue() && x.sizeBehind() <= maxTurn }

// mayQueue: not what can't outlive its request, nor what tells nothing about what others get.
func (x *exchange) mayQueue() bool {
	return x.detachable && x.mayFetchBehind() && !x.wishes.cc.NoStore
}

// queue lets the fetch of this request's key begin when its turn comes.
func (x *exchange) queue() {
	if !x.fitsInLine() {
		return
	}
	t, l, key := x.c.turns, &x.scope.line, x.flightKey()
	t.mu.Lock()
	defer t.mu.Unlock()
	size := x.sizeBehind()
	full := t.waiting == maxTurns || len(l.keys) == maxLine || t.bytes+size > t.limit
	if t.closed || full || l.keys[key] || !x.c.room.Take(size) {
		return
	}
	if l.keys == nil {
		l.keys = map[flight.Key]bool{}
	}
	t.waiting++
	t.bytes += size
	l.keys[key] = true
	l.add(&turn{x: x.behind(), key: key, size: size, done: make(chan struct{})})
	if l.callers < maxCallers {
		l.callers++
		t.running.Go(func() { t.call(l) })
	}
}

func (l *line) add(next *turn) {
	if l.last != nil {
		next.before = l.last.done
		l.last.next = next
	}
	if l.first == nil {
		l.first = next
	}
	l.last = next
}

// sizeBehind is about what the request takes that goes on: its URL stands in it several times.
func (x *exchange) sizeBehind() int64 {
	n := 1<<10 + 2*len(x.key) + len(x.target) + 2*len(x.r.RequestURI)
	for name, values := range x.r.Header {
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

// call begins one fetch after the other.
func (t *turns) call(l *line) {
	for {
		at := t.next(l)
		if at == nil {
			return
		}
		goOn := at.x.takeTurn(at.before)
		t.done(l, at, goOn)
	}
}

// next takes the first out of the line. Without one, its caller ends.
func (t *turns) next(l *line) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := l.first
	if at == nil {
		l.callers--
		return nil
	}
	l.first = at.next
	return at
}

// done forgets one, or where it can't go on, all that are in the line.
func (t *turns) done(l *line, at *turn, goOn bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(l, at)
	for ; !goOn && l.first != nil; l.first = l.first.next {
		t.forget(l, l.first)
	}
}

func (t *turns) forget(l *line, at *turn) {
	at.x.c.room.Give(at.size)
	t.bytes -= at.size
	delete(l.keys, at.key)
	t.waiting--
	close(at.done)
	if len(l.keys) == 0 {
		l.last = nil
	}
}

// takeTurn waits until the budget has room, and begins the fetch if it still is of use.
// False means that nobody's turn comes: the cache closes, or the scope fails, and probes are
// its requests' affair.
func (x *exchange) takeTurn(before <-chan struct{}) (goOn bool) {
	defer func() {
		if recover() != nil { // a hook or a logger of the user's, which must not end the process
			x.c.counters.add(cHookPanics)
			goOn = true
		}
	}()
	x.now = x.c.now()
	looked := x.now
	useful := x.stillStale()
	if !x.c.turns.await(before) {
		return false
	}
	if !useful { // not earlier, or those behind it would go before those ahead of it
		return true
	}
	for {
		left := turnLife - time.Since(x.began)
		if left <= 0 {
			return true
		}
		if x.now = x.c.now(); x.now-looked > int64(time.Second) {
			if !x.stillStale() {
				return true
			}
			looked = x.now
		}
		x.denied = x.ask(backoff.Look, true, true)
		switch {
		case x.denied.Failing:
			return false
		case x.denied.Fetch:
			if x.fetchBehind() != flight.Denied {
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

// await returns false if the cache is closed meanwhile.
func (t *turns) await(before <-chan struct{}) bool {
	if before == nil {
		return true
	}
	select {
	case <-before:
		return true
	case <-t.ending:
		return false
	}
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
