// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// Config is what a Cache is made of. The zero value is a shared cache with a
// memory store of 256 MiB. Durations and sizes: 0 means the default.
type Config struct {
	// Store keeps the responses. Default: stores/memory with 256 MiB, which
	// Close closes; a store given here is the caller's to close. One outside of this
	// process gets a breaker, see store.WithBreaker: while it fails, requests go on
	// without it at once.
	Store store.Store

	// Journal is where the purges of all processes stand that share stored
	// responses. Default: the store's own, where it has that power, and those of all
	// members of a store.Failover. Without one, purges are exact in this process only,
	// and until it is restarted.
	Journal store.Journal

	// JournalGrace is how long responses are used as before after the journal got
	// out of reach: then all but those that were fetched since count as purged
	// softly, that is as stale. Default: 5 s.
	JournalGrace time.Duration

	// FleetLease makes the fetch of a key one among all processes that share the
	// store: the others wait for what it brings, and take over if the process dies. It
	// costs each miss two round trips more, and where the store fails everybody fetches.
	// The store must be able to lease keys, see store.Leaser.
	FleetLease bool

	// Policy of Handler. Cache.With makes further ones.
	Policy Policy

	// StoreTimeout bounds all store work that one request waits for. A write, for
	// which no request waits, gets a second where that is more. Default: 50 ms.
	StoreTimeout time.Duration

	// MaxInFlight bounds the bytes that all fetches buffer together. A fetch
	// that finds no room runs unshared and unstored. A quarter of it at most is held
	// by responses that are stored while their clients read them, such as parts.
	// Default: 64 MiB.
	MaxInFlight int64

	// MaxVariants bounds the stored variants of one URL. Default: 4096.
	MaxVariants int

	// MaxLife bounds how long anything is stored. Default: 7 days.
	MaxLife time.Duration

	// MaxAbandoned bounds the handlers that outlive their fetch, because
	// they ignore their context. Beyond it, each scope has one fetch at a time;
	// other misses run on their requests' own goroutines, uncollapsed. Default: 64.
	MaxAbandoned int

	// CloseTimeout bounds Close. Default: the policy's hard timeout.
	CloseTimeout time.Duration

	// Detach makes the context of a fetch out of its request's, so that the
	// fetch can outlive the request: whatever a router puts back into a pool
	// when the request ends must be copied. Cancellation is already removed from ctx. A
	// router that recycles nothing needs no copy: return ctx.
	//
	// Without Detach, a fetch outlives its request only where the context
	// holds nothing but net/http's own values. Else ServeHTTP stays until
	// the handler returned: the answer is complete for the client, but its
	// HTTP/1 connection closes after it, and on HTTP/2 nothing is
	// revalidated in the background.
	Detach func(ctx context.Context) context.Context

	// OnEvent is called synchronously with every decision, outside all
	// locks. It must be quick and safe for concurrent use. A panic in it is
	// recovered and counted.
	OnEvent func(Event)

	// Logger gets what an operator must act on. Default: discarded.
	Logger *slog.Logger
}

// Cache is middleware with a store. It is made by New, safe for concurrent use,
// and ended by Close.
type Cache struct {
	cfg      Config
	rules    *rules
	store    store.Store
	ownStore bool
	breaker  *store.Failover // in front of the caller's store; nil where that has one, or needs none
	writes   *writeQueue
	flights  *flight.Group
	turns    *turns
	room     *flight.Room
	copies   *flight.Room // of it, for what is copied while clients read it
	kept     kept
	seen     seen
	keys     *keystate.Table
	own      keystate.Own
	records  records
	marks    *marks.Table
	journals journals
	leases   leases
	opened   time.Time
	grants   *grants
	seed     maphash.Seed
	clock    func() int64 // Unix nanoseconds; replaced in tests
	steps    stepDetector
	counters stripedCounters
	log      *slog.Logger
	closed   atomic.Bool

	reading, writing storeState
}

// View is a Cache under another policy: same store, fetches, purges and counters.
type View struct {
	c     *Cache
	rules *rules
}

// New makes a cache. Whatever is wrong with the configuration comes back as one
// error that joins a *ConfigError for each problem.
func New(cfg Config) (*Cache, error) {
	errs := cfg.setDefaults()
	rules, err := compile(cfg.Policy, cfg.MaxLife)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	cfg.Policy = clonePolicy(cfg.Policy)
	c := &Cache{
		cfg:     cfg,
		rules:   rules,
		store:   cfg.Store,
		flights: flight.NewGroup(cfg.MaxAbandoned),
		turns:   newTurns(cfg.MaxInFlight),
		room:    flight.NewRoom(cfg.MaxInFlight),
		keys:    keystate.New(maxKeyStates),
		grants:  newGrants(),
		seed:    maphash.MakeSeed(),
		clock:   (&wallClock{}).now,
		opened:  time.Now(),
		log:     cfg.Logger,
	}
	c.copies = c.room.Part(cfg.MaxInFlight / 4)
	if c.store == nil {
		c.ownStore = true
		if c.store, err = memory.New(memory.Config{}); err != nil {
			return nil, &ConfigError{Field: "Store", Err: err}
		}
	}
	if behind := store.WithBreaker(c.store); behind != c.store {
		c.breaker, _ = behind.(*store.Failover)
		c.store = behind
	}
	if cfg.FleetLease && store.IsLocal(c.store) {
		return nil, &ConfigError{Field: "FleetLease", Err: errors.New("the store is in this process: no other one knows its leases")}
	}
	if cfg.FleetLease {
		if c.leases.leaser, err = store.LeaserOf(c.store); err != nil {
			return nil, &ConfigError{Field: "FleetLease", Err: fmt.Errorf("the store can't lease keys: %w", err)}
		}
	}
	c.writes = newWriteQueue(c)
	c.openJournals()
	return c, nil
}

