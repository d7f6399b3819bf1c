// SPDX-License-Identifier: MIT

package holdover

import (
	"time"
)

// Reason says why something happened. The forward reasons are those of RFC 9211 §2.2.
type Reason string

// Reasons of answers.
const (
	ReasonHit       Reason = "hit"       // a fresh stored response
	ReasonFreshened Reason = "freshened" // stored anew because of what HEAD told of it

	// Forward reasons (RFC 9211 §2.2).
	ReasonBypass   Reason = "bypass"
	ReasonMethod   Reason = "method"
	ReasonURIMiss  Reason = "uri-miss"
	ReasonVaryMiss Reason = "vary-miss"
	ReasonStale    Reason = "stale"
	ReasonRequest  Reason = "request"
	ReasonPartial  Reason = "partial"

	// Why a stale response was given.
	ReasonStaleWhileRevalidate Reason = "stale-while-revalidate"
	ReasonStaleIfError         Reason = "stale-if-error" // within a stale-if-error window
	ReasonDisconnected         Reason = "disconnected"   // the origin can't be reached (RFC 9111 §4.2.4)
	ReasonSoftTimeout          Reason = "soft-timeout"   // the fetch goes on behind
	ReasonBackOff              Reason = "back-off"       // the origin fails and is spared
	ReasonBudget               Reason = "budget"         // its turn to be fetched has not come, see Origin.FetchRate
	ReasonMaxStale             Reason = "max-stale"      // the client accepts it

	// Answers of Holdover's own.
	ReasonFallback     Reason = "fallback"       // a credential on the allow list
	ReasonAllow        Reason = "allow"          // the outcome policy AllowAll
	ReasonTimeout      Reason = "timeout"        // 504: the handler didn't answer in time
	ReasonUnreachable  Reason = "unreachable"    // 502: the handler failed without an answer
	ReasonOnlyIfCached Reason = "only-if-cached" // 504 (RFC 9111 §5.2.1.7)
	ReasonClientGone   Reason = "client-gone"    // nobody was there to be answered

	// How a fetch failed.
	ReasonErrorStatus Reason = "error-status"
	ReasonThrottled   Reason = "throttled"
	ReasonTransport   Reason = "transport-error"
	ReasonPanic       Reason = "panic"
	ReasonTruncated   Reason = "truncated"
	ReasonAttempt     Reason = "attempt-timeout" // given up for the stale copy's sake, the key is free again
	ReasonCancelled   Reason = "cancelled"       // by Close, or because its only client left

	// Why a response was not stored.
	ReasonNoStore       Reason = "no-store"
	ReasonPrivate       Reason = "private"
	ReasonSetCookie     Reason = "set-cookie"
	ReasonAuthorization Reason = "authorization"
	ReasonVaryStar      Reason = "vary-star"
	ReasonNoLifetime    Reason = "no-lifetime"
	ReasonEventStream   Reason = "event-stream" // it has no end
	ReasonTooLarge      Reason = "too-large"
	ReasonNoRoom        Reason = "no-room" // Config.MaxInFlight
	ReasonUnstorable    Reason = "unstorable"
	ReasonPurged        Reason = "purged"             // while it was fetched
	ReasonMismatch      Reason = "validator-mismatch" // a 304 that names another validator (RFC 9111 §4.3.4)
	ReasonOutcome       Reason = "outcome"

	// Why something was dropped or marked.
	ReasonPurge      Reason = "purge"
	ReasonUnsafe     Reason = "unsafe-method" // RFC 9111 §4.4
	ReasonGone       Reason = "gone"          // 404 or 410
	ReasonDenied     Reason = "denied"
	ReasonOK         Reason = "ok"
	ReasonStoreError Reason = "store-error"
	ReasonUnreadable Reason = "unreadable" // damaged, or written by another program or release
)

// EventKind says what an Event is about.
type EventKind uint8

