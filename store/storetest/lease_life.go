// SPDX-License-Identifier: MIT

package storetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// span is when something may end that was asked for between two instants.
type span struct{ earliest, latest time.Time }

// from returns when what lasts d must end, if the call that asked for it has just
// returned.
func (s leaseSuite) from(began time.Time, d time.Duration) span {
	return span{began.Add(d), time.Now().Add(d + s.features.Grain)}
}

// ends asks again and again until what stands is over. What it finds counts as of before
// it asked, or after it was answered, whichever is in favour of the store.
func (s leaseSuite) ends(key string, stands store.Holder, in span, what string) {
	s.Helper()
	for holder := store.NewHolder(); ; {
		began := time.Now()
		got := s.ask(s.leaser, key, holder, long)
		if got == holder {
			require.False(s, time.Now().Before(in.earliest), "%s doesn't end before its time, but %v earlier", what, time.Until(in.earliest))
			return
		}
		require.Equal(s, stands, got, "%s stands until it ends", what)
		require.False(s, began.After(in.latest), "%s ends by itself, and not later than the declared Grain allows", what)
		time.Sleep(5 * time.Millisecond)
	}
}

func (s leaseSuite) expiry() {
	key, one := s.key("expiry"), store.NewHolder()
	began := time.Now()
	s.gets(key, one, briefly, "it is free")
	s.ends(key, one, s.from(began, briefly), "a lease")
}

// inTime repeats what a busy machine may be too slow for.
func (s leaseSuite) inTime(try func() bool) {
	s.Helper()
	for range attempts {
		if try() {
			return
		}
	}
	require.Fail(s, "too slow", "calls took longer than a lease of %v lasts, in each of %d attempts", briefly, attempts)
}

// prolong: a lease lasts from the last time that its holder asked for it.
func (s leaseSuite) prolong() {
	s.inTime(func() bool {
		key, one := s.key("prolong"), store.NewHolder()
		first := time.Now()
		s.gets(key, one, briefly, "it is free")
		over := time.Now().Add(briefly + s.features.Grain)
		time.Sleep(briefly / 3)
		began, more := time.Now(), time.Until(over)+briefly
		got := s.ask(s.leaser, key, one, more)
		if !time.Now().Before(first.Add(briefly)) {
			return false
		}
		require.Equal(s, one, got, "the holder of a lease gets it again")
		end := s.from(began, more)
		time.Sleep(time.Until(over))
		got = s.ask(s.leaser, key, store.NewHolder(), long)
		if !time.Now().Before(end.earliest) {
			return false
		}
		require.Equal(s, one, got, "a lease that was prolonged stands longer than it was given for at first")
		s.ends(key, one, end, "a lease that was prolonged")
		return true
	})
}

// releaseLate: a holder whose lease has ended can't release it.
func (s leaseSuite) releaseLate() {
	notes := []store.Holder{free, store.LeaseFailed}
	taken, ended := make([]string, len(notes)), make([]string, len(notes))
	one, two := store.NewHolder(), store.NewHolder()
	for i := range notes {
		taken[i], ended[i] = s.key("taken"), s.key("ended")
		s.gets(taken[i], one, briefly, "it is free")
		s.gets(ended[i], one, briefly, "it is free")
	}
	time.Sleep(briefly + s.features.Grain + time.Millisecond)
	for i, note := range notes {
		s.gets(taken[i], two, long, "a lease that has ended is free")
		s.letGo(taken[i], one, note, long)
		s.has(taken[i], two, "Release by who had the lease before does nothing")
		s.letGo(ended[i], one, note, long)
		s.gets(ended[i], two, long, "Release of a lease that has ended leaves nothing in its place")
	}
}

func (s leaseSuite) notes() {
	other := s.elsewhere()
	for what, note := range map[string]store.Holder{"LeaseFailed": store.LeaseFailed, "LeaseUnshared": store.LeaseUnshared} {
		s.inTime(func() bool { return s.note(s.key(what), note, other) })
	}
}

// note reports whether it was quick enough to find the note before that ended.
func (s leaseSuite) note(key string, note store.Holder, elsewhere store.Leaser) bool {
	s.Helper()
	one := store.NewHolder()
	s.gets(key, one, long, "it is free")
	began := time.Now()
	s.letGo(key, one, note, briefly)
	end := s.from(began, briefly)
	answers := map[string]store.Holder{
		"another one":     s.ask(s.leaser, key, store.NewHolder(), long),
		"another process": s.ask(elsewhere, key, store.NewHolder(), long),
		"who left it":     s.ask(s.leaser, key, one, long),
	}
	s.letGo(key, one, free, 0)
	s.letGo(key, store.NewHolder(), store.LeaseFailed, long)
	if !time.Now().Before(end.earliest) {
		return false
	}
	for who, answer := range answers {
		require.Equal(s, note, answer, "%s finds the note", who)
	}
	s.ends(key, note, end, "a note, which nobody can release,")
	return true
}
