// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

const ms = time.Millisecond

func TestFailoverUsesTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		e := entry(t, "k")
		require.NoError(t, f.Set(t.Context(), "k", e))
		require.Same(t, e, a.has("k"))
		require.Nil(t, b.has("k"))
		got, _, err := get(t, f, "k")
		require.NoError(t, err)
		require.Same(t, e, got)
		b.put(entry(t, "other"))
		_, _, err = get(t, f, "other")
		require.ErrorIs(t, err, store.ErrNotFound, "a miss is an answer")
		reads, writes := b.forget()
		require.Zero(t, reads+writes)
	})
}

// A member that hangs gets half of what is left while another can be asked.
func TestFailoverShares(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, c := newServer(), newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b, c)
		e := entry(t, "k")
		c.put(e)
		a.does(hangs, hangs)
		b.does(hangs, hangs)
		got, took, err := get(t, f, "k")
		require.NoError(t, err)
		require.Same(t, e, got)
		require.Equal(t, 75*ms, took)
		require.Equal(t, []time.Duration{50 * ms, 25 * ms, 25 * ms}, []time.Duration{a.share(), b.share(), c.share()})

		c.does(hangs, hangs)
		_, took, err = get(t, f, "k")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 100*ms, took)

		c.does(nil, nil)
		began := time.Now()
		require.NoError(t, f.Set(about(t, 100*ms), "k2", e))
		require.Equal(t, 75*ms, time.Since(began), "the same for writes")
		require.NotNil(t, c.has("k2"))
		a.does(fails, fails)
		b.does(fails, fails)
		c.forget()
		require.NoError(t, f.Set(t.Context(), "k3", e))
		require.Zero(t, c.share(), "no deadline, no share")
	})
}

// With all members open a call fails at once.
func TestFailoverAllDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		a.does(hangs, hangs)
		b.does(hangs, hangs)
		for range 3 {
			_, took, err := get(t, f, "k")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 100*ms, took)
		}
		require.Equal(t, []store.State{store.Open, store.Open}, f.States())
		e := entry(t, "k")
		for range 1000 {
			began := time.Now()
			ctx := about(t, 100*ms)
			errs := map[string]error{"set": f.Set(ctx, "k", e), "delete": f.Delete(ctx, "k"), "ping": f.Ping(ctx)}
			_, errs["get"] = f.Get(ctx, "k")
			_, errs["get bytes"] = f.GetBytes(ctx, []byte("k"), 0)
			_, errs["get many"] = f.GetMany(ctx, []string{"k"})
			_, errs["set if absent"] = f.SetIfAbsent(ctx, "k", e)
			_, errs["set if newer"] = f.SetIfNewer(ctx, "k", e)
			for _, err := range f.Scan(ctx) {
				errs["scan"] = err
			}
			require.Zero(t, time.Since(began))
			for op, err := range errs {
				require.ErrorIs(t, err, store.ErrUnavailable, op)
				require.NotErrorIs(t, err, store.ErrNotFound)
				named, ok := errors.AsType[*store.Error](err)
				require.True(t, ok, op)
				require.Equal(t, "failover", named.Store)
			}
			time.Sleep(ms)
		}
	})
}

func TestFailoverPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		b.put(entry(t, "k"))
		a.does(panics, panics)
		for range 3 {
			_, _, err := get(t, f, "k")
			require.NoError(t, err)
		}
		require.Equal(t, store.Open, f.States()[0])
		time.Sleep(time.Second)
		_, _, err := get(t, f, "k")
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, store.Open, f.States()[0], "the probe panicked too")
		b.does(panics, panics)
		_, _, err = get(t, f, "k")
		require.ErrorContains(t, err, "panicked")
	})
}

// What isn't found, is too large or was given up says nothing of a member.
func TestFailoverNeutral(t *testing.T) {
	for name, neutral := range map[string]script{
		"miss":        func(context.Context) error { return store.ErrNotFound },
		"unreadable":  func(context.Context) error { return errors.Join(store.ErrNotFound, store.ErrFormat) },
		"too large":   func(context.Context) error { return store.ErrTooLarge },
		"unsupported": func(context.Context) error { return errors.ErrUnsupported },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				a, b := newServer(), newServer()
				f := over(t, store.FailoverConfig{}, a, b)
				for range 10 { // between two strikes it changes nothing either
					a.does(neutral, neutral)
					for range 40 {
						_, _, err := get(t, f, "k")
						require.Error(t, err)
						require.Error(t, f.Set(t.Context(), "k", entry(t, "k")))
					}
				}
				a.does(fails, fails)
				_, _, _ = get(t, f, "k")
				a.does(neutral, neutral)
				_, _, _ = get(t, f, "k")
				a.does(fails, fails)
				_, _, _ = get(t, f, "k")
				require.Equal(t, store.Closed, f.States()[0])
				_, _, _ = get(t, f, "k")
				require.Equal(t, store.Open, f.States()[0], "it doesn't clear a run")
			})
		})
	}
}

func TestFailoverCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newServer()
		f := over(t, store.FailoverConfig{}, a)
		a.does(hangs, hangs)
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
			time.AfterFunc(ms, cancel)
			_, err := f.Get(ctx, "k")
			require.ErrorIs(t, err, context.Canceled)
			cancel()
			_, err = f.Get(ctx, "k")
			require.ErrorIs(t, err, context.Canceled)
			ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(-ms))
			_, err = f.Get(ended, "k")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			for _, err := range f.Scan(ended) {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			cancel()
		}
		require.Equal(t, store.Closed, f.States()[0])
		for range 3 {
			_, took, err := get(t, f, "k")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 100*ms, took)
		}
		require.Equal(t, store.Open, f.States()[0], "a deadline is a strike")
	})
}

// Answers that take more than three quarters of the time are strikes.
func TestFailoverLateAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newServer()
		f := over(t, store.FailoverConfig{}, a)
		a.put(entry(t, "k"))
		a.does(slow(75*ms), nil)
		for range 10 {
			_, _, err := get(t, f, "k")
			require.NoError(t, err)
		}
		a.does(slow(76*ms), nil)
		for range 10 {
			_, err := f.Get(t.Context(), "k")
			require.NoError(t, err, "there is no deadline")
		}
		require.Equal(t, store.Closed, f.States()[0])
		for range 3 {
			_, _, err := get(t, f, "k")
			require.NoError(t, err, "it is used all the same")
		}
		require.Equal(t, store.Open, f.States()[0])
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		time.Sleep(time.Second)
		require.Equal(t, store.Open, f.States()[0], "it is still too slow")
		a.does(slow(20*ms), nil)
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		time.Sleep(20 * ms)
		synctest.Wait()
		require.Equal(t, store.Closed, f.States()[0])
	})
}

// Where this process is held up all its calls are late at once. That is one strike.
func TestFailoverLateAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newServer()
		f := over(t, store.FailoverConfig{}, a)
		a.put(entry(t, "k"))
		a.does(slow(90*ms), nil)
		atOnce := func() {
			var running sync.WaitGroup
			for range 100 {
				running.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 100*ms)
					defer cancel()
					_, _ = f.Get(ctx, "k")
				})
				time.Sleep(ms / 10)
			}
			running.Wait()
		}
		atOnce()
		require.Equal(t, store.Closed, f.States()[0])
		atOnce()
		require.Equal(t, store.Closed, f.States()[0])
		atOnce()
		require.Equal(t, store.Open, f.States()[0])
	})
}

// What began before a member was opened decides nothing any more.
func TestFailoverLateOutcomes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		var running sync.WaitGroup
		later := func(do script) {
			a.does(do, nil)
			for range 20 {
				running.Go(func() { _, _ = f.Get(context.Background(), "late") })
			}
			synctest.Wait()
		}
		a.put(entry(t, "late"))
		later(func(context.Context) error { time.Sleep(500 * ms); return nil })
		later(func(context.Context) error { time.Sleep(5 * time.Second); return errOut })
		breaks(t, f, a)
		time.Sleep(600 * ms)
		require.Equal(t, store.Open, f.States()[0], "successes that come late don't close it")
		returns(t, f, a)
		require.Equal(t, store.Closed, f.States()[0])
		running.Wait()
		require.Equal(t, store.Closed, f.States()[0], "failures that come late don't open it")
	})
}

func TestFailoverFlapping(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		changed := 0
		f := over(t, store.FailoverConfig{OnChange: func(store.MemberChange) { changed++ }}, a, b)
		e := entry(t, "k")
		a.put(e)
		b.put(e)
		began := time.Now()
		up := func() bool { return time.Since(began)/(300*ms)%2 == 0 }
		a.does(func(ctx context.Context) error {
			if up() {
				return nil
			}
			return hangs(ctx)
		}, nil)
		var slowest, all time.Duration
		for time.Since(began) < time.Minute {
			_, took, err := get(t, f, "k")
			require.NoError(t, err)
			slowest, all = max(slowest, took), all+took
			time.Sleep(5 * ms)
		}
		synctest.Wait()
		require.LessOrEqual(t, slowest, 50*ms)
		require.Less(t, all, 8*time.Second, "flapping costs less and less")
		require.Less(t, changed, 400)
	})
}

