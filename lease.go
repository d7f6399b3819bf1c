// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// Times of leases. That of a lease is a store's own where it can't count in less.
const (
	leaseTime    = 1500 * time.Millisecond
	leaseProlong = 500 * time.Millisecond

	// Who waits for another process looks again after firstLook, then after twice as
	// long each time up to lastLook.
	firstLook = 25 * time.Millisecond
	lastLook  = 250 * time.Millisecond

	// maxLeaseWait bounds that, as half of the hard timeout does: the rest is for a
	// fetch of one's own.
	maxLeaseWait = 10 * time.Second

	// How long others know that they needn't wait.
	failedTime   = time.Second
	unsharedTime = 5 * time.Second

	// maxElsewhere is how often a request relies on another process.
	maxElsewhere = 2
)

// leases makes the fetch of a key one for all processes that share the store. It only saves
// the origin requests: where the store fails, everyone fetches for himself.
type leases struct {
	leaser store.Leaser // nil for none

	mu     sync.Mutex
	closed bool
	held   sync.WaitGroup
}

// hold counts a lease that is held. False means that the cache is closed.
func (l *leases) hold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.held.Add(1)
	return true
}

// close waits until all leases have been given back, at most for limit.
func (l *leases) close(limit time.Duration) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		l.held.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
		return errors.New("the store ignores its deadline; a lease is still being given back")
	}
}

// leasing is what a fetch does about a lease.
type leasing uint32

const (
	leaseWaits     leasing = iota // another process fetches
	leaseElsewhere                // … and has stored what this one wants
	leaseFails                    // … and has failed, and this one has a copy
	leaseFetches                  // this process fetches
)

// lease is a fetch's part in the fleet. It is the handler of the flight, in front of the
// one that makes the response.
type lease struct {
	f      *fetch
	next   http.Handler
	wishes wishes
	in     interest
	key    string
	varies bool // the key tells the variants apart
	holder store.Holder
	found  found         // where stands found something
	stage  atomic.Uint32 // leasing
	delay  atomic.Int64  // how long another process was waited for
	over   chan store.Holder
}

// leased puts a lease in front of the handler, where the fleet has leases and what another
// process fetches may do for this request. While the store fails nobody waits for it twice.
func (x *exchange) leased(f *fetch, pl plan) http.Handler {
	unlike := x.in&hasDirectives != 0 && x.p.Safety.RequestDirectives != IgnoreDirectives
	if x.c.leases.leaser == nil || !pl.shared || unlike || x.elsewhere >= maxElsewhere || x.c.reading.failed.Load() {
		return x.h.next
	}
	k := x.flightKey()
	f.lease = &lease{
		f: f, next: x.h.next, wishes: x.wishes, in: x.in, key: k.Primary + "\n" + k.Variant, varies: k.Variant != "",
		holder: store.NewHolder(), over: make(chan store.Holder, 1),
	}
	return f.lease
}

// ServeHTTP makes the response, unless another process does.
func (l *lease) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	stage := l.await(r.Context())
	if d := time.Since(began); d >= firstLook {
		l.delay.Store(int64(d))
		l.f.flight.BeginAttempt()
	}
	l.stage.Store(uint32(stage))
	if stage != leaseFetches {
		l.f.flight.Cancel()
		return
	}
	l.next.ServeHTTP(w, r)
}

// await takes the lease, or waits for who has it. It ends with the context at the latest.
func (l *lease) await(ctx context.Context) leasing {
	limit := time.Now().Add(min(l.f.p.hardTimeout/2, maxLeaseWait))
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		holder, err := l.ask(ctx)
		switch {
		case ctx.Err() != nil:
			if err == nil && holder == l.holder {
				l.release(store.Holder{})
			}
			return leaseWaits
		case err != nil, holder == store.LeaseUnshared:
			return leaseFetches
		case holder == store.LeaseFailed:
			if l.f.hasCopy {
				return leaseFails
			}
			return leaseFetches
		case holder == l.holder:
			return l.taken(ctx)
		case time.Now().After(limit):
			return leaseFetches
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return leaseWaits
		}
		if l.stands() {
			return leaseElsewhere
		}
	}
}

// taken looks once more: who had the lease left what came of it before it let go.
func (l *lease) taken(ctx context.Context) leasing {
	if l.stands() {
		l.release(store.Holder{})
		return leaseElsewhere
	}
	if ctx.Err() != nil || !l.f.c.leases.hold() {
		l.release(store.Holder{})
		return leaseWaits
	}
	go l.keep()
	return leaseFetches
}

// stands reports whether the store has by now what the request wants: something newer than what
// it had.
func (l *lease) stands() bool {
	c := l.f.c
	found := c.lookup(l.f.p, []byte(l.f.key), l.f.asked.request, l.in)
	if found.entry == nil {
		return false
	}
	facts := factsOf(found.entry, found.verdict, c.now())
	before := l.f.found.entry
	l.found = found
	switch decide(true, facts, l.wishes, l.f.p, found.miss).action {
	case serve, serveStale:
		return before == nil || found.entry.Newer(before)
	}
	return false
}

