// SPDX-License-Identifier: MIT

package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// leaseMap is the simplest store that leases, as if a server stood behind it.
type leaseMap struct {
	*mapStore
	*bytesMap // its values aren't used, but it can hang and fail

	leases sync.Mutex
	held   map[string]held
}

type held struct {
	by    store.Holder
	until time.Time
}

func newLeaseMap() *leaseMap {
	return &leaseMap{mapStore: newMapStore(), bytesMap: newBytesMap(), held: map[string]held{}}
}

func (m *leaseMap) Get(ctx context.Context, key string) (*store.Entry, error) {
	return m.mapStore.Get(ctx, key)
}

func (m *leaseMap) Set(ctx context.Context, key string, e *store.Entry) error {
	return m.mapStore.Set(ctx, key, e)
}

func (m *leaseMap) Delete(ctx context.Context, key string) error { return m.mapStore.Delete(ctx, key) }

func (m *leaseMap) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	if err := m.ask(ctx); err != nil {
		return store.Holder{}, err
	}
	m.leases.Lock()
	defer m.leases.Unlock()
	if old, found := m.held[key]; found && old.by != holder && time.Now().Before(old.until) {
		return old.by, nil
	}
	m.held[key] = held{holder, time.Now().Add(d)}
	return holder, nil
}

func (m *leaseMap) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	if err := m.ask(ctx); err != nil {
		return err
	}
	m.leases.Lock()
	defer m.leases.Unlock()
	old, found := m.held[key]
	switch {
	case !found || old.by != holder || !time.Now().Before(old.until):
	case note == store.Holder{}:
		delete(m.held, key)
	default:
		m.held[key] = held{note, time.Now().Add(d)}
	}
	return nil
}

// put changes a lease behind the back of the map, and peek reads one.
func (m *leaseMap) put(key string, h held) {
	m.leases.Lock()
	defer m.leases.Unlock()
	m.held[key] = h
}

func (m *leaseMap) peek(key string) held {
	m.leases.Lock()
	defer m.leases.Unlock()
	return m.held[key]
}

func TestLeaseMap(t *testing.T) {
	m := newLeaseMap()
	storetest.RunLease(t, func(*testing.T) store.Store { return m }, storetest.LeaseFeatures{Server: m})
}

// A store that lasts longer than asked may do so as far as it says.
func TestLeaseGrain(t *testing.T) {
	storetest.RunLease(t, func(*testing.T) store.Store { return slow(150 * time.Millisecond) },
		storetest.LeaseFeatures{Grain: 200 * time.Millisecond})
}

// TestLeaseFaultsAreFound runs the suite in a process of its own over stores whose leases
// break one rule each, and looks for the case that must have failed.
func TestLeaseFaultsAreFound(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestLeaseFaults$", "-test.v", "-test.parallel=64")
	cmd.Env = append(os.Environ(), onlyFaults+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "the suite passed with faulty stores")
	for _, f := range leaseFaults {
		found := strings.Contains(string(out), "--- FAIL: TestLeaseFaults/"+f.name+"/"+f.failing+" ")
		require.True(t, found, "the store %s passed case %s", f.name, f.failing)
	}
}

func TestLeaseFaults(t *testing.T) {
	if !faultsWanted() {
		return
	}
	for _, f := range leaseFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := f.open()
			server, _ := s.(storetest.Server)
			storetest.RunLease(t, func(*testing.T) store.Store { return s }, storetest.LeaseFeatures{Server: server})
		})
	}
}
