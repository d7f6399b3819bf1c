// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// fetch is one call of the handler that belongs to the cache: what its flight
// needs to know after the request that began it is gone.
type fetch struct {
	c     *Cache
	p     *rules
	scope *scope
	asked asked
	found found

	key        string
	hash       uint64
	class      keystate.Class
	who        uint64 // whose request it is, see exchange
	hasCopy    bool   // a servable stored response
	insists    bool   // the request refuses that one
	apart      bool   // it asks for what others don't get, see asksApart
	background bool
	racing     bool // beside one that hangs
	// raced: another fetch of the key was begun later, and may have landed by now.
	raced  atomic.Bool
	began  time.Time
	path   string
	outer  *fetch // the one within which the request was made, of whatever cache
	flight *flight.Flight
	asOf   []store.Position // the purges that were known when it began, this process's first
	// origin is the error that kept the origin from being reached, if the
	// handler said so, see ErrorHandler.
	origin atomic.Pointer[error]

	lease   *lease   // nil for none
	written []string // the keys under which the response was stored
}

// plan says how a fetch is started.
type plan struct {
	background bool
	shared     bool // others may have the response
	method     string
	hurried    bool // it is given up after a while where a copy can be served
}

// open makes the flight of a fetch for this request. It is called with the group
// of flights locked: all in it is quick.
func (x *exchange) open(pl plan) flight.Start {
	asOf := x.c.marks.AsOf() // first: what is purged from now on must count
	x.dropPurged()
	f := &fetch{
		c: x.c, p: x.p, scope: x.scope, found: x.found, key: x.key, hash: x.hash, class: x.class, who: x.who,
		hasCopy: x.copyStands(), insists: !pl.background && !x.hasCopy(), apart: x.asksApart(), background: pl.background, racing: x.racing, began: time.Now(), path: pathOf(x.r),
		asOf: asOf,
	}
	var attempt time.Duration // none
	if pl.hurried {
		attempt = x.attempt() // not before it is known whether this one races another
	}
	f.outer, _ = x.base.Value(fetchKey{}).(*fetch)
	fl := flight.New(context.WithValue(x.base, fetchKey{}, f), flight.Config{
		Room: x.c.room, Limit: x.p.maxBody, Lead: x.p.holdBack(x.found.entry), Head: pl.method == http.MethodHead,
		Header: bounded(x.p.hardTimeout), Idle: bounded(x.p.hardTimeout), Patience: min(x.p.hardTimeout, maxPatience), Attempt: attempt, Spare: f.bereft,
		Judge: f.judge, Commit: f.commit, Ended: f.ended, Late: f.late,
	})
	fl.Started, fl.Note, f.flight = x.c.clock(), f, fl
	req := x.request(fl.Context(), f, pl)
	f.asked = x.askedOf(f, req)
	return flight.Start{Flight: fl, Handler: x.leased(f, pl), Request: req}
}

// fetchContext makes the context of a fetch out of the request's, before any lock
// is taken: Detach is the user's.
func (x *exchange) fetchContext() context.Context {
	ctx := context.WithoutCancel(x.r.Context())
	if x.c.cfg.Detach != nil {
		ctx = x.c.cfg.Detach(ctx)
	}
	return ctx
}

// bounded turns "off" into what a flight takes for it.
func bounded(d time.Duration) time.Duration {
	if d == forever {
		return 0
	}
	return d
}

// holdBack is how many bytes of a new response are held back in front of a stored one.
func (p *rules) holdBack(copy *store.Entry) int64 {
	n := int64(minHoldBack)
	if copy != nil {
		n = max(n, 2*int64(copy.BodyLen()))
	}
	return min(n, p.maxBody)
}

