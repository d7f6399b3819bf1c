// SPDX-License-Identifier: MIT

package holdovertest

import (
	"math"
	"slices"
	"time"
)

// Arrival is a request that reached an Origin.
type Arrival struct {
	Method string
	Host   string
	Path   string
	Query  string // without the question mark
	// Conditional: it had If-None-Match or If-Modified-Since, as those have by which a
	// cache revalidates.
	Conditional bool
	// Phase is the name of the one that was played, "" for none.
	Phase string

	At time.Time
	// AtOnce is how many requests were being answered then, this one included, and
	// AtOnceOfURL how many of them had the same URL.
	AtOnce, AtOnceOfURL int

	// Ended: the handler has returned, or panicked. Until then the following is zero.
	Ended bool
	// Took is how long the handler ran.
	Took time.Duration
	// Cancelled: the request's context ended before the handler did.
	Cancelled bool
}

// URL returns the host, the path and the query.
func (a Arrival) URL() string {
	if a.Query == "" {
		return a.Host + a.Path
	}
	return a.Host + a.Path + "?" + a.Query
}

// Arrivals are requests in order of arrival.
type Arrivals []Arrival

// Between returns those from an instant until another, which isn't part of it.
func (a Arrivals) Between(from, to time.Time) Arrivals {
	return a.where(func(one Arrival) bool { return !one.At.Before(from) && one.At.Before(to) })
}

// During returns those of a phase.
func (a Arrivals) During(phase string) Arrivals {
	return a.where(func(one Arrival) bool { return one.Phase == phase })
}

// Of returns those for a path, whatever their query.
func (a Arrivals) Of(path string) Arrivals {
	return a.where(func(one Arrival) bool { return one.Path == path })
}

func (a Arrivals) where(keep func(Arrival) bool) (found Arrivals) {
	for _, one := range a {
		if keep(one) {
			found = append(found, one)
		}
	}
	return found
}

// ByURL returns those of each URL, whatever their method: HEAD counts as GET does.
func (a Arrivals) ByURL() map[string]Arrivals {
	found := map[string]Arrivals{}
	for _, one := range a {
		found[one.URL()] = append(found[one.URL()], one)
	}
	return found
}

// MostAtOnce returns how many requests were being answered when most were: also such that
// aren't among these.
func (a Arrivals) MostAtOnce() (most int) {
	for _, one := range a {
		most = max(most, one.AtOnce)
	}
	return most
}

// MostAtOnceOfURL returns how many requests for the same URL were being answered when most
// were.
func (a Arrivals) MostAtOnceOfURL() (most int) {
	for _, one := range a {
		most = max(most, one.AtOnceOfURL)
	}
	return most
}

// MostWithin returns how many arrived in the fullest window of that length: two that lie
// exactly so far apart aren't in the same one.
func (a Arrivals) MostWithin(window time.Duration) (most int) {
	a = a.inOrder()
	first := 0
	for last, one := range a {
		for first < last && one.At.Sub(a[first].At) >= window {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// Excess returns by how many arrivals the worst window exceeds a rate, whatever its
// length: in a window of s seconds at most burst + s × perSecond may arrive. It is 0 if
// none does. With a burst of 1 arrivals must be 1/perSecond apart. It is rounded to millionths.
func (a Arrivals) Excess(perSecond float64, burst int) (worst float64) {
	a = a.inOrder()
	// A window exceeds the rate by as much as its last arrival is further ahead of it than
	// its first one, counted from the very first: so the least of those before is enough.
	least := 0.0
	for n, one := range a {
		allowed := perSecond * one.At.Sub(a[0].At).Seconds()
		least = min(least, float64(n)-allowed)
		worst = max(worst, float64(n+1)-allowed-least-float64(burst))
	}
	return math.Round(worst*1e6) / 1e6 // so that exactly at the rate is 0
}

// inOrder returns the arrivals sorted by time.
func (a Arrivals) inOrder() Arrivals {
	byTime := func(one, other Arrival) int { return one.At.Compare(other.At) }
	if slices.IsSortedFunc(a, byTime) {
		return a
	}
	return slices.SortedStableFunc(slices.Values(a), byTime)
}
