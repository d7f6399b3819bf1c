// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// cuttable is a journal that can be out of reach.
type cuttable struct {
	journal atomic.Pointer[store.Journal]
	cut     atomic.Bool
	hangs   atomic.Bool
}

func newCuttable() *cuttable {
	j := &cuttable{}
	j.replace(memory.NewJournal())
	return j
}

// replace puts another journal in the place of what was there.
func (j *cuttable) replace(with store.Journal) { j.journal.Store(&with) }

// setBack puts a journal there that has the same epoch, and other marks.
func (j *cuttable) setBack(t *testing.T, marks int) {
	page, err := (*j.journal.Load()).Read(t.Context(), store.Position{})
	require.NoError(t, err)
	old := &paper{epoch: page.Epoch}
	for i := range marks {
		old.marks = append(old.marks, store.Mark{Hash: uint64(i)})
	}
	j.replace(old)
}

// paper is a journal that has whatever one writes.
type paper struct {
	mu    sync.Mutex
	epoch [16]byte
	marks []store.Mark
}

func (p *paper) Append(_ context.Context, marks []store.Mark) (store.Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks = append(p.marks, marks...)
	return store.Position{Epoch: p.epoch, Seq: uint64(len(p.marks))}, nil
}

func (p *paper) Read(_ context.Context, from store.Position) (store.JournalPage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	base := uint64(0)
	if from.Epoch == p.epoch && from.Seq > 0 && from.Seq <= uint64(len(p.marks)) {
		base = from.Seq - 1
	}
	return store.JournalPage{Epoch: p.epoch, Base: base, Marks: slices.Clone(p.marks[base:])}, nil
}

func (p *paper) Renew(_ context.Context, epoch [16]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch == epoch {
		p.epoch[0]++
		p.marks = nil
	}
	return nil
}

var errCut = errors.New("no route to host")

func (j *cuttable) reach(ctx context.Context) error {
	if j.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if j.cut.Load() {
		return errCut
	}
	return nil
}

func (j *cuttable) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	if err := j.reach(ctx); err != nil {
		return store.Position{}, err
	}
	return (*j.journal.Load()).Append(ctx, marks)
}

func (j *cuttable) Read(ctx context.Context, after store.Position) (store.JournalPage, error) {
	if err := j.reach(ctx); err != nil {
		return store.JournalPage{}, err
	}
	return (*j.journal.Load()).Read(ctx, after)
}

func (j *cuttable) Renew(ctx context.Context, epoch [16]byte) error {
	if err := j.reach(ctx); err != nil {
		return err
	}
	return (*j.journal.Load()).Renew(ctx, epoch)
}

// process is one of several that share a store and a journal.
type process struct {
	*holdover.Cache
	h http.Handler
}

// fleet is several processes in front of one origin.
type fleet struct {
	t       *testing.T
	store   *remote
	journal *cuttable
	origin  *origin
}

func newFleet(t *testing.T, fields ...string) *fleet {
	if fields == nil {
		fields = []string{"Cache-Control", "max-age=600, stale-if-error=600", "Cache-Groups", `"pages"`}
	}
	return &fleet{t, newRemote(), newCuttable(), newOrigin(answer(200, "first", fields...))}
}

func (f *fleet) start() *process {
	c, err := holdover.New(holdover.Config{Store: f.store, Journal: f.journal})
	require.NoError(f.t, err)
	p := &process{c, c.Handler(f.origin)}
	time.Sleep(time.Millisecond) // the journal is read
	return p
}

func (f *fleet) stop(list ...*process) {
	for _, p := range list {
		require.NoError(f.t, p.Close())
	}
}

// now makes the origin answer with another body.
func (f *fleet) now(status int, body string) {
	if status >= 500 {
		f.origin.set(answer(status, body))
		return
	}
	f.origin.set(answer(status, body, "Cache-Control", "max-age=600, stale-if-error=600", "Cache-Groups", `"pages"`))
}

