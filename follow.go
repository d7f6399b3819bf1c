// SPDX-License-Identifier: MIT

package holdover

import (
	"maps"
	"runtime"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
)

// follow answers from a fetch. False means that the request didn't get its answer
// from it and must look up again.
func (x *exchange) follow(fl *flight.Flight, rd *flight.Reader, how flight.How) bool {
	if how == flight.Refused {
		x.refused()
		return true
	}
	defer rd.Leave()
	if how == flight.Started && !x.detachable {
		x.held = fl
	}
	state, end := x.await(fl, rd, how == flight.Started)
	switch {
	case end == flight.Left:
		x.report(ReasonClientGone, false)
		return true
	case end == flight.Expired:
		return x.expired(fl, how)
	case state.Phase == flight.Failed && state.Status == 0:
		if stage := fl.Note.(*fetch).lease.at(); stage == leaseElsewhere || stage == leaseFails {
			return x.answeredElsewhere(fl, stage)
		}
		return x.failedFetch(state, how)
	}
	return x.judged(fl, rd, state, how)
}

// refused: no fetch may begin, because the cache is closed or too many handlers have
// outlived theirs. These may be of another origin than this request's: a copy that may only be
// served where the origin is out of reach is not, unless it has just failed; and then one
// request a second finds out whether it still does.
func (x *exchange) refused() {
	_, stands := x.usable(ReasonSoftTimeout)
	stands = stands || x.c.closed.Load() || x.scope.outage() != 0 && !x.scope.mayProbe(x.c.clock())
	if !stands || !x.spares(ReasonTimeout) {
		x.inline(x.fwd, false)
	}
}

// await waits until there is something to decide on: the header, and where a stored
// response could still take its place, all of the new one or more than is held back.
func (x *exchange) await(fl *flight.Flight, rd *flight.Reader, starter bool) (flight.State, flight.WaitEnd) {
	limit, soft := x.patience(fl, starter)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	decided := func(s flight.State) bool { return x.sendable(s) || !starter && forNobodyElse(s) }
	for {
		state, end := rd.Wait(timer.C, func(s flight.State) bool {
			return decided(s) || starter && s.Interims > x.interims
		})
		if starter && end == flight.Ready {
			x.passInterims(rd)
		}
		if end == flight.Left && x.outOfTime() {
			end = flight.Expired
		}
		if _, usable := x.usable(ReasonSoftTimeout); end == flight.Expired && soft && !usable {
			limit, soft = x.patience(fl, starter) // the copy was purged meanwhile
			timer.Reset(limit)
			continue
		}
		if end == flight.Expired && !soft && x.p.holds() && !x.heldLong && (starter || state.Phase == flight.Header) && x.timeLeft() > 0 {
			x.heldLong = true // what comes so slowly is not held back any longer
			timer.Reset(x.timeLeft())
			continue
		}
		if end != flight.Ready || decided(state) {
			return state, end
		}
	}
}

// patience is how long a request waits for a fetch. soft says that there is a copy to
// be given then.
func (x *exchange) patience(fl *flight.Flight, starter bool) (limit time.Duration, soft bool) {
	if _, usable := x.usable(ReasonSoftTimeout); usable {
		// Who joins a fetch that is late already has nothing to wait for, nor who has waited
		// for another one before.
		late := max(time.Duration(x.now-fl.Started), time.Since(x.began))
		limit = max(x.softTime()-late, 0)
		return min(limit, x.p.hardTimeout, x.timeLeft()), true
	}
	if starter && !x.p.holds() && !x.hurries { // the flight has the hard timeout
		return x.timeLeft(), false
	}
	return x.patienceLeft(), false
}

// passInterims sends 1xx responses on. Their fields are not part of the final header.
func (x *exchange) passInterims(rd *flight.Reader) {
	h := x.w.Header()
	for _, in := range rd.Interims() {
		x.interims++
		before := h.Clone()
		maps.Copy(h, in.Header)
		x.w.WriteHeader(in.Status)
		clear(h)
		maps.Copy(h, before)
	}
}

// sendable reports whether a fetch has come far enough to be answered from.
func (x *exchange) sendable(s flight.State) bool {
	switch s.Phase {
	case flight.Waiting:
		return false
	case flight.Header:
	default:
		return true
	}
	j, _ := s.Note.(*judgement)
	if j == nil || j.outcome >= failed {
		return true
	}
	if j.freshened {
		return false // the stored response is being renewed
	}
	streams := !j.storing() && s.Flushes > 0 // of use while it arrives, and nothing is kept of it
	if j.endless || streams || x.heldLong {
		return true
	}
	if _, ranged := x.r.Header["Range"]; ranged && s.Keep {
		return false
	}
	// Whatever could take the place of a body that breaks off must be able to.
	if _, usable := x.usable(ReasonTruncated); usable || x.p.holds() {
		return s.Outgrown || s.Buffered > x.p.holdBack(x.found.entry)
	}
	return true
}

// forNobodyElse reports whether a header says that those who wait for it needn't.
func forNobodyElse(s flight.State) bool {
	j, _ := s.Note.(*judgement)
	return s.Phase == flight.Header && j != nil && !j.shareable && !j.freshened
}

// expired: the request's own time is over, the fetch's isn't.
func (x *exchange) expired(fl *flight.Flight, how flight.How) bool {
	if x.held != nil && !x.answersEarly() { // nothing may run behind
		fl.GiveUp()
		<-fl.Returned()
	}
	x.hold(0)
	if _, usable := x.usable(ReasonSoftTimeout); !usable {
		x.fault = ReasonTimeout
		x.degrade(ReasonTimeout, nil)
		return true
	}
	x.fault = ReasonSoftTimeout
	x.serveStaleNow(ReasonSoftTimeout, 0)
	return true
}

