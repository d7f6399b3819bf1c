// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
)

// LeaseFeatures say what the leases of a store are good for. The zero value describes
// those that end on time, in a process of their own.
type LeaseFeatures struct {
	// Grain is how much longer than asked for a lease or a note may last, where the
	// backend counts in whole seconds or by a clock of its own. 0 means not at all.
	Grain time.Duration

	// Server is what the store talks to, if that can be paused and started again.
	Server Server

	// Reopen opens another store on the same backend, as another process does. nil
	// means that there is only one.
	Reopen func(t *testing.T, s store.Store) store.Store
}

// RunLease checks that the leases of a store keep the contract of [store.Leaser]. For every
// case it opens a store, which may share its backend with the others. It takes some
// seconds, and eight times the Grain.
func RunLease(t *testing.T, open func(t *testing.T) store.Store, f LeaseFeatures) {
	for _, c := range leaseCases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			l, err := store.LeaserOf(s)
			require.NoError(t, err, "the store leases")
			t.Cleanup(func() { require.NoError(t, store.Close(s)) })
			c.check(leaseSuite{t, s, l, f})
		})
	}
}

var leaseCases = []struct {
	name  string
	check func(leaseSuite)
}{
	{"Take", leaseSuite.take},
	{"Concurrent", leaseSuite.concurrent},
	{"Exclusive", leaseSuite.exclusive},
	{"Expiry", leaseSuite.expiry},
	{"Prolong", leaseSuite.prolong},
	{"Release", leaseSuite.release},
	{"ReleaseLate", leaseSuite.releaseLate},
	{"Notes", leaseSuite.notes},
	{"Entries", leaseSuite.entries},
	{"Keys", leaseSuite.keys},
	{"LongKeys", leaseSuite.longKeys},
	{"Cancelled", leaseSuite.cancelled},
	{"DeadlineExceeded", leaseSuite.deadlineExceeded},
	{"Paused", leaseSuite.paused},
	{"FirstCallPaused", leaseSuite.firstCallPaused},
	{"Restarted", leaseSuite.restarted},
	{"Close", leaseSuite.close},
}

const (
	// briefly is what leases get whose end is waited for, and long the others.
	briefly = 300 * time.Millisecond
	long    = 10 * time.Minute

	// patience is what calls get that must succeed, on a busy machine too.
	patience = 20 * time.Second

	holders = 50
)

// leaseSuite is one case under way.
type leaseSuite struct {
	*testing.T
	store    store.Store
	leaser   store.Leaser
	features LeaseFeatures
}

// key returns one that no other case uses.
func (s leaseSuite) key(suffix string) string { return suite{T: s.T}.key(suffix) }

// elsewhere returns the leases as another process sees them.
func (s leaseSuite) elsewhere() store.Leaser {
	s.Helper()
	if s.features.Reopen == nil {
		return s.leaser
	}
	other := s.features.Reopen(s.T, s.store)
	s.Cleanup(func() { require.NoError(s, store.Close(other)) })
	l, err := store.LeaserOf(other)
	require.NoError(s, err)
	return l
}

func (s leaseSuite) within(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.Context(), d)
}

// ask returns who has the lease on key after the holder has asked for it.
func (s leaseSuite) ask(l store.Leaser, key string, holder store.Holder, d time.Duration) store.Holder {
	s.Helper()
	ctx, cancel := s.within(patience)
	defer cancel()
	got, err := l.Lease(ctx, key, holder, d)
	require.NoError(s, err)
	return got
}

func (s leaseSuite) gets(key string, holder store.Holder, d time.Duration, rule string) {
	s.Helper()
	require.Equal(s, holder, s.ask(s.leaser, key, holder, d), rule)
}

// has fails unless whoever asks for the lease learns that this one has it.
func (s leaseSuite) has(key string, holder store.Holder, rule string) {
	s.Helper()
	require.Equal(s, holder, s.ask(s.leaser, key, store.NewHolder(), long), rule)
}

func (s leaseSuite) letGo(key string, holder, note store.Holder, d time.Duration) {
	s.Helper()
	ctx, cancel := s.within(patience)
	defer cancel()
	require.NoError(s, s.leaser.Release(ctx, key, holder, note, d), "Release fails only where the store does")
}

