package storetest_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// gated is a map store whose calls can be made to wait or fail.
type gated struct {
	*fullStore
	get, set, del hook
}

// hook is called before a store does what it should, if it is there.
type hook struct{ f atomic.Pointer[gate] }

type gate func(ctx context.Context, e *store.Entry) error

func (h *hook) is(g gate) { h.f.Store(&g) }

func (h *hook) call(ctx context.Context, e *store.Entry) error {
	if g := h.f.Load(); g != nil && *g != nil {
		return (*g)(ctx, e)
	}
	return nil
}

func newGated() *gated { return &gated{fullStore: newFullStore()} }

func (g *gated) Get(ctx context.Context, k string) (*store.Entry, error) {
	if err := g.get.call(ctx, nil); err != nil {
		return nil, err
	}
	return g.fullStore.Get(ctx, k)
}
func (g *gated) Set(ctx context.Context, k string, e *store.Entry) error {
	if err := g.set.call(ctx, e); err != nil {
		return err
	}
	return g.fullStore.Set(ctx, k, e)
}
func (g *gated) SetIfNewer(ctx context.Context, k string, e *store.Entry) (bool, error) {
	if err := g.set.call(ctx, e); err != nil {
		return false, err
	}
	return g.fullStore.SetIfNewer(ctx, k, e)
}
func (g *gated) SetIfAbsent(ctx context.Context, k string, e *store.Entry) (bool, error) {
	if err := g.set.call(ctx, e); err != nil {
		return false, err
	}
	return g.fullStore.SetIfAbsent(ctx, k, e)
}
func (g *gated) Delete(ctx context.Context, k string) error {
	if err := g.del.call(ctx, nil); err != nil {
		return err
	}
	return g.fullStore.Delete(ctx, k)
}

func tooBig(_ context.Context, e *store.Entry) error {
	if e.BodyLen() > 100 {
		return store.ErrTooLarge
	}
	return nil
}

func text(t *testing.T, s store.Store) string {
	e, err := s.Get(t.Context(), "k")
	if err != nil {
		return err.Error()
	}
	return string(e.Body())
}

// what is too large for a tier whose Delete fails: the old entry stays there for good
func TestTieredTooLargeAndDeleteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		fast.set.is(tooBig)
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		time.Sleep(time.Second)
		large := page(t, "k", string(make([]byte, 200)), time.Now())
		fast.del.is(func(context.Context, *store.Entry) error { return errDown })
		require.Error(t, s.Set(t.Context(), "k", large))
		fast.del.is(nil)
		time.Sleep(time.Minute)
		require.NotEqual(t, "old", text(t, s))
	})
}

// a Delete that waits wipes what was set on a condition afterwards
func TestTieredWaitingDeleteWipesSetIf(t *testing.T) {
	for name, set := range map[string]func(context.Context, store.Store, string, *store.Entry) (bool, error){
		"newer": store.SetIfNewer, "absent": store.SetIfAbsent,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fast, slow := newGated(), newGated()
				s := tiered(t, fast, slow)
				slow.del.is(func(context.Context, *store.Entry) error { return errDown })
				require.Error(t, s.Delete(t.Context(), "k"))
				slow.del.is(nil)
				done, err := set(t.Context(), s, "k", page(t, "k", "new", time.Now()))
				require.NoError(t, err)
				require.True(t, done)
				time.Sleep(time.Minute)
				require.Equal(t, "new", text(t, slow))
			})
		})
	}
}

// a Delete that fails late wipes what was set meanwhile
func TestTieredLateDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		slow.del.is(func(ctx context.Context, _ *store.Entry) error { <-ctx.Done(); return ctx.Err() })
		ended := make(chan error)
		go func() { ended <- s.Delete(within(t), "k") }()
		synctest.Wait()
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "new", time.Now())))
		require.Error(t, <-ended)
		slow.del.is(nil)
		time.Sleep(time.Minute)
		require.Equal(t, "new", text(t, slow))
	})
}

// of two writes that fail, the older one that fails later takes the place of the newer
func TestTieredOlderFailsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		old, young := page(t, "k", "old", time.Now()), page(t, "k", "new", time.Now().Add(time.Second))
		slow.set.is(func(ctx context.Context, e *store.Entry) error {
			if e == old {
				<-ctx.Done()
			}
			return errDown
		})
		ended := make(chan error)
		go func() { ended <- s.Set(within(t), "k", old) }()
		synctest.Wait()
		require.Error(t, s.Set(t.Context(), "k", young))
		require.Error(t, <-ended)
		slow.set.is(nil)
		time.Sleep(time.Minute)
		require.Equal(t, "new", text(t, slow))
	})
}

// a first tier that hangs hides all that the second has
func TestTieredHungFirstTier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newBytesMap(), newBytesMap()
		s := tiered(t, fromBytes(fast, fast)(), fromBytes(slow, slow)())
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "body", time.Now())))
		fast.Pause()
		defer fast.Resume()
		_, err := s.Get(within(t), "k")
		require.NoError(t, err)
	})
}

