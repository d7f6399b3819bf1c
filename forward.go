// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
)

// forward brings the request to the handler and answers it. False means that the
// lookup must be made again, because another fetch has landed meanwhile.
func (x *exchange) forward() bool {
	if alone, ranged := x.runsAlone(); alone {
		x.inline(x.fwd, ranged)
		return true
	}
	// A fetch that is under way costs the budget nothing.
	if p := x.ask(backoff.Look, x.spareable(), false); !p.Fetch && p.Reason != backoff.Budget && x.spares(ReasonBackOff) {
		return true
	}
	if x.serveGranted() {
		return true
	}
	if x.r.Method == http.MethodHead {
		return x.solo(plan{method: http.MethodHead, hurried: true})
	}
	alone := x.wishes.cc.NoStore || !x.mayShare()
	if alone { // nobody could share it: don't make others wait
		return x.solo(plan{hurried: true})
	}
	return x.join()
}

// runsAlone says which requests are passed to the handler as they are: nothing of
// the answer could be stored or shared, and there is no stored response to fall
// back on. ranged says that a part may be.
func (x *exchange) runsAlone() (alone, ranged bool) {
	if x.hasCopy() {
		return false, false
	}
	known := x.learned.LastSize > 0 && x.learned.LastSize <= x.p.maxBody
	switch {
	case x.p.answersFailures():
		return false, false // its failure must be seen
	case x.found.entry != nil && !x.barredFrom():
		return false, false // it is validated
	case x.r.Method == http.MethodHead:
		return true, false
	case x.in&hasRange != 0 && !known && x.r.Method == http.MethodGet:
		return true, true
	case x.wishes.cc.NoStore, x.learned.LastSize > x.p.maxBody:
		return true, false
	}
	return !x.mayShare() && !x.learned.Stored, false
}

func (x *exchange) barredFrom() bool { return x.facts.barredFrom(x.wishes, x.p) }

// ask asks the scope for permission to call the handler.
func (x *exchange) ask(kind backoff.Kind, hasCopy, background bool) (perm backoff.Permission) {
	now := x.c.clock() // the request may have waited since it began; locks may be held, so no log
	x.c.keys.Update(x.hash, func(s *keystate.State) {
		perm = x.scope.step(x.p.backoff, &s.Backoff, backoff.Event{
			Kind: kind, Key: x.hash, HasCopy: hasCopy, Background: background, Asker: x.who, Again: x.racing,
		}, "", now)
	})
	return perm
}

// spareable reports whether there is a copy that may stand in for the sort of failure
// that was seen last, or while a fetch waits for its turn.
func (x *exchange) spareable() bool {
	if _, usable := x.usable(x.scope.lastFault()); usable {
		return true
	}
	_, usable := x.usable(ReasonSoftTimeout)
	return usable
}

// begin opens a fetch if the origin may be asked for it just now.
func (x *exchange) begin(pl plan) flight.Open {
	hasCopy := pl.background || !x.insists && x.spareable()
	return func(crowded bool) (flight.Start, flight.How) {
		if crowded && !x.scope.free() {
			return flight.Start{}, flight.Refused
		}
		if hasCopy && x.yields(pl.background) {
			x.denied = backoff.Permission{Reason: backoff.Budget}
			return flight.Start{}, flight.Denied
		}
		if x.denied = x.ask(backoff.Ask, hasCopy, pl.background); !x.denied.Fetch {
			return flight.Start{}, flight.Denied
		}
		s := x.open(pl)
		if crowded {
			x.scope.lone = s.Flight
		}
		return s, flight.Started
	}
}

// spares answers from the stored response, so that the origin is not asked.
func (x *exchange) spares(why Reason) bool {
	x.fault = why
	if x.serveInstead(why, 0) {
		return true
	}
	x.fault = ""
	return false
}

// sparesDenied is that for a fetch that was denied. If there is nothing to serve instead,
// since another failure has come between, the request insists.
func (x *exchange) sparesDenied() bool {
	why := ReasonBackOff
	if x.denied.Reason == backoff.Budget {
		why = ReasonBudget
	}
	x.insists = !x.spares(why)
	if why == ReasonBudget && !x.insists {
		x.queue()
	}
	return !x.insists
}

// attempt bounds a fetch while a stored copy waits in its place.
func (x *exchange) attempt() time.Duration {
	if !x.hasCopy() {
		return 0
	}
	attempts := x.learned.Attempts
	if x.racing { // a probe beside an attempt that is given long
		attempts = 0
	}
	d := attemptTime(x.lastFetch(), attempts, x.p.hardTimeout)
	if x.p.hardTimeout == forever && d == forever {
		return 0
	}
	return d
}

// solo answers from a fetch that nobody else can join.
func (x *exchange) solo(pl plan) bool {
	fl, rd, how := x.c.flights.Solo(x.r.Context(), x.begin(pl))
	if how == flight.Denied {
		return x.sparesDenied() || x.solo(pl)
	}
	return x.follow(fl, rd, how)
}

// join follows the fetch of this key, or begins it.
func (x *exchange) join() bool {
	if x.tries > patientTries { // others come and go all the time
		x.landed = x.c.flights.Landed([]byte(x.key))
	}
	x.racing = false
	fl, rd, how := x.c.flights.Join(x.r.Context(), x.flightKey(), x.landed, x.accepts,
		x.begin(plan{shared: true, hurried: true}))
	switch how {
	case flight.Changed:
		return false
	case flight.Denied:
		return x.sparesDenied() || x.join()
	case flight.Busy:
		return !x.awaitTurn(fl)
	}
	x.collapsed = how == flight.Joined
	return x.follow(fl, rd, how)
}