// stored answers once, and waits until the response is in the store.
func (f *fleet) stored(p *process) {
	f.t.Helper()
	require.Equal(f.t, "first", get(p.h).Body.String())
	time.Sleep(time.Second)
	require.Contains(f.t, status(get(p.h)), "; hit")
}

func status(w *httptest.ResponseRecorder) string { return w.Header().Get("Cache-Status") }

var purges = map[string]holdover.PurgeRequest{
	"url": {URL: page1}, "tag": {Tag: "pages"}, "all": {All: true},
	"soft url": {URL: page1, Soft: true}, "soft tag": {Tag: "pages", Soft: true},
}

func TestPurgeReachesTheFleet(t *testing.T) {
	for name, purge := range purges {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				one, two := f.start(), f.start()
				defer f.stop(one, two)
				f.stored(one)
				require.Contains(t, status(get(two.h)), "; hit", "they share what is stored")
				f.now(200, "second")
				require.NoError(t, one.Purge(t.Context(), purge))
				require.Equal(t, "second", get(one.h).Body.String(), "here it counts at once")
				time.Sleep(250 * time.Millisecond)
				require.Equal(t, "second", get(two.h).Body.String())
			})
		})
	}
}

// What one process has purged and fetched anew is not purged by its own mark, when that
// comes back by the journal, nor for the others, who know the mark.
func TestAPurgeIsNoLongerThanItMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		f.stored(one)
		require.NoError(t, one.Purge(t.Context(), purges["all"]))
		time.Sleep(time.Second)
		f.now(200, "second")
		get(one.h)
		time.Sleep(time.Second)
		require.Contains(t, status(get(one.h)), "; hit")
		require.Contains(t, status(get(two.h)), "; hit")
		require.Equal(t, "second", get(two.h).Body.String())
	})
}

func TestUnsafeMethodsReachTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		f.stored(one)
		f.now(200, "second")
		ask(one.h, "POST", page1)
		time.Sleep(250 * time.Millisecond)
		require.Equal(t, "second", get(two.h).Body.String())
	})
}

// A process that is started later, or again, knows all purges before it uses what is stored.
func TestPurgesSurviveARestart(t *testing.T) {
	for name, purge := range purges {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				one := f.start()
				f.stored(one)
				f.now(200, "second")
				require.NoError(t, one.Purge(t.Context(), purge))
				f.stop(one)
				again := f.start()
				defer f.stop(again)
				require.Equal(t, "second", get(again.h).Body.String())
			})
		})
	}
}

func TestWithoutAPurgeARestartLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		f.stored(one)
		require.NoError(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: "others"}))
		f.stop(one)
		again := f.start()
		defer f.stop(again)
		require.Contains(t, status(get(again.h)), "; hit")
	})
}

// A purge while the journal is out of reach counts here at once, and everywhere within a
// second after the journal can be reached again.
func TestPurgeWhileTheJournalIsAway(t *testing.T) {
	for name, away := range map[string]func(*cuttable, bool){
		"refused": func(j *cuttable, away bool) { j.cut.Store(away) },
		"hangs":   func(j *cuttable, away bool) { j.hangs.Store(away) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				one, two := f.start(), f.start()
				defer f.stop(one, two)
				f.stored(two) // by another process than the one that purges
				require.Contains(t, status(get(one.h)), "; hit")
				away(f.journal, true)
				f.now(200, "second")
				began := time.Now()
				require.ErrorIs(t, one.Purge(t.Context(), purges["url"]), holdover.ErrUnconfirmed)
				require.LessOrEqual(t, time.Since(began), time.Second)
				require.Equal(t, 1, one.Stats().Unconfirmed)
				require.Equal(t, "second", get(one.h).Body.String(), "here it counts at once")
				away(f.journal, false)
				time.Sleep(time.Second)
				require.Zero(t, one.Stats().Unconfirmed)
				require.Equal(t, "second", get(two.h).Body.String())
			})
		})
	}
}

