// SPDX-License-Identifier: MIT

package holdover

import (
	"math/rand/v2"
	"sync/atomic"
)

// Stats are counters since the cache was made, and a few present values.
type Stats struct {
	Requests  uint64 `json:"requests"`
	Hits      uint64 `json:"hits"`      // answered fresh from the store
	Stale     uint64 `json:"stale"`     // answered beyond the lifetime
	Forwarded uint64 `json:"forwarded"` // answered by the handler
	Collapsed uint64 `json:"collapsed"` // … of these by a fetch that another request began
	Bypassed  uint64 `json:"bypassed"`  // … of these without looking into the store
	Synthetic uint64 `json:"synthetic"` // answers of Holdover's own: fallback, allow, 502, 504

	Fetches       uint64 `json:"fetches"`        // handler calls on the cache's own goroutines
	FetchFailures uint64 `json:"fetch_failures"` // … of these failed or throttled
	Stored        uint64 `json:"stored"`         // handed to the store, which may fail to keep it
	Purges        uint64 `json:"purges"`         // marks, also those of unsafe methods
	Grants        uint64 `json:"grants"`         // clients let through by the fallback
	StoreErrors   uint64 `json:"store_errors"`
	Unreadable    uint64 `json:"unreadable"`     // stored values that could not be read
	WritesDropped uint64 `json:"writes_dropped"` // the queue of store writes was full
	HookPanics    uint64 `json:"hook_panics"`
	JournalLosses uint64 `json:"journal_losses"` // how often marks of other processes were lost

	Running   int     `json:"running"`   // fetches now
	Abandoned int     `json:"abandoned"` // handlers that outlived their fetch and still run
	Queued    int     `json:"queued"`    // fetches that wait for their turn in a budget now
	MarksFill float64 `json:"marks_fill"`

	Unconfirmed int `json:"unconfirmed"` // purges that don't stand in the journal yet
}

// counter names a counter of Stats.
type counter int

const (
	cRequests counter = iota
	cHits
	cStale
	cForwarded
	cCollapsed
	cBypassed
	cSynthetic
	cFetches
	cFetchFailures
	cStored
	cPurges
	cGrants
	cStoreErrors
	cUnreadable
	cWritesDropped
	cHookPanics
	cJournalLosses
	counters
)

// stripes keeps processors from waiting for each other's cache lines.
const stripes = 8

type stripedCounters [stripes]struct {
	n [counters]atomic.Uint64
	_ [64]byte
}

func (s *stripedCounters) add(list ...counter) {
	stripe := &s[rand.Uint32()%stripes]
	for _, c := range list {
		stripe.n[c].Add(1)
	}
}

func (s *stripedCounters) sum(c counter) (n uint64) {
	for i := range s {
		n += s[i].n[c].Load()
	}
	return n
}

// Stats returns the counters. They are read one by one, not at one instant.
func (c *Cache) Stats() Stats {
	s := &c.counters
	return Stats{
		Requests: s.sum(cRequests) + s.sum(cHits), Hits: s.sum(cHits), Stale: s.sum(cStale),
		Forwarded: s.sum(cForwarded), Collapsed: s.sum(cCollapsed), Bypassed: s.sum(cBypassed),
		Synthetic: s.sum(cSynthetic), Fetches: s.sum(cFetches), FetchFailures: s.sum(cFetchFailures),
		Stored: s.sum(cStored), Purges: s.sum(cPurges), Grants: s.sum(cGrants),
		StoreErrors: s.sum(cStoreErrors), Unreadable: s.sum(cUnreadable), WritesDropped: s.sum(cWritesDropped), HookPanics: s.sum(cHookPanics),
		JournalLosses: s.sum(cJournalLosses), Unconfirmed: c.marks.NumPending(),
		Running: c.flights.Running(), Abandoned: c.flights.Abandoned(), Queued: c.turns.length(), MarksFill: c.marks.Fill(),
	}
}
