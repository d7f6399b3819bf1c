// SPDX-License-Identifier: MIT

// Package storetest checks that a store keeps the contract of [store.Store]:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store {
//			return mystore.New(…)
//		}, storetest.Features{ManyGetter: true})
//	}
//
// Every failure says which rule was broken. The suite takes a second or two,
// twice the ExpiryGrain, and some seconds more for a Server.
package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

const defaultMaxBody = 1 << 20

// Features say what a store is good for. The zero value describes one that has
// the three methods, holds bodies of 1 MiB and drops entries on time.
type Features struct {
	// MaxBody is the length in bytes of the largest body that the store is
	// expected to hold. 0 means 1 MiB.
	MaxBody int

	// ExpiryGrain is how long after its StoreUntil an entry may still be
	// returned, where the backend counts in whole seconds or by a clock of its
	// own. 0 means not at all.
	ExpiryGrain time.Duration

	// MaxValue is the length in bytes of the longest value that the store takes,
	// where it has such a limit: an entry above it must be refused with
	// store.ErrTooLarge, without asking the server.
	MaxValue int

	// Raw gives a way to the values behind the store's back, where it keeps
	// bytes. With it the suite leaves damaged and foreign values there.
	Raw func(t *testing.T, s store.Store) Raw

	// Server is what the stores that are opened talk to, if that is a server which
	// can be paused and started again.
	Server Server

	// Recovery is how soon after its server answers again the store must work. 0 means
	// 100 ms. A store that declares it need not ask a server which hung or was gone before:
	// then it may fail at once, with an error of its own.
	Recovery time.Duration

	// Eventual says that a Get which begins after a Set of the same key
	// returned may still see what stood there before, as with replicas.
	Eventual bool

	// The optional powers that the store has. One that is declared and missing
	// fails, and so does one that the store has and doesn't declare: it would
	// go untested.
	BytesGetter  bool // see store.BytesGetter
	ManyGetter   bool // see store.ManyGetter
	AbsentSetter bool // see store.AbsentSetter; checked to be atomic
	NewerSetter  bool // see store.NewerSetter; checked to be atomic
	Scanner      bool // see store.Scanner
	Pinger       bool // see store.Pinger
	Closer       bool // see store.Closer
}

// Raw reads and writes what a store keeps under a key.
type Raw interface {
	Load(key string) []byte // nil where nothing is kept
	Save(key string, value []byte)
}

// Server is the server of a store. Its address stays what it is.
type Server interface {
	Pause()  // connections stay open, and nothing answers
	Resume() // ends Pause
	Kill()   // it crashes
	Start()  // it is started again, and answers when Start returns
}

// Run checks a store. For every case it opens one, which may share its backend
// with the others and need not be empty, and closes it in the end.
func Run(t *testing.T, open func(t *testing.T) store.Store, f Features) {
	if f.MaxBody == 0 {
		f.MaxBody = defaultMaxBody
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				require.NoError(t, store.Close(s), "Close releases what the store owns, however often it is called")
			})
			c.check(suite{t, s, f})
		})
	}
}

var cases = []struct {
	name  string
	check func(suite)
}{
	{"DeclaredPowers", suite.declaredPowers},
	{"Miss", suite.miss},
	{"Bodies", suite.bodies},
	{"Fields", suite.fields},
	{"Everything", suite.everything},
	{"Kinds", suite.kinds},
	{"Keys", suite.keys},
	{"LongKeys", suite.longKeys},
	{"Overwrite", suite.overwrite},
	{"Delete", suite.delete},
	{"Immutable", suite.immutable},
	{"StaleIsKept", suite.staleIsKept},
	{"Expiry", suite.expiry},
	{"SetExpired", suite.setExpired},
	{"Cancelled", suite.cancelled},
	{"DeadlineExceeded", suite.deadlineExceeded},
	{"Concurrent", suite.concurrent},
	{"ReadAfterSet", suite.readAfterSet},
	{"GetBytes", suite.getBytes},
	{"GetMany", suite.getMany},
	{"SetIfAbsent", suite.setIfAbsent},
	{"SetIfAbsentAtomic", suite.setIfAbsentAtomic},
	{"SetIfNewer", suite.setIfNewer},
	{"SetIfNewerAtomic", suite.setIfNewerAtomic},
	{"Scan", suite.scan},
	{"ScanStops", suite.scanStops},
	{"Ping", suite.ping},
	{"Unreadable", suite.unreadable},
	{"UnreadableGivesWay", suite.unreadableGivesWay},
	{"UnreadableOfMany", suite.unreadableOfMany},
	{"TooLarge", suite.tooLarge},
	{"Paused", suite.paused},
	{"FirstCallPaused", suite.firstCallPaused},
	{"Restarted", suite.restarted},
	{"Close", suite.close},
}