const (
	// EventAnswer: a request was answered. One for every request.
	EventAnswer EventKind = iota + 1
	// EventFetch: a fetch ended. Reason is ok or says how it failed; Panic
	// and Stack are set if the handler panicked.
	EventFetch
	// EventStored: a response was stored.
	EventStored
	// EventRefused: a response was not stored, for Reason.
	EventRefused
	// EventDropped: a stored response was deleted or marked as purged.
	EventDropped
	// EventStoreError: the store failed. The request went on without it.
	EventStoreError
	// EventUnreadable: a stored value could not be read, for Err. It counts as not
	// there, and the next response takes its place.
	EventUnreadable
	// EventJournal: the journal of purges got out of reach, for Err (ReasonUnreachable), or is
	// back (ReasonOK), or has lost marks, so that what is stored is revalidated (ReasonPurge).
	EventJournal
	// EventGrant: the fallback let a client pass. Made for an audit log: it
	// names the key, never the credential.
	EventGrant
)

// String returns the kind in one word.
func (k EventKind) String() string {
	switch k {
	case EventAnswer:
		return "answer"
	case EventFetch:
		return "fetch"
	case EventStored:
		return "stored"
	case EventRefused:
		return "refused"
	case EventDropped:
		return "dropped"
	case EventStoreError:
		return "store-error"
	case EventUnreadable:
		return "unreadable"
	case EventJournal:
		return "journal"
	case EventGrant:
		return "grant"
	default:
		return "unknown"
	}
}

// Event is one decision. It is passed by value and holds nothing of the request
// that could be recycled; the query is left out, since queries hold secrets.
type Event struct {
	Kind   EventKind
	Reason Reason // why: one of the constants above

	Method string
	Host   string
	Path   string
	Status int // of the answer or of the fetched response; 0 for none

	// Stale says that a stored response was given beyond its lifetime.
	Stale bool
	// Collapsed says that the answer came from a fetch that another request began.
	Collapsed bool
	// Background says that no request waited for the fetch when it began.
	Background bool
	// Fault says what went wrong at the origin, where that is why a stale or
	// synthetic answer was given: one of the reasons under "How a fetch failed".
	Fault Reason

	Duration time.Duration // of a fetch, or until the answer's header went out
	Err      error         // of a store or of the transport
	Panic    any           // what the handler panicked with
	Stack    []byte        // where it did
}

// emit tells the hook and the counters. It is called outside all locks.
func (c *Cache) emit(e Event) {
	c.count(e)
	if c.cfg.OnEvent != nil {
		c.callHook(e)
	}
}

// callHook survives a panicking hook: it must not cost a request its answer.
func (c *Cache) callHook(e Event) {
	defer func() {
		if recover() != nil {
			c.counters.add(cHookPanics)
		}
	}()
	c.cfg.OnEvent(e)
}

func (c *Cache) count(e Event) {
	switch e.Kind {
	case EventAnswer:
		c.countAnswer(e)
	case EventFetch:
		c.counters.add(cFetches)
		if e.Reason != ReasonOK && e.Reason != ReasonCancelled {
			c.counters.add(cFetchFailures)
		}
	case EventStored:
		c.counters.add(cStored)
	case EventDropped:
		c.counters.add(cPurges)
	case EventStoreError:
		c.counters.add(cStoreErrors)
	case EventUnreadable:
		c.counters.add(cUnreadable)
	case EventJournal:
		if e.Reason == ReasonPurge {
			c.counters.add(cJournalLosses)
		}
	case EventGrant:
		c.counters.add(cGrants)
	}
}

func (c *Cache) countAnswer(e Event) {
	if e.Reason == ReasonHit { // counted without a request, for the hit path's sake
		c.counters.add(cHits)
		return
	}
	list := [3]counter{cRequests}
	n := 1
	add := func(k counter) { list[n] = k; n++ }
	switch e.Reason {
	case ReasonFallback, ReasonAllow, ReasonTimeout, ReasonUnreachable, ReasonOnlyIfCached:
		add(cSynthetic)
	default:
		if e.Stale {
			add(cStale)
			break
		}
		add(cForwarded)
		if e.Collapsed {
			add(cCollapsed)
		} else if e.Reason == ReasonBypass || e.Reason == ReasonMethod {
			add(cBypassed)
		}
	}
	c.counters.add(list[:n]...)
}
