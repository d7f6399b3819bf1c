// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"

	"github.com/holdover-go/holdover/store"
)

// degrade answers when the handler didn't: stale within its window, then the
// fallback for known credentials, then raise, then an honest error.
func (x *exchange) degrade(fault Reason, raise func()) {
	if x.serveInstead(fault, 0) || x.answerByPolicy(fault, 0) {
		return
	}
	if raise != nil {
		raise()
	}
	code, reason := http.StatusBadGateway, ReasonUnreachable
	switch fault {
	case ReasonTimeout, ReasonAttempt, ReasonSoftTimeout, ReasonBackOff:
		code, reason = http.StatusGatewayTimeout, ReasonTimeout
	case ReasonMismatch:
		reason = ReasonMismatch
	case ReasonPanic:
		code = http.StatusInternalServerError
	case ReasonCancelled:
		code = http.StatusServiceUnavailable
	}
	x.failHonestly(code, reason)
}

// serveInstead gives the stored response in place of a failure, if it may.
func (x *exchange) serveInstead(fault Reason, fwdStatus int) bool {
	asked := fault
	switch fault {
	case ReasonBackOff:
		asked = x.scope.lastFault()
	case ReasonBudget: // the origin is well: only the windows count
		asked = ReasonSoftTimeout
	}
	reason, usable := x.usable(asked)
	if !usable {
		return false
	}
	if fault == ReasonBackOff || fault == ReasonBudget || fault == ReasonSoftTimeout {
		reason = fault
	}
	x.serveStaleNow(reason, fwdStatus)
	return true
}

// answerByPolicy gives an answer of the policy's: the allow list's to its members, or
// AllowAll's to everyone without a stored denial.
func (x *exchange) answerByPolicy(fault Reason, code int) bool {
	if fault == ReasonCancelled || fault == ReasonThrottled {
		return false
	}
	if x.grantPass(fault, code) {
		return true
	}
	if x.p.Outcome != AllowAll || x.denialStored() {
		return false
	}
	x.synthetic(x.p.allow, ReasonAllow)
	return true
}

// answersFailures reports whether the policy has answers of its own for failures.
func (p *rules) answersFailures() bool { return p.Fallback.List != nil || p.Outcome == AllowAll }

// holds reports whether responses are held back though no stored one could take their place.
func (p *rules) holds() bool { return p.HoldBack || p.answersFailures() }

// outranked gives the policy's answer in place of a stored failure.
func (x *exchange) outranked() bool {
	if !x.facts.has(store.Failed) || !x.p.answersFailures() {
		return false
	}
	x.fault = ReasonErrorStatus
	if x.serveGranted() || x.answerByPolicy(x.fault, x.found.entry.Status()) {
		return true
	}
	x.fault = ""
	return false
}

// denialStored reports whether the last word that is stored for this key was no: to these
// credentials, or where nothing is known of them, to nobody's.
func (x *exchange) denialStored() bool {
	no := x.learned.Denied
	a := x.p.asked(x.r, x.key)
	if key := x.c.denialKey(x.p, &a, x.hash, x.who); key != x.hash {
		if own, known := x.c.keys.Get(key); known {
			no = own.Denied
		}
	}
	return no || x.found.entry != nil && x.p.classOf(x.found.entry.Status()) == denied
}

func (x *exchange) failHonestly(code int, reason Reason) {
	x.synthetic(plainError(code), reason)
}
