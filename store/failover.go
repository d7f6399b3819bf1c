// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnavailable says that no member of a Failover may be asked: all of them failed, and are
// tried again in a while. It is returned at once.
var ErrUnavailable = errors.New("no store is available")

// Failover is an ordered list of stores of which the first one that works is used: the
// others stand in for it. It is a breaker where the list has one store only. Make it with
// NewFailover.
//
// Each member has a breaker, which opens after three failures in a row or 16 among the last
// 32 outcomes. A failure is an error or a deadline that ran out, and an answer that took more
// than three quarters of the time that the call had; what isn't found and callers that
// gave up count as nothing. An open member isn't asked. Behind the
// callers it is given copies of their calls, every 100 ms at first, every 2 s in the end, and it
// is used again after one that it answered. If writes were what failed, these must work; a
// store that nobody can stand in for goes on being read while it refuses writes.
//
// A member gets at most half of what is left of the deadline while another can be asked after
// it. With all members open every call fails at once with ErrUnavailable.
//
// Nothing is copied between members, except what a reader needs: after a member came back,
// an entry that it has from before, or doesn't have, is looked for in the next one
// too, the newer one counts, and is copied. So that all processes know of a return, it
// stands in the member's journal as a mark, see [ReturnHash]. It isn't read before whoever
// follows the journals has read the member's own. Without a journal only this process knows
// of its returns, and until it ends.
//
// The journals are read and written whatever the breakers say. But a mark that stands only in
// the journal of a member that is down is unknown until that member is back, and so is one that
// stands only in a member which others don't share.
type Failover struct {
	cfg     FailoverConfig
	members []*member
	local   bool
	born    time.Time

	troubled atomic.Int32 // members that aren't closed
	stay     atomic.Int32 // the member that the order begins with

	epoch   [16]byte      // of the marks of this Failover
	returns atomic.Uint64 // how many of them there are
	changes changes
	fill    *filler
	writes  *writeLog

	ended  atomic.Bool
	mu     sync.Mutex // orders Close and the start of probes
	probes sync.WaitGroup
	ctx    context.Context
	stop   context.CancelFunc
}

// FailoverConfig configures what NewFailover makes. The zero value is usable.
type FailoverConfig struct {
	// Stay keeps the member that stood in once it did, until the process ends: those
	// before it are asked again only while none from it on works. The default is to
	// go back to the first one as soon as that works.
	Stay bool

	// OnChange is told when a member is used in another way. It is called by whoever
	// notices, so it should return soon; one call at a time, and without a lock being
	// held. A panic of it is ignored. nil means nobody is told.
	OnChange func(MemberChange)
}

// NewFailover returns a store that uses the first of the members that works. Members that
// are made of several stores themselves are refused: tiers are put over a Failover, not
// under it. Close closes all members.
func NewFailover(cfg FailoverConfig, members ...Store) (*Failover, error) {
	if len(members) == 0 {
		return nil, errors.New("store: NewFailover needs at least one member")
	}
	f := &Failover{cfg: cfg, local: true, born: time.Now(), changes: changes{call: cfg.OnChange}}
	for i, s := range members {
		switch s.(type) {
		case nil:
			return nil, fmt.Errorf("store: member %d is nil", i)
		case *Failover, *Tiered:
			return nil, fmt.Errorf("store: member %d is a %T, which can't be a member", i, s)
		}
		if at := indexOf(members[:i], s); at >= 0 {
			return nil, fmt.Errorf("store: members %d and %d are the same store", at, i)
		}
		m := &member{store: s, number: i, local: IsLocal(s), closed: f.born}
		m.use.Store(newUse())
		if j, err := JournalOf(s); err == nil {
			m.journal = &memberJournal{f: f, m: m, journal: j}
		}
		f.members = append(f.members, m)
		f.local = f.local && m.local
	}
	rand.Read(f.epoch[:]) // never fails
	f.writes = newWriteLog()
	f.fill = newFiller(f.writes)
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f, nil
}

// WithBreaker returns the store behind a breaker: a Failover of one member. A store in this
// process needs none, a Failover is one, and the tiers of a Tiered have their own: these are
// returned as they are.
func WithBreaker(s Store) Store {
	switch s.(type) {
	case nil, *Failover, *Tiered:
		return s
	}
	if IsLocal(s) {
		return s
	}
	f, err := NewFailover(FailoverConfig{}, s)
	if err != nil { // it can't be
		return s
	}
	return f
}

// States returns how each member is used now.
func (f *Failover) States() []State {
	states := make([]State, len(f.members))
	for i, m := range f.members {
		states[i] = m.breaker.now().state()
	}
	return states
}

// Local reports whether all members are in this process.
func (f *Failover) Local() bool { return f.local }

// Close ends the work behind and closes all members.
func (f *Failover) Close() error {
	first, err := f.end()
	if !first {
		return nil
	}
	failed := []error{err}
	for _, m := range f.members {
		failed = append(failed, guarded(func() error { return Close(m.store) }))
	}
	return errors.Join(failed...)
}

// Stop ends the work behind and leaves the members open: for whoever has put a breaker in
// front of a store that isn't his to close. No call may follow.
func (f *Failover) Stop() error {
	_, err := f.end()
	return err
}

// end ends the work behind, if that wasn't done before.
func (f *Failover) end() (first bool, err error) {
	f.mu.Lock()
	before := f.ended.Swap(true)
	f.mu.Unlock()
	if before {
		return false, nil
	}
	f.stop()
	for _, m := range f.members {
		m.stopTimer()
	}
	if !endsSoon(&f.probes) {
		err = errors.New("a member ignores its deadline; a probe is still running")
	}
	return true, errors.Join(err, f.fill.close())
}

// clock returns how long the Failover has been there.
func (f *Failover) clock() time.Duration { return time.Since(f.born) }

// first returns the number of the member that the order begins with.
func (f *Failover) first() int {
	at := f.stay.Load()
	if !f.cfg.Stay || f.in(int(at), Closed) {
		return int(at)
	}
	for next := int(at) + 1; next < len(f.members); next++ {
		if f.in(next, Closed) {
			f.stay.CompareAndSwap(at, int32(next))
			return next
		}
	}
	return int(at)
}

func (f *Failover) in(number int, want State) bool {
	_, is := f.members[number].asked(want)
	return is
}

// nth returns the member at that place of the order.
func (f *Failover) nth(first, place int) *member {
	return f.members[(first+place)%len(f.members)]
}

// after reports whether a member behind that place of the order is in this state.
func (f *Failover) after(first, place int, want State) bool {
	for place++; place < len(f.members); place++ {
		if _, is := f.nth(first, place).asked(want); is {
			return true
		}
	}
	return false
}

// others reports whether a member other than this one is closed.
func (f *Failover) others(m *member) bool {
	for _, other := range f.members {
		if other != m && f.in(other.number, Closed) {
			return true
		}
	}
	return false
}