// an entry read before a Set comes back into the fast tier behind it, where the new one is too large
func TestTieredPromotionBringsOldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newMemory(t, 64<<10), newGated()
		s := tiered(t, fast, slow)
		require.NoError(t, slow.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		read := &reading{gated: slow, goOn: make(chan struct{})}
		s2 := tiered(t, fast, read)
		_ = s
		ended := make(chan struct{})
		go func() { _, _ = s2.Get(t.Context(), "k"); close(ended) }()
		synctest.Wait()
		read.open = true
		require.NoError(t, s2.Set(t.Context(), "k", page(t, "k", string(make([]byte, 200<<10)), time.Now().Add(time.Second))))
		close(read.goOn)
		<-ended
		time.Sleep(time.Minute)
		require.NotEqual(t, "old", text(t, s2))
	})
}

type reading struct {
	*gated
	open bool
	goOn chan struct{}
}

func (r *reading) Get(ctx context.Context, k string) (*store.Entry, error) {
	e, err := r.gated.Get(ctx, k)
	if !r.open {
		<-r.goOn
	}
	return e, err
}

// the same with three tiers / Delete
func TestTieredPromotionBringsDeletedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newMemory(t, 0), newGated()
		require.NoError(t, slow.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		read := &reading{gated: slow, goOn: make(chan struct{})}
		s2 := tiered(t, fast, read)
		ended := make(chan struct{})
		go func() { _, _ = s2.Get(t.Context(), "k"); close(ended) }()
		synctest.Wait()
		read.open = true
		require.NoError(t, s2.Delete(t.Context(), "k"))
		close(read.goOn)
		<-ended
		require.NotEqual(t, "old", text(t, s2))
	})
}

// SetIf with an entry that is too large for the last tier
func TestTieredSetIfTooLargeForLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		slow.set.is(tooBig)
		s := tiered(t, fast, slow)
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		done, err := s.SetIfNewer(t.Context(), "k", page(t, "k", string(make([]byte, 200)), time.Now().Add(time.Second)))
		require.True(t, done)
		require.NoError(t, fast.fullStore.Delete(t.Context(), "k")) // evicted
		require.NotEqual(t, "old", text(t, s), "it replaced it")
		require.NoError(t, err, "another takes it")
	})
}

// SetIf that the last tier took and a faster one failed to take: never written there again
func TestTieredSetIfNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		fast.set.is(func(context.Context, *store.Entry) error { return errDown })
		done, err := s.SetIfNewer(t.Context(), "k", page(t, "k", "new", time.Now().Add(time.Second)))
		require.True(t, done)
		require.Error(t, err)
		fast.set.is(nil)
		time.Sleep(time.Minute)
		require.Equal(t, "new", text(t, s))
	})
}

func TestTieredSetIfTooLargeForFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		fast.set.is(tooBig)
		s := tiered(t, fast, slow)
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "old", time.Now())))
		done, err := s.SetIfNewer(t.Context(), "k", page(t, "k", string(make([]byte, 200)), time.Now().Add(time.Second)))
		require.NoError(t, err)
		require.True(t, done)
		require.NotEqual(t, "old", text(t, s), "the last tier has replaced it")
	})
}

// the filler keeps what it has copied
func TestTieredFillerPins(t *testing.T) {
	one, two := newGated(), newGated()
	s := tiered(t, one, two)
	gate := make(chan struct{})
	one.set.is(func(context.Context, *store.Entry) error { <-gate; return errDown })
	freed := make(chan struct{}, 1000)
	func() {
		for n := range 100 {
			key := string(rune('a' + n))
			e := page(t, key, string(make([]byte, 1<<20)), time.Now())
			runtime.AddCleanup(e, func(int) { freed <- struct{}{} }, 0)
			require.NoError(t, two.Set(t.Context(), key, e))
			_, err := s.Get(t.Context(), key)
			require.NoError(t, err)
			require.NoError(t, two.Delete(t.Context(), key))
		}
	}()
	close(gate)
	time.Sleep(200 * time.Millisecond)
	for range 5 {
		runtime.GC()
		time.Sleep(50 * time.Millisecond)
	}
	require.Greater(t, len(freed), 90)
}

// a Delete of the backlog that is under way when a Set comes
func TestTieredBacklogDeleteUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		slow.del.is(func(context.Context, *store.Entry) error { return errDown })
		require.Error(t, s.Delete(t.Context(), "k"))
		slow.del.is(func(context.Context, *store.Entry) error { time.Sleep(100 * time.Millisecond); return nil })
		time.Sleep(300 * time.Millisecond)
		require.NoError(t, s.Set(t.Context(), "k", page(t, "k", "new", time.Now())))
		time.Sleep(time.Minute)
		require.Equal(t, "new", text(t, slow))
	})
}

var _ = errors.New

// A store that panics behind its callers doesn't end the process.
func TestTieredSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newGated(), newGated()
		s := tiered(t, fast, slow)
		slow.set.is(func(context.Context, *store.Entry) error { return errDown })
		require.Error(t, s.Set(t.Context(), "k", page(t, "k", "body", time.Now())))
		slow.set.is(func(context.Context, *store.Entry) error { panic("third party") })
		time.Sleep(time.Second)
		slow.set.is(nil)
		time.Sleep(time.Second)
		_, err := slow.Get(t.Context(), "k")
		require.NoError(t, err, "and it is tried again")
	})
}