// answeredElsewhere: another process has fetched it, or has tried to. False means that the
// lookup must be made again.
func (x *exchange) answeredElsewhere(fl *flight.Flight, stage leasing) bool {
	<-fl.Returned() // it has nothing more to do
	x.elsewhere++
	if stage == leaseFails {
		if x.spares(ReasonBackOff) {
			return true
		}
		x.elsewhere = maxElsewhere
	}
	x.fault, x.collapsed, x.handed = "", false, fl.Note.(*fetch).lease
	return false
}

// failedFetch: the fetch brought no answer. False means that it was given up for
// reasons that are not this request's.
func (x *exchange) failedFetch(state flight.State, how flight.How) bool {
	x.fault = faultOf(state.Failure)
	x.hold(aMoment)
	_, usable := x.usable(x.fault)
	givenUp := state.Failure.Cause == flight.AttemptTimeout || state.Failure.Cause == flight.Cancelled && !x.c.closed.Load()
	if how != flight.Started && !usable && givenUp {
		x.fault, x.collapsed = "", false
		return false
	}
	// A response that was held back and breaks off has an honest answer in its place.
	heldBack := x.p.HoldBack && state.Status != 0 && state.Failure.Cause == flight.Aborted
	x.degrade(x.fault, func() {
		if how == flight.Started && !heldBack {
			x.raise(state.Failure)
		}
	})
	return true
}

// raise panics again with what the handler panicked with, in the request that
// began the fetch and was given nothing else.
func (x *exchange) raise(failure *flight.Failure) {
	switch failure.Cause {
	case flight.Panicked, flight.Aborted:
		x.report(faultOf(failure), false)
		panic(failure.Value)
	case flight.Exited:
		x.report(faultOf(failure), false)
		runtime.Goexit()
	}
}

// judged: there is a header, perhaps also a body, perhaps cut off.
func (x *exchange) judged(fl *flight.Flight, rd *flight.Reader, state flight.State, how flight.How) bool {
	j := state.Note.(*judgement)
	switch {
	case j.foreign && j.outcome >= failed && how != flight.Started && !x.disowned:
		return x.asksAnew(fl, rd)
	case j.foreign && j.outcome >= failed: // a 304 is no answer to this client
		x.fault, x.originStatus = j.fault, state.Status
		x.degrade(j.fault, nil)
		return true
	case how != flight.Started && x.mayFareBetter(fl.Note.(*fetch), j):
		rd.Leave()
		x.collapsed, x.fault, x.hurries, x.byItself = false, "", true, !x.comesApart()
		return false
	case j.outcome >= failed:
		x.fault, x.originStatus = j.fault, state.Status
		if x.replaceable(j) {
			if x.held != nil && !x.answersEarly() {
				fl.Cancel() // nothing more is needed of it
			}
			x.hold(aMoment)
		}
		if x.serveInstead(j.fault, state.Status) || x.answerByPolicy(j.fault, state.Status) {
			return true
		}
	case state.Phase == flight.Failed && how != flight.Started && state.Failure.Cause == flight.Cancelled:
		return x.leave(fl, rd, j, unshared) // by those that it was for
	case state.Phase == flight.Failed: // it broke off, and nothing was sent yet
		return x.failedFetch(state, how)
	}
	if how != flight.Started {
		why := x.sharing(j, fl.Note.(*fetch))
		if !state.Keep && why != unshared { // it outgrew the bounds
			why = alone
		}
		if why != share {
			return x.leave(fl, rd, j, why)
		}
	}
	if state.Phase == flight.Complete && j.entry != nil && (how != flight.Started || x.wantsLess(j)) {
		x.serveNew(j, state, how)
		return true
	}
	return x.stream(rd, state, j, how)
}

// asksAnew lets a waiter go whose fetch sent validators that the origin doesn't know: the
// stored response is gone with them, so the next fetch asks for a whole one. That happens to a
// request once. False means that it must look up again.
func (x *exchange) asksAnew(fl *flight.Flight, rd *flight.Reader) bool {
	rd.Leave()
	x.collapsed, x.fault, x.disowned = false, "", true
	return !x.awaitTurn(fl)
}

// wantsLess reports whether the request may be answered with something else than
// what the handler wrote: a stored body, a part, or nothing new.
func (x *exchange) wantsLess(j *judgement) bool {
	return j.freshened || j.outcome < failed && x.in&(hasRange|hasCondition) != 0
}

// replaceable reports whether the fetch's answer won't be sent: ServeHTTP would then
// return before the handler does.
func (x *exchange) replaceable(j *judgement) bool {
	_, stale := x.usable(j.fault)
	return stale || x.p.answersFailures()
}

// leave lets a waiter go that the response is not for. It looks again: with what was
// learned about the variants it may find or join its own, and else runs alone.
func (x *exchange) leave(fl *flight.Flight, rd *flight.Reader, j *judgement, why sharing) bool {
	rd.Leave()
	x.collapsed, x.fault = false, ""
	switch {
	case why == again:
		return false
	case why == regroup && x.names == nil:
		x.names = j.varyNames
		return false
	case why == unshared && x.gathersAnew(fl.Note.(*fetch)):
		return false
	}
	if x.hasCopy() {
		return x.solo(plan{hurried: true})
	}
	if x.found.entry != nil {
		return x.solo(plan{})
	}
	x.inline(x.fwd, false)
	return true
}