// request is the canonical request: the client's, with our validators in place of
// its own conditions, for the whole response.
func (x *exchange) request(ctx context.Context, f *fetch, pl plan) *http.Request {
	req := x.r.Clone(ctx)
	if pl.method != "" {
		req.Method = pl.method
	}
	if x.body != nil {
		req.Body = io.NopCloser(bytes.NewReader(x.body))
	} else {
		req.Body = http.NoBody
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	if pl.method == http.MethodHead { // nothing is stored of the answer
		return req
	}
	for _, name := range [...]string{"If-None-Match", "If-Modified-Since", "If-Range", "Range"} {
		delete(req.Header, name)
	}
	// With other methods than GET, If-None-Match has another meaning (RFC 9110 §13.1.2).
	if e := x.found.entry; e != nil && !e.Has(store.Failed) && e.Status() == http.StatusOK && req.Method == http.MethodGet {
		if etag, given := e.Field("Etag"); given { // sent as it is: origins compare byte by byte
			req.Header["If-None-Match"] = []string{etag}
			f.asked.validated = e
		}
		if modified, given := e.Field("Last-Modified"); given {
			req.Header["If-Modified-Since"] = []string{modified}
			f.asked.validated = e
		}
	}
	if pl.background && x.found.entry != nil && x.found.entry.Has(store.Anonymous) {
		delete(req.Header, "Authorization")
		delete(req.Header, "Cookie")
	}
	return req
}

func (x *exchange) askedOf(f *fetch, req *http.Request) asked {
	// The handler may edit its request; what was asked stays as it was.
	kept := req.WithContext(req.Context())
	kept.Header = req.Header.Clone()
	a := x.p.asked(kept, x.key)
	a.host, a.target, a.urlHash = x.host, x.target, x.urlHash
	a.noStore = x.wishes.cc.NoStore && !f.background
	a.started, a.asOf, a.validated = x.c.clock(), f.asOf, f.asked.validated
	return a
}

// asked collects what judging the response to r needs to know of it.
func (p *rules) asked(r *http.Request, key string) asked {
	in := interestOf(r)
	return asked{
		method: r.Method, key: key, header: r.Header, request: r,
		authorization: in&hasAuthorization != 0 && !p.keysAuthority,
		cookie: in&hasCookie != 0 && !p.keysCookie && !p.Safety.IrrelevantCookies ||
			in&hasCertificate != 0 && !p.Safety.IrrelevantCertificates,
		anonymous: in&(hasAuthorization|hasCookie|hasCertificate) == 0,
	}
}

// fetchKey is the context key of the running fetch, for ErrorHandler.
type fetchKey struct{}

// judge is called with the final header on the handler's goroutine.
func (f *fetch) judge(code int, h http.Header) flight.Verdict {
	canonicalize(h)
	var transport error
	if p := f.origin.Load(); p != nil {
		transport = *p
	}
	a := f.asked
	a.repeats = f.repeats(code)
	a.started += int64(f.lease.waited()) // the time in another process is no part of the age
	j := f.c.judge(f.p, &a, code, h, transport, f.c.now())
	if f.flight.Sniffed() && !j.freshened {
		j.draft.Flags |= store.Sniffed
	}
	f.learn(j, h)
	if j.foreign { // the validators are no good: the next request goes without
		f.drop(f.asked.validated, ReasonMismatch, code)
	}
	if j.refused != "" {
		f.emit(Event{Kind: EventRefused, Reason: j.refused, Status: code})
	}
	f.lease.saw(j)
	keep := j.storing() || j.outcome >= failed && (j.shareable || f.who != 0) || f.found.entry != nil && f.contradicts(j) != ""
	return flight.Verdict{Keep: keep, Note: j}
}

// canonicalize moves fields that a handler put into the map under another spelling to
// where they are looked for: net/http sends them all the same.
func canonicalize(h http.Header) {
	for name, values := range h {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			delete(h, name)
			h[canonical] = append(h[canonical], values...)
		}
	}
}

// took returns how long the origin has been asked.
func (f *fetch) took() time.Duration { return time.Since(f.began) - f.lease.waited() }

// ended is called once when the flight has ended, whatever way. What it returns tells of it.
func (f *fetch) ended(state flight.State, failure *flight.Failure) (tell func()) {
	j, _ := state.Note.(*judgement)
	took, asked := f.took(), f.lease.at() == leaseFetches
	reason := f.reasonOfEnd(j, failure)
	f.lease.end(f.leaseNote(j, failure))
	now := f.c.now()
	e, counts := f.backoffEvent(j, reason, now)
	f.c.keys.Update(f.hash, func(s *keystate.State) {
		if (failure == nil || !f.racing) && asked {
			s.Attempts = attemptsAfter(s.Attempts, failure)
		}
		if state.Outgrown && !state.NoRoom && f.tells(j != nil && j.shareable) {
			s.LastSize = max(s.LastSize, f.p.maxBody+1)
			s.Outgrown(f.class, now)
		}
		if counts {
			f.scope.step(f.p.backoff, &s.Backoff, e, reason, now)
		}
	})
	if failure != nil && failure.Cause == flight.Cancelled && j != nil && j.outcome < failed {
		f.learnTime(j, min(took, maxSoftTimeout)) // nobody waited for its end
	}
	if !asked {
		return nil
	}
	return func() { f.tellEnd(j, state, failure, reason, took) }
}

