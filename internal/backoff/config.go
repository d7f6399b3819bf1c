// SPDX-License-Identifier: MIT

package backoff

import "time"

// Defaults of [Config].
const (
	DefaultFirst         = time.Second
	DefaultMax           = 30 * time.Second
	DefaultJitter        = 0.1
	DefaultFailAfter     = 3
	DefaultTricklePerKey = 0.2
	DefaultTrickleMin    = 1
	DefaultTrickleMax    = 10
	DefaultAskedWindow   = 10 * time.Second
	DefaultBackground    = 100
)

// MaxRetryAfter is the longest Retry-After that is obeyed. A response that asks
// for more, by mistake or in bad faith, doesn't stop its key for longer.
const MaxRetryAfter = time.Hour

// Config says how patient the cache is with an origin. [Step] expects one that
// went through [Config.WithDefaults].
type Config struct {
	// First is how long a key rests after its first failure; each further
	// failure in a row doubles it up to Max. 0 means 1 s, negative no rest.
	First time.Duration
	// Max bounds the rest of a key, before jitter. 0 means 30 s; less than
	// First means First.
	Max time.Duration
	// Jitter is the share by which a rest is lengthened or shortened at
	// random, at most 1. 0 means 0.1, negative none.
	Jitter float64

	// FailAfter is how many failures in a row make a scope fail. 0 means 3,
	// negative that a scope never fails.
	FailAfter int
	// TricklePerKey is how many probes per second a failing scope gets for
	// each key with a servable copy that was asked for within AskedWindow.
	// 0 or less means 0.2. At most 64 keys are counted.
	TricklePerKey float64
	// TrickleMin and TrickleMax bound the probes per second of a failing
	// scope. 0 or less means 1 and 10; a TrickleMax below TrickleMin means
	// TrickleMin.
	TrickleMin, TrickleMax float64
	// AskedWindow is how long a key counts as asked for. 0 or less means 10 s.
	AskedWindow time.Duration

	// Background is the budget of a scope for background fetches, per second,
	// with a burst of a tenth of it, at least one. 0 means 100, negative no
	// bound.
	Background float64
	// Total, where it is more than 0, takes the place of Background: the budget for
	// all fetches of keys that have a servable copy, also those that somebody waits
	// for. They are evenly spaced, so that no second sees more.
	Total float64
}

// apart is how much further than agreed fetches of a total budget are apart, so that a
// little more delay for one than for the next doesn't bring them closer at the origin.
const apart = 1.01

// budget returns the rate that bounds a fetch with a servable copy.
func (c Config) budget(e Event) rate {
	switch {
	case c.Total > 0:
		return rate{perSecond: c.Total / apart, burst: 1}
	case e.Background:
		return rate{perSecond: c.Background, burst: max(c.Background/10, 1)}
	}
	return rate{}
}

// WithDefaults returns c with its zero values replaced.
func (c Config) WithDefaults() Config {
	c.First = orDefault(c.First, DefaultFirst)
	c.Max = max(orDefault(c.Max, DefaultMax), c.First)
	c.Jitter = min(orDefault(c.Jitter, DefaultJitter), 1)
	c.FailAfter = orDefault(c.FailAfter, DefaultFailAfter)
	c.TricklePerKey = orDefault(max(c.TricklePerKey, 0), DefaultTricklePerKey)
	c.TrickleMin = orDefault(max(c.TrickleMin, 0), DefaultTrickleMin)
	c.TrickleMax = max(orDefault(max(c.TrickleMax, 0), DefaultTrickleMax), c.TrickleMin)
	c.AskedWindow = orDefault(max(c.AskedWindow, 0), DefaultAskedWindow)
	c.Background = orDefault(c.Background, DefaultBackground)
	return c
}

func orDefault[T ~int | ~int64 | ~float64](value, otherwise T) T {
	if value == 0 {
		return otherwise
	}
	return value
}

// rest returns how long a key rests after so many failures in a row.
func (c Config) rest(failures uint16, random float64) time.Duration {
	if c.First < 0 || failures == 0 {
		return 0
	}
	d := c.First
	for range failures - 1 {
		if d >= c.Max/2 {
			d = c.Max
			break
		}
		d *= 2
	}
	return d + time.Duration(float64(d)*max(c.Jitter, 0)*(2*random-1))
}

// longestRest returns the longest that rest can return.
func (c Config) longestRest() time.Duration {
	return c.Max + time.Duration(float64(c.Max)*max(c.Jitter, 0))
}
