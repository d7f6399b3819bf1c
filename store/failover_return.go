// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"time"
)

// clockError is how far the clocks of two processes may lie apart.
const clockError = 5 * time.Second

// comeback is the return of a member after another had stood in for it.
type comeback struct {
	at      Position  // of its mark in the member's journal, if that has one
	instant int64     // in Unix nanoseconds where entries don't name that journal, else 0
	known   time.Time // since when
}

// missed reports whether an entry of the member may be from before the return.
func (b *comeback) missed(e *Entry) bool {
	for i := range e.NumAsOf() {
		if p := e.AsOf(i); p.Epoch == b.at.Epoch && p.Seq >= b.at.Seq {
			return false
		}
	}
	return b.instant == 0 || e.RequestTime() < b.instant+int64(clockError)
}

// noteReturn writes the return of a member into its journal, so that every process looks into
// the next member too for what is older.
func (f *Failover) noteReturn(m *member) error {
	if len(f.members) == 1 {
		return nil
	}
	var back comeback
	if m.journal != nil {
		ctx, cancel := context.WithTimeout(f.ctx, probeTimeout)
		defer cancel()
		mark := Mark{Hash: ReturnHash, Source: Position{Epoch: f.epoch, Seq: f.returns.Add(1)}}
		p, err := m.journal.Append(ctx, []Mark{mark})
		if err != nil {
			return err
		}
		back.at = p
	}
	if !m.journal.followed() {
		back.instant = time.Now().UnixNano()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	back.known = time.Now()
	if was := m.back.Load(); was == nil || was.at.Epoch != back.at.Epoch || was.at.Seq <= back.at.Seq {
		m.back.Store(&back)
	}
	return nil
}

// learn looks for returns in a page of the member's journal, which was asked for at began.
func (m *member) learn(page JournalPage, began time.Time) {
	var seq uint64
	for i, mark := range page.Marks {
		if mark.Hash == ReturnHash {
			seq = page.Base + uint64(i) + 1
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.back.Load()
	switch {
	case was != nil && was.at.Epoch == page.Epoch:
		if seq <= was.at.Seq {
			return
		}
	case was != nil && began.Before(was.known): // the page is older than that
		return
	}
	if seq == 0 && was == nil {
		return
	}
	// A journal that began anew says nothing of the entries: those from before are still there.
	m.back.Store(&comeback{at: Position{Epoch: page.Epoch, Seq: seq}, known: time.Now()})
}

// newest looks into the member that stood in for the one at that place, where that one has
// nothing or an entry of before its return, and returns the newer of both entries.
func (f *Failover) newest(ctx context.Context, c *call, first, place int, e *Entry, err error) (*Entry, error) {
	m := f.nth(first, place)
	back := m.back.Load()
	if back == nil || e != nil && !back.missed(e) {
		return e, err
	}
	key := c.text()
	before := f.writes.count(key)
	a, failed := f.askNext(ctx, c, first, place)
	if failed != nil || a.entry == nil || e != nil && !a.entry.Newer(e) {
		return e, err
	}
	f.fill.put(fill{memberStore{m.store, f, m}, key, a.entry, before})
	return a.entry, nil
}

// newestOfMany does so for several keys, in one round trip.
func (f *Failover) newestOfMany(ctx context.Context, c *call, first, place int, entries []*Entry) {
	m := f.nth(first, place)
	back := m.back.Load()
	if back == nil {
		return
	}
	var keys []string
	var at []int
	var before []uint64
	for i, e := range entries {
		if e == nil || back.missed(e) {
			keys, at, before = append(keys, c.keys[i]), append(at, i), append(before, f.writes.count(c.keys[i]))
		}
	}
	if len(keys) == 0 {
		return
	}
	a, _ := f.askNext(ctx, &call{op: opGetMany, keys: keys}, first, place)
	for n, e := range a.many {
		if was := entries[at[n]]; e != nil && (was == nil || e.Newer(was)) {
			entries[at[n]] = e
			f.fill.put(fill{memberStore{m.store, f, m}, keys[n], e, before[n]})
		}
	}
}

// askNext asks the next closed member behind a place of the order.
func (f *Failover) askNext(ctx context.Context, c *call, first, place int) (answer, error) {
	for place++; place < len(f.members); place++ {
		m := f.nth(first, place)
		if t, is := m.asked(Closed); is {
			return f.ask(ctx, m, t, f.after(first, place, Closed), c)
		}
	}
	return answer{}, ErrNotFound
}

// memberStore is a member as a store to be copied to, while it is closed.
type memberStore struct {
	Store
	f *Failover
	m *member
}

func (s memberStore) SetIfNewer(ctx context.Context, key string, e *Entry) (bool, error) {
	c := &call{op: opSetIfNewer, key: key, entry: e}
	t, is := s.m.asked(Closed)
	if !is {
		return false, c.op.failure(ErrUnavailable)
	}
	a, err := s.f.ask(ctx, s.m, t, false, c)
	return a.done, err
}