// handOver returns what was found for the request of the fetch, if it is for r as well: so
// that not everybody who waited looks into the store at the same moment.
func (l *lease) handOver(r *http.Request) (found, bool) {
	h := l.found
	if h.entry == nil {
		return found{}, false
	}
	if h.record != nil {
		s := l.f.p.choose(nil, nil, []byte(l.f.key), h.record, r, l.f.c.cfg.MaxVariants)
		if !s.matches(h.entry, h.record) {
			return found{}, false
		}
	}
	h.verdict = l.f.c.marks.Entry(h.entry, l.f.c.now())
	return h, h.verdict < marks.Unsure
}

// keep prolongs the lease while the fetch runs and gives it back then, once what came of it
// is in the store. A store that is slow to take it holds nobody up for long: the others then
// fetch for themselves.
func (l *lease) keep() {
	defer l.f.c.leases.held.Done()
	ticker := time.NewTicker(leaseProlong)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if l.f.flight.State().Outgrown { // it may take as long as its clients like
				l.end(store.LeaseUnshared)
				continue
			}
			_, _ = l.ask(context.Background()) // one that is lost is lost
		case note := <-l.over:
			if note == (store.Holder{}) && !l.left() {
				note = store.LeaseUnshared
			}
			l.release(note)
			return
		}
	}
}

// left waits until the response has been written, and reports whether others find it: the
// store may have refused it.
func (l *lease) left() bool {
	c := l.f.c
	if len(l.f.written) == 0 {
		return true
	}
	if !c.writes.await(l.f.written, 4*c.cfg.StoreTimeout) {
		return false
	}
	from := c.store
	if behind := store.Behind(c.store); behind != nil {
		from = behind
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.StoreTimeout)
	defer cancel()
	return c.lookupIn(ctx, from, l.f.p, []byte(l.f.key), l.f.asked.request).entry != nil
}

// ask takes or prolongs the lease and returns who has it.
func (l *lease) ask(ctx context.Context) (holder store.Holder, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.f.c.cfg.StoreTimeout)
	defer cancel()
	err = l.f.c.guard("lease", func() (err error) {
		holder, err = l.f.c.leases.leaser.Lease(ctx, l.key, l.holder, leaseTime)
		return err
	})
	return holder, err
}

// release gives the lease back. Where that fails it ends by itself.
func (l *lease) release(note store.Holder) {
	d := failedTime
	if note == store.LeaseUnshared {
		d = unsharedTime
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.f.c.writes.timeout)
	defer cancel()
	_ = l.f.c.guard("release", func() error {
		return l.f.c.leases.leaser.Release(ctx, l.key, l.holder, note, d)
	})
}

// end says what others need to know. Only the first word counts.
func (l *lease) end(note store.Holder) {
	if l == nil {
		return
	}
	select {
	case l.over <- note:
	default:
	}
}

// saw is told of the header. Where nobody else gets the response, others needn't wait for
// its end.
func (l *lease) saw(j *judgement) {
	d := &j.draft
	reusable := j.storing() && d.Flags&store.NoCache == 0 &&
		(d.Lifetime > d.InitialAge || d.StaleWhileRevalidate > 0 || l != nil && l.f.p.Grace.StaleWhileRevalidate > 0)
	switch {
	case j.storing() && j.outcome >= failed:
	case j.outcome >= failed:
		l.end(store.LeaseFailed)
	case !reusable && l != nil:
		l.end(l.f.unshared())
	case len(j.varyNames) > 0 && l != nil && !l.varies: // theirs may be another variant
		l.end(store.LeaseUnshared)
	}
}

// unshared is what others are told of a response that isn't for them: nothing, where it has to
// do with who asked, since others share the page.
func (f *fetch) unshared() store.Holder {
	if s, _ := f.c.keys.Get(f.hash); f.who != 0 && (s.Shared(f.class, f.c.now()) || s.Shared(keystate.ClassNone, f.c.now())) {
		return store.Holder{}
	}
	return store.LeaseUnshared
}

// waited returns how long another process was waited for.
func (l *lease) waited() time.Duration {
	if l == nil {
		return 0
	}
	return time.Duration(l.delay.Load())
}

// at returns the stage. Without leases everybody fetches.
func (l *lease) at() leasing {
	if l == nil {
		return leaseFetches
	}
	return leasing(l.stage.Load())
}

// leaseNote is what others are told of how the fetch ended.
func (f *fetch) leaseNote(j *judgement, failure *flight.Failure) store.Holder {
	switch {
	case failure != nil && failure.Cause == flight.Cancelled, failure == nil && len(f.written) > 0:
		return store.Holder{}
	case failure != nil, j == nil, j.outcome >= failed:
		return store.LeaseFailed
	}
	return f.unshared()
}