// free is what Release leaves where it leaves no note.
var free store.Holder

func (s leaseSuite) take() {
	key, one := s.key("take"), store.NewHolder()
	s.gets(key, one, long, "a lease that nobody has is given to who asks for it")
	s.has(key, one, "another one doesn't get it, and learns who has it")
	require.Equal(s, one, s.ask(s.elsewhere(), key, store.NewHolder(), long), "nor does another process")
	s.has(key, one, "to be refused changes nothing")

	two := store.NewHolder()
	s.gets(s.key("other"), two, long, "leases on other keys are others")
}

// concurrent: leases that were never taken, ended, were released, or of which only a note
// was left that ended are each given to one of many that come at once.
func (s leaseSuite) concurrent() {
	const rounds = 5
	before := map[string]func(key string, holder store.Holder){
		"never taken": func(string, store.Holder) {},
		"ended":       func(key string, h store.Holder) { s.gets(key, h, briefly, "it is free") },
		"released": func(key string, h store.Holder) {
			s.gets(key, h, long, "it is free")
			s.letGo(key, h, free, 0)
		},
		"under a note that ended": func(key string, h store.Holder) {
			s.gets(key, h, long, "it is free")
			s.letGo(key, h, store.LeaseFailed, briefly)
		},
	}
	keys := map[string]string{}
	for range rounds {
		for what, prepare := range before {
			key := s.key(what)
			prepare(key, store.NewHolder())
			keys[key] = what
		}
	}
	time.Sleep(briefly + s.features.Grain + time.Millisecond)
	other := s.elsewhere()
	for key, what := range keys {
		s.race(key, []store.Leaser{s.leaser, other}, what)
	}
}

// race lets many ask at once.
func (s leaseSuite) race(key string, leasers []store.Leaser, what string) {
	s.Helper()
	ctx, cancel := s.within(patience)
	defer cancel()
	var asked, told [holders]store.Holder
	var group errgroup.Group
	start := make(chan struct{})
	for i := range holders {
		asked[i] = store.NewHolder()
		group.Go(func() (err error) {
			<-start
			told[i], err = leasers[i%len(leasers)].Lease(ctx, key, asked[i], long)
			return err
		})
	}
	close(start)
	require.NoError(s, group.Wait(), what)
	winners := 0
	for i := range holders {
		if told[i] == asked[i] {
			winners++
		}
		require.Equal(s, told[0], told[i], "all who ask at once are told the same name (%s)", what)
	}
	require.Equal(s, 1, winners, "of those who ask at once exactly one gets the lease (%s)", what)
}

// exclusive lets workers take and release a lease again and again.
func (s leaseSuite) exclusive() {
	ctx, cancel := s.within(patience)
	defer cancel()
	key, leasers := s.key("exclusive"), []store.Leaser{s.leaser, s.elsewhere()}
	var inside, taken atomic.Int64
	var group errgroup.Group
	for worker := range workers {
		group.Go(func() error {
			for range 2 * rounds {
				if err := enter(ctx, leasers[worker%len(leasers)], key, &inside, &taken); err != nil {
					return err
				}
				time.Sleep(100 * time.Microsecond)
			}
			return nil
		})
	}
	require.NoError(s, group.Wait())
	require.Positive(s, taken.Load())
}

// enter takes a lease, if it gets it, stays for a moment, and releases it.
func enter(ctx context.Context, l store.Leaser, key string, inside, taken *atomic.Int64) error {
	holder := store.NewHolder()
	got, err := l.Lease(ctx, key, holder, long)
	if err != nil || got != holder {
		return err
	}
	n := inside.Add(1)
	taken.Add(1)
	time.Sleep(100 * time.Microsecond)
	if inside.Add(-1); n != 1 {
		return fmt.Errorf("no two have the lease at once: %d had it", n)
	}
	return l.Release(ctx, key, holder, free, 0)
}

