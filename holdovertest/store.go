// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdover-go/holdover/store"
)

// ErrFault is what calls of a Store fail with, unless StoreFaults.Err says otherwise.
var ErrFault = errors.New("fault on purpose")

// Store puts faults on a store: each call of it works, waits, fails or does half of its work,
// as Behave says. Make it with NewStore.
//
// It has all optional powers of the store that it wraps, journals and leases too. One that
// the wrapped store lacks falls back or is errors.ErrUnsupported, as by the functions of package
// store; so SetIfAbsent and SetIfNewer are atomic only if they were without it. It says that it
// isn't local: so a cache bounds the time of its calls, and puts a breaker in front.
//
// What happens to the n-th call of each kind depends on the seed and on n alone. So a run
// repeats itself as far as the calls of a kind come in the same order. Where several
// come at once it is left to chance which of them is the n-th.
type Store struct {
	under  store.Store
	faults *faulty
}

// NewStore returns a store that works: it does what the store under it does, until it is
// told to behave otherwise. Close closes both.
func NewStore(under store.Store, seed uint64) *Store {
	if under == nil {
		panic("holdovertest: NewStore: no store")
	}
	return &Store{under: under, faults: &faulty{seed: seed, counts: map[string]*storeCount{}}}
}

// StoreFaults say how a Store misbehaves. The zero value is a store that works. The shares
// are from 0 to 1, and so is their sum.
type StoreFaults struct {
	// Errors is the share of calls that fail and do nothing.
	Errors float64
	// Unsure is the share of calls that are done and fail all the same: their answer was lost.
	Unsure float64
	// Partial is the share of calls that are done in part, and say nothing of it. A get misses; "get
	// many" leaves some out; what was to be set or deleted is forgotten; a lease is given
	// that others get too, or isn't released; a journal is read in smaller pieces. A scan
	// ends early, with an error, since that is all that the contract allows it. The others work.
	Partial float64
	// Hangs is the share of calls that return when their context ends, with its error. Whose
	// context can't end fails at once.
	Hangs float64

	// Delay is how long each call waits at most before anything else: how long is random. A
	// call whose context ends meanwhile returns its error. Default: not at all.
	Delay time.Duration

	// Ops are the kinds of calls that this is about, such as OpGet. nil is all.
	Ops []string

	// Err is what calls fail with, within a *store.Error. Default: ErrFault.
	Err error
}

// Kinds of calls. They are the Op of the *store.Error with which calls fail.
const (
	OpGet         = "get"
	OpGetMany     = "get many"
	OpScan        = "scan"
	OpPing        = "ping"
	OpSet         = "set"
	OpSetIfAbsent = "set if absent"
	OpSetIfNewer  = "set if newer"
	OpDelete      = "delete"

	OpAppend = "append to journal"
	OpRead   = "read journal"
	OpRenew  = "renew journal"

	OpLease   = "lease"
	OpRelease = "release"
)

var allOps = []string{
	OpGet, OpGetMany, OpScan, OpPing, OpSet, OpSetIfAbsent, OpSetIfNewer, OpDelete,
	OpAppend, OpRead, OpRenew, OpLease, OpRelease,
}

// Behave changes what happens to calls that begin from now on. Those that hang or wait go on as
// they began. It panics where faults can't be meant, and says which field it is.
func (s *Store) Behave(f StoreFaults) {
	if err := f.check(); err != nil {
		panic(err)
	}
	if f.Err == nil {
		f.Err = ErrFault
	}
	f.Ops = slices.Clone(f.Ops)
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.now = f
}

func (f StoreFaults) check() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("holdovertest: StoreFaults.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	sum := 0.0
	for _, share := range []struct {
		field string
		value float64
	}{{"Errors", f.Errors}, {"Unsure", f.Unsure}, {"Partial", f.Partial}, {"Hangs", f.Hangs}} {
		if !(share.value >= 0 && share.value <= 1) { // also NaN
			bad(share.field, "%v isn't from 0 to 1", share.value)
		}
		sum += share.value
	}
	if sum > 1+1e-9 { // 0.7 + 0.2 + 0.1 is a little more than 1
		bad("Errors", "with Unsure, Partial and Hangs it makes %v, which is more than all calls", sum)
	}
	if f.Delay < 0 {
		bad("Delay", "%v is negative", f.Delay)
	}
	for i, op := range f.Ops {
		if !slices.Contains(allOps, op) {
			bad(fmt.Sprintf("Ops[%d]", i), "there is no %q among %q", op, allOps)
		}
	}
	if errors.Is(f.Err, store.ErrNotFound) {
		bad("Err", "%v is no failure; Partial makes calls miss", f.Err)
	}
	return errors.Join(errs...)
}

// Calls returns how many calls of a kind there were, such as OpGet. "" is all kinds.
func (s *Store) Calls(op string) int { return s.faults.count(op).calls }

// Faults returns how many calls of a kind met a fault, that is all but those that merely
// waited. "" is all kinds.
func (s *Store) Faults(op string) int { return s.faults.count(op).faults }

// faulty decides what happens to calls.
type faulty struct {
	seed uint64

	mu     sync.Mutex
	now    StoreFaults
	counts map[string]*storeCount
}

type storeCount struct{ calls, faults int }

func (f *faulty) count(op string) (sum storeCount) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for of, c := range f.counts {
		if op == "" || op == of {
			sum.calls += c.calls
			sum.faults += c.faults
		}
	}
	return sum
}

// hit counts a fault.
func (f *faulty) hit(op string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op].faults++
}

// failure returns the error that a call fails with.
func failure(op string, err error) error {
	return &store.Error{Store: "holdovertest", Op: op, Err: err}
}

var errEndless = errors.New("it would hang for ever: its context can't end")

// hangs waits until the context has ended.
func hangs(ctx context.Context) error {
	if ctx.Done() == nil {
		return errEndless
	}
	<-ctx.Done()
	return ctx.Err()
}
