// SPDX-License-Identifier: MIT

package storetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

const onlyFaults = "STORETEST_FAULTS"

func TestBareStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return newMapStore() }, storetest.Features{})
}

func TestStoreWithAllPowers(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return newFullStore() }, allPowers)
}

// TestFaultsAreFound runs the suite in a process of its own over stores that
// break one rule each, and looks for the case that must have failed.
func TestFaultsAreFound(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^(TestFaults|TestRawAndServerFaults)$", "-test.v", "-test.parallel=64")
	cmd.Env = append(os.Environ(), onlyFaults+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "the suite passed with faulty stores")
	for _, f := range faults {
		found := strings.Contains(string(out), "--- FAIL: TestFaults/"+f.name+"/"+f.failing+" ")
		require.True(t, found, "the store %s passed case %s", f.name, f.failing)
	}
	for _, f := range byteFaults {
		found := strings.Contains(string(out), "--- FAIL: TestRawAndServerFaults/"+f.name+"/"+f.failing+" ")
		require.True(t, found, "the store %s passed case %s", f.name, f.failing)
	}
}

func faultsWanted() bool { return os.Getenv(onlyFaults) != "" }

func TestFaults(t *testing.T) {
	if !faultsWanted() {
		return
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) store.Store { return f.open() }, f.features)
		})
	}
}

func ExampleRun() {
	// In a test of package mystore; f is its *testing.T.
	_ = func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Store { return newMapStore() }, storetest.Features{MaxBody: 64 << 10})
	}
}

var allPowers = storetest.Features{
	BytesGetter: true, ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
}
