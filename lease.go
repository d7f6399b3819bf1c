// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
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

// close waits until all leases have been given back, which are few deadlines of the store.
func (l *leases) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.held.Wait()
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
	holder store.Holder
	stage  atomic.Uint32 // leasing
	over   chan store.Holder
}

// leased puts a lease in front of the handler, where the fleet has leases and what another
// process fetches may do for this request.
func (x *exchange) leased(f *fetch, pl plan) http.Handler {
	unlike := x.in&hasDirectives != 0 && x.p.Safety.RequestDirectives != IgnoreDirectives
	if x.c.leases.leaser == nil || !pl.shared || unlike || x.elsewhere >= maxElsewhere {
		return x.h.next
	}
	k := x.flightKey()
	f.lease = &lease{
		f: f, next: x.h.next, wishes: x.wishes, in: x.in, key: k.Primary + "\n" + k.Variant,
		holder: store.NewHolder(), over: make(chan store.Holder, 1),
	}
	return f.lease
}

// ServeHTTP makes the response, unless another process does.
func (l *lease) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage := l.await(r.Context())
	l.stage.Store(uint32(stage))
	if stage != leaseFetches {
		l.f.flight.Cancel()
		return
	}
	l.next.ServeHTTP(w, r)
}

// await takes the lease, or waits for who has it. It ends with the context at the latest.
func (l *lease) await(ctx context.Context) leasing {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		holder, err := l.ask(ctx)
		switch {
		case ctx.Err() != nil:
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

// stands reports whether the store has what the request wants by now.
func (l *lease) stands() bool {
	c := l.f.c
	found := c.lookup(l.f.p, []byte(l.f.key), l.f.asked.request, l.in)
	if found.entry == nil {
		return false
	}
	facts := factsOf(found.entry, found.verdict, c.now())
	return decide(true, facts, l.wishes, l.f.p, found.miss).action == serve
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
			_, _ = l.ask(context.Background()) // one that is lost is lost
		case note := <-l.over:
			l.f.c.writes.await(l.f.written, 4*l.f.c.cfg.StoreTimeout)
			l.release(note)
			return
		}
	}
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
	return store.LeaseUnshared
}
