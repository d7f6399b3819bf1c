// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// No caller waits for a probe, and a member has one at a time, at growing intervals.
func TestProbesAreBehind(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		b.put(entry(t, "k"))
		breaks(t, f, a)
		opened := time.Now()
		a.does(hangs, hangs)
		a.forget()
		for time.Since(opened) < 20*time.Second {
			_, took, err := get(t, f, "k")
			require.NoError(t, err)
			require.Zero(t, took)
			time.Sleep(ms)
		}
		require.Equal(t, 250*ms, a.share())
		last, gap := opened, 100*ms
		for _, at := range a.asked {
			require.InDelta(t, float64(gap), float64(at.Sub(last)), float64(gap)/10+2e6)
			last, gap = at.Add(250*ms), min(2*gap, 2*time.Second)
		}
		require.Greater(t, len(a.asked), 8)
	})
}

// Whatever a store does with the goroutine of a probe, there is another one later.
func TestProbeThatNeverReturns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		breaks(t, f, a)
		a.does(func(context.Context) error { runtime.Goexit(); return nil }, nil)
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		synctest.Wait()
		require.Equal(t, store.Open, f.States()[0])
		returns(t, f, a)
	})
}

// However many callers come at once, one of them is copied.
func TestProbesOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		breaks(t, f, a)
		var running sync.WaitGroup
		a.forget()
		for range 10 {
			reads := 0
			for began := time.Now(); reads == 0 && time.Since(began) < 3*time.Second; reads, _ = a.forget() {
				time.Sleep(20 * ms)
				for range 300 {
					running.Go(func() { _, _ = f.Get(context.Background(), "k") })
				}
				running.Wait()
				synctest.Wait()
			}
			require.Equal(t, 1, reads)
		}
	})
}

// A probe is a copy of the call that came by: a read where reads had failed.
func TestProbesAreRealReads(t *testing.T) {
	e := entry(t, "by set")
	for want, call := range map[string]func(f *store.Failover){
		"by get":    func(f *store.Failover) { _, _ = f.Get(t.Context(), "by get") },
		"by bytes":  func(f *store.Failover) { _, _ = f.GetBytes(t.Context(), []byte("by bytes"), 0) },
		"by many":   func(f *store.Failover) { _, _ = f.GetMany(t.Context(), []string{"by many", "more"}) },
		"by set":    func(f *store.Failover) { _ = f.Set(t.Context(), "by set", e) },
		"by delete": func(f *store.Failover) { _ = f.Delete(t.Context(), "by delete") },
		"ping":      func(f *store.Failover) { _ = f.Ping(t.Context()) },
	} {
		t.Run(want, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a := newServer()
				f := over(t, store.FailoverConfig{}, a)
				breaks(t, f, a)
				a.does(nil, nil)
				time.Sleep(time.Second)
				a.forget()
				call(f)
				synctest.Wait()
				require.Equal(t, []string{want}, a.reads)
				require.Empty(t, a.writes)
				require.Equal(t, store.Closed, f.States()[0], "a miss is good enough")
			})
		})
	}
}

// A member that fails to write is left for one that doesn't, until it can write again.
func TestFailoverOfWrites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		e := entry(t, "k")
		a.does(nil, fails)
		for range 3 {
			require.NoError(t, f.Set(t.Context(), "k", e))
			_, _, _ = get(t, f, "other")
		}
		require.Equal(t, store.Open, f.States()[0], "reads that succeed don't clear the run of writes")
		require.NotNil(t, b.has("k"))
		time.Sleep(time.Second)
		a.forget()
		for range 100 {
			_, _, _ = get(t, f, "k")
			time.Sleep(50 * ms)
		}
		reads, writes := a.forget()
		require.Zero(t, reads+writes, "reading doesn't prove that it can write")
		require.NoError(t, f.Set(t.Context(), "k", e))
		synctest.Wait()
		require.Equal(t, []string{"k"}, a.writes)
		require.Equal(t, store.Open, f.States()[0])

		a.does(nil, func(context.Context) error { return store.ErrTooLarge })
		time.Sleep(time.Second)
		require.NoError(t, f.Set(t.Context(), "k", e))
		synctest.Wait()
		require.Equal(t, store.Open, f.States()[0], "that proves nothing either")

		a.does(nil, nil)
		time.Sleep(time.Second)
		require.NoError(t, f.Set(t.Context(), "k", e))
		synctest.Wait()
		require.Equal(t, store.Closed, f.States()[0])
		require.Same(t, e, a.has("k"))
	})
}

// A store that nobody can stand in for is read while it refuses writes.
func TestFailingWritesOfTheOnlyOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newServer()
		a.put(entry(t, "k"))
		f := over(t, store.FailoverConfig{}, a)
		a.does(nil, fails)
		for range 100 {
			require.ErrorIs(t, f.Set(t.Context(), "k", entry(t, "k")), errOut)
			require.ErrorIs(t, f.Delete(t.Context(), "k"), errOut)
		}
		_, _, err := get(t, f, "k")
		require.NoError(t, err)
	})
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		a.put(entry(t, "k"))
		f := over(t, store.FailoverConfig{}, a, b)
		a.does(nil, fails)
		for range 3 {
			require.NoError(t, f.Set(t.Context(), "k", entry(t, "k")))
		}
		b.does(fails, fails)
		for range 3 {
			_, _, err := get(t, f, "k")
			require.Error(t, err)
		}
		require.Equal(t, []store.State{store.Open, store.Open}, f.States())
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		synctest.Wait()
		require.Equal(t, store.Closed, f.States()[0], "it is probed by reads now")
		for range 10 {
			require.Error(t, f.Set(t.Context(), "k", entry(t, "k")))
		}
		_, _, err := get(t, f, "k")
		require.NoError(t, err)
	})
}

func TestDeleteFromAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, c := newServer(), newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b, c)
		all := func() {
			for _, s := range []*server{a, b, c} {
				s.put(entry(t, "k"))
			}
		}
		all()
		require.NoError(t, f.Delete(t.Context(), "k"))
		require.True(t, a.has("k") == nil && b.has("k") == nil && c.has("k") == nil)
		all()
		b.does(nil, fails)
		require.NoError(t, f.Delete(t.Context(), "k"), "that is the error of one that isn't used")
		require.Nil(t, c.has("k"))
		b.does(nil, nil)
		a.does(nil, hangs)
		began := time.Now()
		require.ErrorIs(t, f.Delete(about(t, 100*ms), "k"), context.DeadlineExceeded)
		require.Equal(t, 50*ms, time.Since(began))
		require.Nil(t, b.has("k"))
		breaks(t, f, a)
		a.forget()
		require.NoError(t, f.Delete(t.Context(), "k"))
		_, writes := a.forget()
		require.Zero(t, writes, "one that is open isn't asked")
	})
}

// A member that nobody asks for anything, as when a faster tier answers, is probed all the same.
func TestProbeWithoutCallers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		breaks(t, f, a)
		time.Sleep(time.Minute)
		reads, _ := a.forget()
		require.Greater(t, reads, 10)
		require.Equal(t, store.Open, f.States()[0])
		a.does(nil, nil)
		time.Sleep(5 * time.Second)
		require.Equal(t, store.Closed, f.States()[0])
		a.forget()
		time.Sleep(time.Minute)
		reads, _ = a.forget()
		require.Zero(t, reads, "one that works isn't probed")
	})
}