func TestFailoverStays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, c := newServer(), newServer(), newServer()
		f := over(t, store.FailoverConfig{Stay: true}, a, b, c)
		uses := func(want *server) {
			t.Helper()
			for _, s := range []*server{a, b, c} {
				s.forget()
			}
			_, _, err := get(t, f, "k")
			require.ErrorIs(t, err, store.ErrNotFound)
			reads, _ := want.forget()
			require.Equal(t, 1, reads)
		}
		uses(a)
		breaks(t, f, a)
		uses(b)
		returns(t, f, a)
		require.Equal(t, []store.State{store.Closed, store.Closed, store.Closed}, f.States())
		uses(b)
		b.does(fails, fails)
		c.does(fails, fails)
		for range 3 {
			uses(a)
		}
		require.Equal(t, []store.State{store.Closed, store.Open, store.Open}, f.States())
		uses(a)
		b.does(nil, nil)
		time.Sleep(2 * time.Second)
		_, _, _ = get(t, f, "k")
		synctest.Wait()
		require.Equal(t, store.Closed, f.States()[1])
		b.forget()
		_, _, _ = get(t, f, "k")
		reads, _ := b.forget()
		require.Equal(t, 1, reads)
	})
}

func TestFailoverChanges(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		var seen []store.MemberChange
		var f *store.Failover
		f = over(t, store.FailoverConfig{OnChange: func(c store.MemberChange) {
			seen = append(seen, c)
			f.States()
			_, _ = f.Get(t.Context(), "again")
			panic("a mistake of the caller")
		}}, a, b)
		breaks(t, f, a)
		time.Sleep(150 * ms)
		_, _, _ = get(t, f, "k")
		synctest.Wait()
		returns(t, f, a)
		require.Len(t, seen, 5)
		for i, want := range []store.MemberChange{
			{0, store.Closed, store.Open, errOut},
			{0, store.Open, store.Probing, nil},
			{0, store.Probing, store.Open, errOut},
			{0, store.Open, store.Probing, nil},
			{0, store.Probing, store.Closed, nil},
		} {
			require.Equal(t, want.From, seen[i].From)
			require.Equal(t, want.To, seen[i].To)
			require.Equal(t, want.Member, seen[i].Member)
			require.ErrorIs(t, seen[i].Err, want.Err)
		}
	})
}

func TestFailoverMistakes(t *testing.T) {
	_, err := store.NewFailover(store.FailoverConfig{})
	require.ErrorContains(t, err, "at least one")
	twice := newServer()
	_, err = store.NewFailover(store.FailoverConfig{}, twice, newServer(), twice)
	require.ErrorContains(t, err, "members 0 and 2 are the same store")
	_, err = store.NewTiered(twice, twice)
	require.ErrorContains(t, err, "tiers 0 and 1 are the same store")
	_, err = store.NewFailover(store.FailoverConfig{}, newServer(), nil)
	require.ErrorContains(t, err, "member 1")
	_, err = store.NewFailover(store.FailoverConfig{}, over(t, store.FailoverConfig{}, newServer()))
	require.ErrorContains(t, err, "member 0 is a *store.Failover")
	tiers, err := store.NewTiered(newServer(), newServer())
	require.NoError(t, err)
	_, err = store.NewFailover(store.FailoverConfig{}, newServer(), tiers)
	require.ErrorContains(t, err, "member 1 is a *store.Tiered")
	require.NoError(t, tiers.Close())
}

func TestWithBreaker(t *testing.T) {
	local, remote := &near{newBare(), true}, newServer()
	f := over(t, store.FailoverConfig{}, remote)
	tiers, err := store.NewTiered(local, remote)
	require.NoError(t, err)
	for _, s := range []store.Store{nil, local, f, tiers} {
		require.True(t, s == store.WithBreaker(s))
	}
	s := store.WithBreaker(remote)
	require.IsType(t, f, s)
	require.NoError(t, store.Close(s))
	require.True(t, remote.closed)
	require.NoError(t, store.Close(s))
	require.False(t, store.IsLocal(f))
	require.True(t, store.IsLocal(over(t, store.FailoverConfig{}, local)))
	require.False(t, store.IsLocal(over(t, store.FailoverConfig{}, local, remote)))
}

// A shared tier that hangs costs only the first requests their deadline.
func TestTiersHaveBreakers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		remote := newServer()
		tiers, err := store.NewTiered(&near{newBare(), true}, remote)
		require.NoError(t, err)
		remote.does(hangs, hangs)
		for range 3 {
			_, took, err := get(t, tiers, "k")
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 100*ms, took)
		}
		for range 10 {
			_, took, err := get(t, tiers, "k")
			require.ErrorIs(t, err, store.ErrUnavailable)
			require.Zero(t, took)
		}
		require.NoError(t, tiers.Close())
	})
}

