// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// site is a process's connection to a shared store with a journal.
type site struct{ *line }

func (s site) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	if err := s.reach(ctx); err != nil {
		return store.Position{}, err
	}
	return s.to.contents().journal.Append(ctx, marks)
}

func (s site) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	if err := s.reach(ctx); err != nil {
		return store.JournalPage{}, err
	}
	return s.to.contents().journal.Read(ctx, from)
}

func (s site) Renew(ctx context.Context, epoch [16]byte) error {
	if err := s.reach(ctx); err != nil {
		return err
	}
	return s.to.contents().journal.Renew(ctx, epoch)
}

// pair is processes on two stores, of which the second stands in for the first.
type pair struct {
	*testing.T
	origin        *origin
	first, second *shared
	nodes         []*node
	asked         int
}

type node struct {
	*holdover.Cache
	p             *pair
	h             http.Handler
	first, second *line
	stores        *store.Failover
	all           store.Store // with the memory tier, if there is one
}

func withPair(t *testing.T, f func(*pair)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pair{T: t, origin: newOrigin(nil), first: newShared(t), second: newShared(t)}
		p.publish("first")
		f(p)
		for _, n := range p.nodes {
			n.stop()
		}
	})
}

// start starts a process, with a memory tier if tier says so.
func (p *pair) start(tier bool) *node { return p.begin(tier, func(*node) {}) }

// begin starts a process in a strange world.
func (p *pair) begin(tier bool, before func(*node)) *node {
	n := &node{p: p, first: &line{to: p.first, slow: time.Millisecond}, second: &line{to: p.second, slow: 2 * time.Millisecond}}
	before(n)
	var err error
	n.stores, err = store.NewFailover(store.FailoverConfig{}, site{n.first}, site{n.second})
	require.NoError(p, err)
	var st store.Store = n.stores
	if tier {
		m, err := memory.New(memory.Config{MaxBytes: 1 << 20})
		require.NoError(p, err)
		st, err = store.NewTiered(m, n.stores)
		require.NoError(p, err)
	}
	n.all = st
	n.Cache, err = holdover.New(holdover.Config{Store: st})
	require.NoError(p, err)
	n.h = n.Handler(p.origin)
	p.nodes = append(p.nodes, n)
	time.Sleep(20 * time.Millisecond) // the journals are read
	return n
}

// stop ends a process. One that is cut off can't write its purges any more.
func (n *node) stop() {
	if n.Cache == nil {
		return
	}
	require.NoError(n.p, n.Close())
	require.NoError(n.p, store.Close(n.all)) // closing a line does nothing
	n.Cache = nil
}

// kill ends a process that can't do anything more.
func (n *node) kill() {
	n.first.cut.Store(true)
	n.second.cut.Store(true)
	_ = n.Close()
	_ = store.Close(n.all)
	n.Cache = nil
}

func (p *pair) publish(body string) {
	p.origin.set(answer(200, body, "Cache-Control", "max-age=6000, stale-if-error=600", "Cache-Groups", `"pages"`))
}

// loses cuts processes off from the first store, and lets them notice.
func (p *pair) loses(nodes ...*node) {
	for _, n := range nodes {
		n.first.cut.Store(true)
	}
	p.traffic(nodes...)
	for _, n := range nodes {
		require.Equal(p, store.Open, n.stores.States()[0])
	}
}

// regains lets them reach it again, and use it.
func (p *pair) regains(nodes ...*node) {
	for _, n := range nodes {
		n.first.cut.Store(false)
	}
	for range 40 {
		p.traffic(nodes...)
	}
	for _, n := range nodes {
		require.Equal(p, store.Closed, n.stores.States()[0], "the first store is used again within 10 s")
	}
}