// patientTries is how often a lookup is repeated because another fetch has landed.
const patientTries = 3

// awaitTurn waits for a handler that blocks its key. False means that the request
// was answered otherwise, or nobody is left to answer.
func (x *exchange) awaitTurn(fl *flight.Flight) bool {
	deadline := time.NewTimer(x.patienceLeft())
	defer deadline.Stop()
	moment := time.NewTimer(aMoment)
	defer moment.Stop()
	select {
	case <-fl.Returned(): // it was only about to
		return true
	case <-moment.C:
	}
	if x.spares(ReasonTimeout) {
		return false
	}
	select {
	case <-fl.Returned():
		return true
	case <-deadline.C:
	case <-x.r.Context().Done():
		if !x.outOfTime() {
			x.report(ReasonClientGone, false)
			return false
		}
	}
	x.fault = ReasonTimeout
	x.degrade(ReasonTimeout, nil)
	return false
}

// accepts reports whether newcomers may join a fetch under way: not after a purge
// of the URL or of everything, and not one that still hangs from the time when the
// origin failed, if another may begin beside it.
func (x *exchange) accepts(fl *flight.Flight, state flight.State, free bool) bool {
	f := fl.Note.(*fetch)
	if hard, _ := x.c.marks.Purged(f.asked.urlHash, x.c.marks.Own(f.asOf)); hard {
		return false
	}
	if j, _ := state.Note.(*judgement); j != nil && (x.c.purged(&j.draft) || x.mayFareBetter(f, j)) {
		return false
	}
	x.racing = free && x.r.Method == http.MethodGet && x.waitsFor(state) && x.outruns(fl)
	if x.racing {
		f.raced.Store(true)
	}
	return !x.racing
}

// waitsFor reports whether a fetch has nothing yet that this request could be given.
func (x *exchange) waitsFor(s flight.State) bool {
	return s.Phase == flight.Waiting || s.Phase == flight.Header && x.hasCopy() && !x.sendable(s)
}

// outruns reports whether a fetch may be raced by a second one: it began before the
// origin recovered, or it is late and a later attempt after one that hung, so
// that it may take long to give up, or one that began later was answered.
func (x *exchange) outruns(fl *flight.Flight) bool {
	if x.scope.recoveredSince(fl.Started) {
		return true
	}
	suspect := x.learned.Attempts > 0 || x.learned.Backoff.SucceededAt > fl.Started
	late := max(time.Second, x.usualFetch()*5/4)
	return suspect && x.hasCopy() && x.now-fl.Started >= int64(late)
}

// revalidateBehind answers stale and lets a fetch run behind. False means that the
// request must revalidate in the foreground.
func (x *exchange) revalidateBehind(reason Reason) bool {
	if !x.mayFetchBehind() {
		return false
	}
	if x.fetchBehind() == flight.Denied && x.denied.Reason == backoff.Budget {
		x.queue()
	}
	x.serveStaleNow(reason, 0)
	return true
}

// mayFetchBehind reports whether a fetch may run that this request doesn't wait for.
func (x *exchange) mayFetchBehind() bool {
	safe := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	return safe && (x.detachable || x.answersEarly())
}

// answersEarly reports whether a whole answer reaches its client before ServeHTTP returns: not over
// HTTP/2, where the body's end waits for that, nor through a writer that keeps all until
// then, as http.TimeoutHandler's does.
func (x *exchange) answersEarly() bool { return x.r.ProtoMajor < 2 && flushes(x.w) }

// flushes reports whether http.ResponseController can flush a writer.
func flushes(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher, interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// fetchBehind begins such a fetch, unless one is under way or the origin is spared.
func (x *exchange) fetchBehind() flight.How {
	if x.denied = x.ask(backoff.Look, true, true); !x.denied.Fetch && x.denied.Reason != backoff.Budget {
		return flight.Denied
	}
	x.racing = false
	fl, how := x.c.flights.Background(x.flightKey(), x.accepts,
		x.begin(plan{background: true, shared: !x.wishes.cc.NoStore, method: http.MethodGet, hurried: true}))
	if how == flight.Started && !x.detachable {
		x.held = fl
		x.hold(0)
	}
	return how
}

// hold is called before an answer that doesn't wait for the handler, where the fetch
// may not outlive the request: ServeHTTP will stay open until the handler has
// returned. The client has its answer: on HTTP/1 the connection closes after it. A
// handler that has all but returned is waited for, which saves the connection.
func (x *exchange) hold(patience time.Duration) {
	if x.held == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-x.held.Returned():
	case <-timer.C:
		x.closeAfter = x.r.ProtoMajor < 2
	}
}

// aMoment is how long an answer waits for a handler that has nothing more to say.
const aMoment = 20 * time.Millisecond

// serveGranted answers from a fallback grant that was given in this outage.
func (x *exchange) serveGranted() bool {
	if x.p.Fallback.List == nil || x.hasCopy() {
		return false
	}
	credential, member := x.p.member(x.r)
	if !member || !x.c.grants.holds(x.grantKey(credential), x.scope, x.now) {
		return false
	}
	x.synthetic(x.p.Fallback.Answer, ReasonFallback)
	return true
}