// A bubble fails where a goroutine is left.
func TestFailoverClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f, err := store.NewFailover(store.FailoverConfig{}, a, b)
		require.NoError(t, err)
		breaks(t, f, a)
		a.does(hangs, hangs)
		time.Sleep(time.Second)
		_, _, _ = get(t, f, "k")
		require.Equal(t, store.Probing, f.States()[0])
		began := time.Now()
		require.NoError(t, f.Close())
		require.Zero(t, time.Since(began), "the probe is cancelled")
		require.NoError(t, f.Close())
		require.True(t, a.closed && b.closed)
		_, err = f.Get(t.Context(), "k")
		require.ErrorIs(t, err, store.ErrClosed)
		require.ErrorIs(t, f.Set(t.Context(), "k", entry(t, "k")), store.ErrClosed)
	})
}

func TestFailoverStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newServer()
		f, err := store.NewFailover(store.FailoverConfig{}, a)
		require.NoError(t, err)
		require.NoError(t, f.Stop())
		require.False(t, a.closed, "it stays open")
	})
}

// forgetful answers with fewer entries than it was asked for.
type forgetful struct{ *server }

func (f forgetful) GetMany(context.Context, []string) ([]*store.Entry, error) { return nil, nil }

func TestFailoverOfAStoreThatForgets(t *testing.T) {
	a, b := forgetful{newServer()}, newServer()
	f := over(t, store.FailoverConfig{}, a, b)
	e := entry(t, "k")
	b.put(e)
	many, err := f.GetMany(t.Context(), []string{"k", "none"})
	require.NoError(t, err)
	require.Equal(t, []*store.Entry{e, nil}, many)
}

// A member that ignores its context can't keep Close for long.
func TestFailoverCloseWithAMemberThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f, err := store.NewFailover(store.FailoverConfig{}, a, b)
		require.NoError(t, err)
		breaks(t, f, a)
		a.does(func(context.Context) error { time.Sleep(time.Minute); return nil }, nil)
		time.Sleep(time.Second)
		_, took, err := get(t, f, "k")
		require.ErrorIs(t, err, store.ErrNotFound)
		require.Zero(t, took)
		began := time.Now()
		require.ErrorContains(t, f.Close(), "probe")
		require.Equal(t, time.Second, time.Since(began))
		time.Sleep(time.Minute)
	})
}

// Hundreds of goroutines while members come and go.
func TestFailoverAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newJournaled(1), newJournaled(2)
		f := over(t, store.FailoverConfig{OnChange: func(store.MemberChange) {}}, a, b)
		follow(t, f)
		e := entry(t, "k")
		a.put(e)
		b.put(e)
		var running sync.WaitGroup
		for n := range 300 {
			running.Go(func() {
				for range 100 {
					ctx, cancel := context.WithTimeout(context.Background(), 50*ms)
					var err error
					switch n % 6 {
					case 0:
						err = f.Set(ctx, "k", e)
					case 1:
						_, err = f.GetMany(ctx, []string{"k", "none"})
					case 2:
						_, err = f.SetIfNewer(ctx, "k", e)
					default:
						_, err = f.Get(ctx, "k")
					}
					cancel()
					if err != nil && !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errOut) {
						t.Error(err)
					}
					time.Sleep(time.Duration(n%7) * ms)
				}
			})
		}
		for _, do := range []script{hangs, nil, fails, nil} {
			a.does(do, do)
			time.Sleep(150 * ms)
			b.does(do, do)
			time.Sleep(150 * ms)
			b.does(nil, nil)
		}
		a.does(nil, nil)
		running.Wait()
		for range 50 {
			time.Sleep(100 * ms)
			_, _, _ = get(t, f, "k")
			_ = f.Set(t.Context(), "k", e)
		}
		require.Equal(t, []store.State{store.Closed, store.Closed}, f.States())
	})
}

// A write that hangs in a member goes on to the next one when reads have shown that it hangs.
func TestFailoverWritesLeaveAMemberThatIsOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		a.does(hangs, hangs)
		began := time.Now()
		var took time.Duration
		var writing sync.WaitGroup
		writing.Go(func() {
			require.NoError(t, f.Set(about(t, time.Second), "k", entry(t, "k")))
			took = time.Since(began)
		})
		synctest.Wait()
		for range 3 {
			_, _, _ = get(t, f, "other")
		}
		writing.Wait()
		require.Equal(t, store.Open, f.States()[0])
		require.LessOrEqual(t, took, 300*ms)
		got, _, err := get(t, f, "k")
		require.NoError(t, err)
		require.Equal(t, "k", got.Key())
	})
}