// openJournals makes the marks, and follows the journals that there are.
func (c *Cache) openJournals() {
	from := []store.Journal{c.cfg.Journal}
	if c.cfg.Journal == nil {
		from = store.JournalsOf(c.store)
	}
	if len(from) == 0 {
		c.marks = marks.New(0, 0)
		return
	}
	c.marks = marks.New(len(from), c.cfg.JournalGrace)
	for i, j := range from {
		c.journals = append(c.journals, c.follow(c.marks.Shared()[i], j))
	}
}

// maxKeyStates bounds what is remembered about keys that are not stored.
const maxKeyStates = 1 << 16

// setDefaults fills in what is 0 and reports what can't be.
func (cfg *Config) setDefaults() (errs []error) {
	bad := func(field string, value any, want string) {
		errs = append(errs, &ConfigError{Field: field, Err: fmt.Errorf("%v is not %s", value, want)})
	}
	duration := func(field string, d *time.Duration, def time.Duration) {
		if *d < 0 {
			bad(field, *d, "a positive duration")
		}
		if *d == 0 {
			*d = def
		}
	}
	duration("StoreTimeout", &cfg.StoreTimeout, 50*time.Millisecond)
	duration("JournalGrace", &cfg.JournalGrace, 5*time.Second)
	duration("MaxLife", &cfg.MaxLife, DefaultMaxLife)
	hard := orDefault(cfg.Policy.Origin.HardTimeout, defaultHardTimeout, defaultHardTimeout)
	duration("CloseTimeout", &cfg.CloseTimeout, hard)
	switch {
	case cfg.MaxInFlight < 0:
		bad("MaxInFlight", cfg.MaxInFlight, "a number of bytes")
	case cfg.MaxInFlight == 0:
		cfg.MaxInFlight = 64 << 20
	}
	switch {
	case cfg.MaxVariants < 0:
		bad("MaxVariants", cfg.MaxVariants, "a number of variants")
	case cfg.MaxVariants == 0:
		cfg.MaxVariants = 4096
	}
	switch {
	case cfg.MaxAbandoned < 0:
		bad("MaxAbandoned", cfg.MaxAbandoned, "a number of handlers")
	case cfg.MaxAbandoned == 0:
		cfg.MaxAbandoned = 64
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return errs
}

// Handler wraps next. It is middleware for net/http and for every router that
// takes func(http.Handler) http.Handler. A response is known by its URL, not by the
// handler that made it: handlers that answer the same URLs differently need
// Policy.Key to tell them apart, or a cache each.
func (c *Cache) Handler(next http.Handler) http.Handler { return newHandler(c, c.rules, next) }

// Policy returns a copy of the cache's policy, to start another one from.
func (c *Cache) Policy() Policy { return clonePolicy(c.cfg.Policy) }

// With returns a view of the cache under another policy, which replaces the cache's
// as a whole. Errors are as with New.
func (c *Cache) With(p Policy) (*View, error) {
	rules, err := compile(p, c.cfg.MaxLife)
	if err != nil {
		return nil, err
	}
	return &View{c: c, rules: rules}, nil
}

// Handler wraps next under the view's policy.
func (v *View) Handler(next http.Handler) http.Handler { return newHandler(v.c, v.rules, next) }

// With returns a view of the same cache under yet another policy.
func (v *View) With(p Policy) (*View, error) { return v.c.With(p) }

// Policy returns a copy of the view's policy.
func (v *View) Policy() Policy { return clonePolicy(v.rules.Policy) }

// Close ends all background work: it refuses new fetches (handlers then run on
// their requests' own goroutines), cancels those under way, writes what is queued,
// and waits for the handlers, at most for Config.CloseTimeout. The error says how many are
// still running then. Shut the server down first. A second call does nothing.
func (c *Cache) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	var errs []error
	if err := c.turns.close(c.writes.timeout); err != nil {
		errs = append(errs, err)
	}
	running := c.flights.Close(c.cfg.CloseTimeout)
	if err := c.writes.close(); err != nil {
		errs = append(errs, err)
	}
	if err := c.leases.close(2 * c.writes.timeout); err != nil {
		errs = append(errs, err)
	}
	if err := c.journals.close(); err != nil {
		errs = append(errs, err)
	}
	if running > 0 {
		errs = append(errs, fmt.Errorf("%d handlers are still running", running))
	}
	if c.breaker != nil {
		errs = append(errs, c.breaker.Stop())
	}
	if c.ownStore {
		errs = append(errs, store.Close(c.store))
	}
	return errors.Join(errs...)
}