// While no journal can be reached, responses are used as before for the grace, and then as
// if they were stale.
func TestJournalGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		defer f.stop(one)
		f.stored(one)
		f.journal.cut.Store(true)
		time.Sleep(3 * time.Second)
		require.Contains(t, status(get(one.h)), "; hit", "an outage of the journal alone changes nothing")
		time.Sleep(3 * time.Second)
		f.now(503, "broken")
		w := get(one.h)
		require.Equal(t, "first", w.Body.String(), "stale, where the origin fails")
		require.Contains(t, status(w), "stale-if-error")
		time.Sleep(time.Minute)
		f.now(200, "second")
		require.Equal(t, "second", get(one.h).Body.String(), "and revalidated, where it doesn't")
		require.Contains(t, status(get(one.h)), "; hit", "what was fetched just now is used")

		f.journal.cut.Store(false)
		time.Sleep(time.Minute)
		require.Contains(t, status(get(one.h)), "; hit")
	})
}

// A journal that begins anew has lost purges that nobody knows: what was stored before is
// used only after validation, not even when the origin fails.
func TestALostJournalIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		f.stored(one)
		f.journal.replace(memory.NewJournal())
		time.Sleep(time.Second)
		require.EqualValues(t, 1, one.Stats().JournalLosses)
		f.now(503, "broken")
		for _, p := range []*process{one, two} {
			w := get(p.h)
			require.Equal(t, 503, w.Code, "%s", w.Body)
		}
		time.Sleep(time.Minute)
		f.now(200, "second")
		require.Equal(t, "second", get(one.h).Body.String())
		time.Sleep(time.Second)
		require.Contains(t, status(get(one.h)), "; hit")
		require.Contains(t, status(get(two.h)), "; hit", "what names the new journal is known again")
	})
}

// At the start a journal that can't be reached delays nobody for longer than the store's
// deadline, and what is stored is validated.
func TestStartWithoutTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		one := f.start()
		f.stored(one)
		f.stop(one)
		f.journal.hangs.Store(true)
		c, err := holdover.New(holdover.Config{Store: f.store, Journal: f.journal})
		require.NoError(t, err)
		defer c.Close()
		f.now(200, "second")
		began := time.Now()
		require.Equal(t, "second", get(c.Handler(f.origin)).Body.String())
		require.LessOrEqual(t, time.Since(began), 50*time.Millisecond)
	})
}

// Purges are not lost over reconnects: every one is known elsewhere within a second after
// the journal can be reached.
func TestNoPurgeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "Cache-Control", "max-age=6000")
		one, two := f.start(), f.start()
		defer f.stop(one, two)
		for i := range 200 {
			f.journal.cut.Store(i%10 == 3)
			get(two.h)
			time.Sleep(time.Second)
			asked := f.origin.calls.Load()
			_ = one.Purge(t.Context(), holdover.PurgeRequest{URL: page1})
			f.journal.cut.Store(false)
			time.Sleep(time.Second)
			get(two.h)
			require.Equal(t, asked+1, f.origin.calls.Load(), "purge %d", i)
		}
	})
}

// A journal that was set back, by a backup or a replica that lagged, has lost purges, and
// gives others the numbers that they had.
func TestAJournalThatWasSetBack(t *testing.T) {
	for name, marks := range map[string]int{"fewer": 1, "as many others": 3, "more": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t)
				one, two := f.start(), f.start()
				defer f.stop(one, two)
				for _, tag := range []string{"a", "b", "c"} {
					require.NoError(t, one.Purge(t.Context(), holdover.PurgeRequest{Tag: tag}))
				}
				time.Sleep(time.Second)
				f.stored(one)
				f.journal.setBack(t, marks)
				time.Sleep(time.Second)
				f.now(503, "broken")
				require.Equal(t, 503, get(one.h).Code)
				require.Equal(t, 503, get(two.h).Code)
				require.EqualValues(t, 1, one.Stats().JournalLosses)
				time.Sleep(time.Minute)
				f.now(200, "second")
				require.Equal(t, "second", get(two.h).Body.String())
				time.Sleep(time.Second)
				require.Contains(t, status(get(one.h)), "; hit")
			})
		})
	}
}