// reasonOfEnd is why a fetch ended, also one for which the handler was never called.
func (f *fetch) reasonOfEnd(j *judgement, failure *flight.Failure) Reason {
	switch f.lease.at() {
	case leaseWaits, leaseElsewhere:
		return ReasonCancelled
	case leaseFails:
		return ReasonBackOff
	}
	return reasonOf(j, failure)
}

// backoffEvent is what the end of a fetch says about its origin, if it says anything.
func (f *fetch) backoffEvent(j *judgement, reason Reason, now int64) (e backoff.Event, counts bool) {
	e = backoff.Event{Key: f.hash, HasCopy: f.hasCopy, Background: f.background, Started: f.asked.started, Answered: now}
	switch {
	case reason == ReasonCancelled:
		return e, false
	case reason == ReasonOK, reason == ReasonMismatch: // the origin answered
		e.Kind = backoff.Succeeded
		if j != nil {
			e.Answered = j.draft.ResponseTime
		}
		return e, true
	case f.hasCopy && f.insists && ofItsOwn(reason):
		return e, false // what a client does to itself says nothing about the others' page
	}
	e.Kind = backoff.Failed
	// An error of a page that never worked says nothing about the others:
	// a client that asks for broken pages must not make all of them stale.
	e.Local = reason == ReasonBackOff || !f.hasCopy && ofItsOwn(reason)
	if reason != ReasonTransport && (f.asked.authorization || f.asked.cookie) {
		e.Asker = f.who // it may be his page alone that fails, or takes long
	}
	if j != nil {
		e.RetryAfter = j.retryAfter
	}
	return e, true
}

// tellEnd tells hook and log of a call of the handler.
func (f *fetch) tellEnd(j *judgement, state flight.State, failure *flight.Failure, reason Reason, took time.Duration) {
	ev := Event{Kind: EventFetch, Reason: reason, Status: state.Status, Duration: took}
	if p := f.origin.Load(); p != nil {
		ev.Err = *p
	}
	if failure != nil {
		ev.Panic, ev.Stack = failure.Value, failure.Stack
	}
	f.emit(ev)
	if j != nil && j.storing() && state.Outgrown {
		why := ReasonTooLarge
		if state.NoRoom {
			why = ReasonNoRoom
		}
		f.emit(Event{Kind: EventRefused, Reason: why, Status: state.Status})
	}
	if ev.Panic != nil && failure.Cause == flight.Panicked {
		f.c.log.Error("handler panicked", "host", f.asked.host, "path", f.path, "panic", ev.Panic)
	}
}

// ofItsOwn are the failures that a request can bring about by what it asks.
func ofItsOwn(reason Reason) bool {
	return reason == ReasonErrorStatus || reason == ReasonThrottled || reason == ReasonPanic
}

// bereft reports whether the stored response, for whose sake an attempt is given up,
// was purged meanwhile.
func (f *fetch) bereft() bool {
	if f.found.entry == nil {
		return true
	}
	return f.c.marks.Entry(f.found.entry, f.c.clock()) == marks.Hard
}

// late tells of a panic after the fetch had been given up.
func (f *fetch) late(failure *flight.Failure) {
	f.emit(Event{Kind: EventFetch, Reason: faultOf(failure), Panic: failure.Value, Stack: failure.Stack, Duration: f.took()})
}

func attemptsAfter(n uint8, failure *flight.Failure) uint8 {
	switch {
	case failure == nil:
		return 0
	case failure.Cause == flight.AttemptTimeout && n < 16:
		return n + 1
	}
	return n
}

// reasonOf names how a fetch ended.
func reasonOf(j *judgement, failure *flight.Failure) Reason {
	if failure != nil && (failure.Cause != flight.Cancelled || j == nil) {
		return faultOf(failure)
	}
	if j != nil && j.outcome >= failed {
		return j.fault
	}
	return ReasonOK // a client that leaves an answer doesn't make it a failure
}

// faultOf names a failure.
func faultOf(failure *flight.Failure) Reason {
	switch failure.Cause {
	case flight.Panicked, flight.Exited:
		return ReasonPanic
	case flight.Aborted, flight.Truncated:
		return ReasonTruncated
	case flight.HeaderTimeout, flight.IdleTimeout:
		return ReasonTimeout
	case flight.AttemptTimeout:
		return ReasonAttempt
	default:
		return ReasonCancelled
	}
}

func (f *fetch) emit(e Event) {
	e.Method, e.Host, e.Path, e.Background = f.asked.method, f.asked.host, f.path, f.background
	f.c.emit(e)
}