// traffic asks for other pages, for a quarter of a second.
func (p *pair) traffic(nodes ...*node) {
	for range 5 {
		for _, n := range nodes {
			p.asked++
			ask(n.h, "GET", fmt.Sprintf("http://example.com/other/%d", p.asked))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *pair) says(body string, nodes ...*node) {
	p.Helper()
	for i, n := range nodes {
		w := get(n.h)
		require.Equal(p, body, w.Body.String(), "process %d: %s", i, status(w))
	}
}

func (p *pair) hits(n *node) {
	p.Helper()
	require.Contains(p, status(get(n.h)), "; hit")
}

func TestTheSecondStoreStandsIn(t *testing.T) {
	withPair(t, func(p *pair) {
		one, two := p.start(false), p.start(false)
		p.says("first", one)
		time.Sleep(time.Second)
		p.hits(two)
		p.loses(one, two)
		began := time.Now()
		p.says("first", one)
		require.Less(t, time.Since(began), 10*time.Millisecond, "nobody waits for the store that is away")
		time.Sleep(time.Second)
		p.hits(two)
		p.regains(one, two)
		p.hits(one)
		p.hits(two)
	})
}

// What was purged while the first store was away stays so when it is back, for everyone: for
// who was there, who was restarted in between or after, and who never noticed.
func TestPurgesOutliveAFailover(t *testing.T) {
	for name, purge := range purges {
		for _, tier := range []bool{false, true} {
			for _, restart := range []string{"", "during", "after", "killed during"} {
				t.Run(fmt.Sprintf("%s tier=%v restart=%s", name, tier, restart), func(t *testing.T) {
					withPair(t, func(p *pair) {
						one, two, aloof := p.start(tier), p.start(tier), p.start(tier)
						p.says("first", one)
						time.Sleep(time.Second)
						p.says("first", two, aloof)
						p.loses(one, two)
						p.publish("second")
						require.NoError(p, one.Purge(p.Context(), purge), "one journal is enough")
						time.Sleep(250 * time.Millisecond)
						p.says("second", one, two, aloof)
						time.Sleep(time.Second)
						switch restart {
						case "during":
							two.stop()
							two = p.start(tier)
						case "killed during":
							one.kill()
							one = p.start(tier)
						}
						if !purge.Soft { // what was revalidated since may be the old one again
							p.publish("third")
						}
						p.regains(one, two)
						if restart == "after" {
							two.stop()
							two = p.start(tier)
						}
						for _, n := range []*node{one, two, aloof, p.start(tier)} {
							require.NotEqual(p, "first", get(n.h).Body.String())
						}
					})
				})
			}
		}
	}
}

// What the second store has got meanwhile counts, not what the first had from before.
func TestTheNewerOfBothCounts(t *testing.T) {
	withPair(t, func(p *pair) {
		one := p.start(false)
		p.says("first", one)
		time.Sleep(time.Second)
		p.loses(one)
		p.publish("second")
		p.says("second", one) // the second store hadn't it
		time.Sleep(time.Second)
		p.publish("third")
		p.regains(one)
		p.says("second", one, p.start(false))
	})
}

// A store that comes back empty is no reason to ask the origin for what the other one has.
func TestAStoreThatComesBackEmpty(t *testing.T) {
	withPair(t, func(p *pair) {
		one, two := p.start(true), p.start(true)
		p.loses(one, two)
		p.says("first", one)
		time.Sleep(time.Second)
		p.says("first", two)
		p.first.lose(p.T)
		p.regains(one, two)
		calls := p.origin.calls.Load()
		p.publish("second")
		p.says("first", one, two, p.start(true))
		require.Equal(t, calls, p.origin.calls.Load())
		require.Zero(t, one.Stats().Unconfirmed)
	})
}

// A purge while all stores are away is unconfirmed, counts here, and everywhere once one of
// them is back.
func TestPurgeWhileAllStoresAreAway(t *testing.T) {
	withPair(t, func(p *pair) {
		one, two := p.start(true), p.start(true)
		p.says("first", one)
		time.Sleep(time.Second)
		p.says("first", two)
		for _, l := range []*line{one.first, one.second, two.first, two.second} {
			l.cut.Store(true)
		}
		time.Sleep(200 * time.Millisecond)
		p.publish("second")
		require.ErrorIs(t, one.Purge(p.Context(), purges["url"]), holdover.ErrUnconfirmed)
		require.Equal(t, 1, one.Stats().Unconfirmed)
		p.says("second", one)
		p.says("first", two)
		one.second.cut.Store(false)
		two.second.cut.Store(false)
		time.Sleep(time.Second)
		require.Zero(t, one.Stats().Unconfirmed)
		p.says("second", two)
	})
}

// A purge doesn't wait for a store that is known to hang, and reaches who can't see the other.
func TestPurgeWhileTheFirstStoreHangs(t *testing.T) {
	withPair(t, func(p *pair) {
		one, two := p.start(true), p.start(true)
		p.says("first", one)
		time.Sleep(time.Second)
		p.says("first", two)
		one.first.hangs.Store(true)
		two.first.hangs.Store(true)
		time.Sleep(2 * time.Second)
		p.publish("second")
		began := time.Now()
		require.NoError(t, one.Purge(p.Context(), purges["url"]))
		require.Less(t, time.Since(began), 10*time.Millisecond)
		time.Sleep(250 * time.Millisecond)
		p.says("second", two)
	})
}

// A purge is confirmed although one of the stores, of which that wasn't known, is away.
func TestPurgeWhenOneStoreHasJustGone(t *testing.T) {
	withPair(t, func(p *pair) {
		one := p.start(true)
		one.first.cut.Store(true)
		require.NoError(t, one.Purge(p.Context(), purges["url"]))
		one.first.cut.Store(false)
		one.second.cut.Store(true)
		time.Sleep(time.Second)
		one.first.cut.Store(true)
		require.ErrorIs(t, one.Purge(p.Context(), purges["url"]), holdover.ErrUnconfirmed)
		one.first.cut.Store(false)
		time.Sleep(time.Second)
	})
}

// A second store that hangs doesn't keep a process that starts from using what the first one has.
func TestStartWhileTheSecondStoreHangs(t *testing.T) {
	withPair(t, func(p *pair) {
		one := p.start(false)
		p.says("first", one)
		time.Sleep(time.Second)
		hung := p.begin(false, func(n *node) { n.second.hangs.Store(true) })
		time.Sleep(60 * time.Millisecond)
		p.hits(hung)
		hung.second.hangs.Store(false)
	})
}

// Processes that can't reach the same stores learn of each other's purges as soon as somebody
// reaches both.
func TestPurgesCrossAPartition(t *testing.T) {
	withPair(t, func(p *pair) {
		one, two := p.start(true), p.start(true)
		p.says("first", one)
		time.Sleep(time.Second)
		p.says("first", two)
		one.first.cut.Store(true)
		two.second.cut.Store(true)
		time.Sleep(time.Second)
		p.publish("second")
		require.NoError(t, one.Purge(p.Context(), purges["tag"]))
		time.Sleep(time.Second)
		p.says("first", two)
		p.start(true) // it reaches both
		time.Sleep(time.Second)
		p.says("second", two)
	})
}

// What another journal has isn't lost, and the log doesn't say so.
func TestTheLogOfALossThatIsCovered(t *testing.T) {
	withPair(t, func(p *pair) {
		one := p.start(true)
		time.Sleep(time.Second)
		one.first.cut.Store(true)
		time.Sleep(time.Second)
		p.first.lose(p.T)
		one.first.cut.Store(false)
		time.Sleep(time.Second)
		require.Zero(t, one.Stats().JournalLosses)
	})
}

// A second store that each process has for itself doesn't know what the others have purged: when
// the shared one has lost that, everything is revalidated.
func TestStandbysThatAreNotShared(t *testing.T) {
	for _, tier := range []bool{false, true} {
		withPair(t, func(p *pair) {
			private := func(n *node) { n.second.to = newShared(p.T) }
			one, two := p.begin(tier, private), p.begin(tier, private)
			p.says("first", one)
			time.Sleep(time.Second)
			p.says("first", two)
			p.loses(one, two)
			p.says("first", one, two)
			time.Sleep(time.Second)
			p.publish("second")
			require.NoError(t, one.Purge(p.Context(), purges["url"]))
			one.kill()
			p.first.lose(p.T)
			p.regains(two)
			p.says("second", two)
		})
	}
}