func (s leaseSuite) release() {
	for _, note := range []store.Holder{free, store.LeaseFailed} {
		key, one, two := s.key("release"), store.NewHolder(), store.NewHolder()
		s.letGo(key, one, note, long)
		s.gets(key, one, long, "Release of what nobody has does nothing")
		s.letGo(key, two, note, long)
		s.has(key, one, "Release by another than the holder does nothing")
		s.letGo(s.key("other"), one, note, long)
		s.has(key, one, "nor does Release of another key")

		s.letGo(key, one, free, 0)
		s.gets(key, two, long, "a lease that was released is free at once")
		s.letGo(key, one, note, long)
		s.has(key, two, "who has released a lease can't release the next one's")
		s.letGo(key, two, free, long)
		s.gets(key, one, long, "a lease can be released again and again")
	}
}

// entries: leases have nothing to do with what is stored under the same keys.
func (s leaseSuite) entries() {
	bare := suite{T: s.T, store: s.store}
	e, one := bare.plain(s.key("entries"), "body"), store.NewHolder()
	s.gets(e.Key(), one, long, "it is free")
	bare.expectMiss(e.Key(), "a lease is no entry")
	bare.setsIfAbsent(e, true, "a lease doesn't stand in the way of an entry")
	bare.expect(e, "an entry is stored beside a lease")
	bare.set(e)
	s.has(e.Key(), one, "an entry leaves the lease on its key alone")
	require.NoError(s, s.store.Delete(s.Context(), e.Key()))
	s.has(e.Key(), one, "and so does Delete")
	bare.set(e)
	bare.notScannedTwice(e)
	s.letGo(e.Key(), one, store.LeaseUnshared, long)
	bare.expect(e, "a note leaves the entry alone")
	s.has(e.Key(), store.LeaseUnshared, "an entry leaves the note on its key alone")

	other := bare.plain(s.key("other"), "body")
	bare.set(other)
	s.gets(other.Key(), one, long, "an entry doesn't stand in the way of a lease")
	bare.expect(other, "a lease leaves the entry alone")
	s.letGo(other.Key(), one, free, 0)
	bare.expect(other, "and so does Release")
}

// notScannedTwice: a scan yields the entry, and no lease.
func (s suite) notScannedTwice(e *store.Entry) {
	s.Helper()
	if !s.scans() {
		return
	}
	found := 0
	for got, err := range store.Scan(s.Context(), s.store) {
		require.NoError(s, err, "a lease doesn't disturb a Scan")
		if got.Key() == e.Key() {
			found++
		}
	}
	require.Equal(s, 1, found, "Scan yields entries, not leases")
}

func (s leaseSuite) keys() {
	base, owners := s.key(""), map[string]store.Holder{}
	for _, suffix := range oddKeys {
		owners[suffix] = store.NewHolder()
		s.gets(base+suffix, owners[suffix], long, fmt.Sprintf("keys are arbitrary bytes: %q", suffix))
	}
	for suffix, owner := range owners {
		s.has(base+suffix, owner, fmt.Sprintf("keys are compared exactly: %q", suffix))
	}
	for suffix, owner := range owners {
		s.letGo(base+suffix, owner, free, 0)
		s.gets(base+suffix, store.NewHolder(), long, fmt.Sprintf("keys are compared exactly: %q", suffix))
	}
}

// oddKeys are what keys end with that are easily taken for one another.
var oddKeys = []string{
	"", "a", "A", "a ", " a", "a\n", "a\r\ngets b", "\x00", "a\x00", "a\x00b", "\t", "\x7f", "//", "../", "a%2Fb", "a/b", "a*",
	"{a}", "{a}b", "é", "e\u0301", "\xff\xfe", "\xc3", "'; DROP TABLE e; --", `"`, "%s%d", "$1", "_", "%", "lease", ":lease",
}

func (s leaseSuite) longKeys() {
	for _, n := range []int{250, 251, 256, 4 << 10, store.MaxKeyLen} {
		base := s.key("")
		base += strings.Repeat("k", n-len(base)-1)
		one, two := store.NewHolder(), store.NewHolder()
		rule := fmt.Sprintf("keys of %d bytes that differ in the last are two keys", n)
		s.gets(base+"1", one, long, rule)
		s.gets(base+"2", two, long, rule)
		s.has(base+"1", one, rule)
		s.has(base+"2", two, rule)
	}
	s.gets(rand.Text(), store.NewHolder(), long, "short keys are keys too")
}
