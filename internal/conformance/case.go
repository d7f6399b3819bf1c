// SPDX-License-Identifier: MIT

package conformance

import (
	"net/http"
	"time"
)

// Case is one rule of an RFC, as an exchange of messages that obeys it.
type Case struct {
	// ID is stable, in kebab-case, and begins with the number of the RFC and of the
	// section: "9111-4.2.1-s-maxage-wins".
	ID string
	// Cite is the paragraph: "RFC 9111 §4.2.1", further ones behind commas.
	Cite string
	// Title says in a sentence what is right.
	Title string
	// For is the profile that the case is for. Default: both.
	For Profile
	// Not names the transports that the case makes no sense over, and why.
	Not map[Transport]string

	Steps []Step
}

// Profile is a policy profile of the cache under test.
type Profile uint8

// The profiles. Both is for cases only, never for a Target.
const (
	Both Profile = iota
	Safe
	RFC
)

// String returns the name as it stands in the names of tests.
func (p Profile) String() string { return [...]string{"both", "safe", "rfc"}[p] }

// Step is one request (or several at once), what the origin answers if it is asked, and
// what is expected. Afterwards time passes.
type Step struct {
	Request Request
	// Also holds other requests of the same moment. Request.Joins puts them in order.
	Also []Other

	// Origin is what the origin answers, to every call of this step, also to
	// those that run behind an answer.
	Origin Answer
	// Then are the answers to the second and later calls; the last one repeats.
	Then []Answer

	Want Want
	// WantRFC stands in place of Want in the profile RFC, where they differ.
	WantRFC *Want

	// Pass is the time after this step. It is free over Direct. Over the others it is
	// real: a case that takes more than MaxReal in all runs over Direct only.
	Pass time.Duration
}

// Lines are header lines, "Name: value". A line "Name" without a colon suppresses what
// the transport or this package would send by itself: Date, Content-Type.
//
// In values, {now} stands for the present date, {start} for that of the case's
// beginning, both with an offset where one is given: {now-10s}, {start+1h}. They are
// written as an IMF-fixdate, {now|rfc850} and {now|asctime} in the obsolete formats.
// {base} is what every URL begins with, "http://example.com" or with https over HTTP2.
type Lines []string

// Request is what a client sends.
type Request struct {
	Method string // default: GET
	Target string // path and query; default: "/"
	Host   string // default: "example.com"
	Header Lines
	Body   string

	Times  int           // how often it is sent at once; default: 1
	Joins  bool          // it is sent when the origin has been called in this step, not before
	After  time.Duration // how long after that, or after the beginning of the step
	Leaves time.Duration // after this the client is gone; nothing is expected of its answer
}

// Other is a further request of a step.
type Other struct {
	Request Request
	Want    Want // Calls and Sees count for the step, they stand in Step.Want
}

// Answer is what the origin does with a request. The zero value is a 200 with a body
// that tells the step, the call and the URL.
type Answer struct {
	Status  int   // default: 200
	Header  Lines // Content-Type is text/plain unless it is given here
	Body    string
	Empty   bool // no body, not even that by default
	Trailer Lines

	Early []Early       // 1xx responses that come first
	Delay time.Duration // before the final header
	Pause time.Duration // in the middle of the body
	// Chunks makes the body be flushed in two parts, so that its length isn't known
	// from the header.
	Chunks bool

	// Fail says how the answer goes wrong, After how many bytes of the body are
	// sent before it does. With 0 there is no header either.
	Fail  Failure
	After int

	// Serve answers in place of all this but Early, Delay and Fail. The body that is
	// expected must then be said in Want.
	Serve http.HandlerFunc
}

// Early is a 1xx response.
type Early struct {
	Status int
	Header Lines
}

// Failure is how an answer goes wrong.
type Failure uint8

// The failures. Over Proxy they happen to a real origin behind a reverse proxy; over the
// others the handler does what fits: the first three call Target.ErrorHandler.
const (
	Nothing     Failure = iota
	Unreachable         // nobody listens
	Closes              // takes the request and closes the connection
	TimesOut            // the origin's answer is waited for in vain
	Hangs               // until the request's context is done
	Deaf                // hangs until the case is over, whatever its context says
	Panics
	Aborts // panics with http.ErrAbortHandler
	Short  // returns normally with less than the Content-Length it declared
)

// By says who made an answer.
type By uint8

// By whom a request is answered.
const (
	// Forwarded: by the origin, once called, with no condition that isn't the client's.
	Forwarded By = iota
	// Stored: from the store; the origin isn't called.
	Stored
	// Validated: the origin is called once, with a condition of the cache's. Where it
	// says 304, the answer is from the store.
	Validated
	// Stale: from the store, whether or not the origin is called: before the answer,
	// in vain, or behind it.
	Stale
	// Own: by the cache itself, such as 504 to only-if-cached. Want.Status says which.
	Own
	// Anyone: nothing is expected of where it comes from.
	Anyone
)

// Want is what is expected of a step. The zero value: the origin is called once, and the
// client gets its status and body.
type Want struct {
	By By
	// Of is the number of the step, from 1, in which the origin sent the body that
	// is expected. Default: for what is stored, the latest earlier one for the same
	// target with the same values in what the answer's Vary names; else this one.
	Of int

	Status int    // default: that of the origin's answer
	Body   string // default: that of the origin's answer, whole
	Empty  bool   // there is no body
	// Parts are those of a multipart/byteranges answer: "2-4/10 234".
	Parts []string

	// Calls is how often the origin is called in this step: "1", "0-2".
	// Default: by By.
	Calls string
	// Sees is what is checked of every request that reaches the origin.
	Sees Checks

	Header  Checks
	Trailer Checks
	// Early are the 1xx responses that came, if not nil, with at least their fields.
	Early []Early
	// CacheStatus are parameters of the cache's own member (RFC 9211), such as
	// "fwd=stale; stored; !collapsed; ttl=8..10". Only for a Target with a CacheName.
	CacheStatus string

	// Aborted: the answer breaks off, or the connection before it.
	Aborted bool
	// Broken: the same, or in its place an honest error of the cache's own, 502 or 504.
	// Which of them it is may be a matter of time.
	Broken bool
}

// OnlyDirect is Case.Not for what takes too long where time is real.
func OnlyDirect(why string) map[Transport]string {
	return map[Transport]string{HTTP1: why, HTTP2: why, Proxy: why}
}
