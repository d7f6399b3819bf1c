// SPDX-License-Identifier: MIT

package marks_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/memory"
)

// fleet is processes that follow the same journals, any of which may be cut off from any.
type fleet struct {
	*testing.T
	rnd       *rand.Rand
	journals  []*memory.Journal
	processes []*process
	purges    []*purge
	entries   []*fetched
	lossy     bool // journals get lost
	steps     int
}

type process struct {
	f     *fleet
	table *marks.Table
	cut   []bool
	sent  []map[store.Position]bool
}

// purge is a mark, with the processes in which it counts.
type purge struct {
	mark  store.Mark
	hash  uint64
	known map[*process]bool
	step  int
}

// fetched is a stored response.
type fetched struct {
	entry *store.Entry
	hash  uint64
	step  int
}

func newFleet(t *testing.T, seed uint64, journals, processes int) *fleet {
	f := &fleet{T: t, rnd: rand.New(rand.NewPCG(seed, 1))}
	for range journals {
		f.journals = append(f.journals, memory.NewJournal())
	}
	for range processes {
		f.start(nil)
	}
	return f
}

// start starts a process, in place of one that was killed.
func (f *fleet) start(instead *process) *process {
	p := &process{f: f, table: marks.New(len(f.journals), time.Hour), cut: make([]bool, len(f.journals))}
	for range f.journals {
		p.sent = append(p.sent, map[store.Position]bool{})
	}
	for i, old := range f.processes {
		if old == instead {
			f.processes[i] = p
			return p
		}
	}
	f.processes = append(f.processes, p)
	return p
}

// round appends and reads, as who follows a journal does.
func (p *process) round(i int) {
	s := p.table.Shared()[i]
	if p.cut[i] {
		s.OutOfReach()
		s.Tried()
		return
	}
	var list []store.Mark
	sent := func(source store.Position) bool { return p.sent[i][source] }
	for _, m := range s.Due(1+p.f.rnd.IntN(5), sent) {
		p.sent[i][m.Source] = true
		list = append(list, m)
	}
	p.append(i, list)
	for {
		page, err := p.f.journals[i].Read(p.f.Context(), s.Position())
		require.NoError(p.f, err)
		if p.f.rnd.IntN(3) > 0 && len(page.Marks) > 2 { // pages end anywhere
			page.Marks, page.More = page.Marks[:2], true
		}
		if s.Apply(page, s.Begin()) == marks.SetBack {
			require.NoError(p.f, p.f.journals[i].Renew(p.f.Context(), page.Epoch))
			continue
		}
		for _, m := range page.Marks {
			p.f.learn(p, m)
		}
		if !page.More {
			clear(p.sent[i]) // what it still lacks after that was lost
			return
		}
	}
}

func (p *process) append(i int, list []store.Mark) {
	if len(list) > 0 {
		_, err := p.f.journals[i].Append(p.f.Context(), list)
		require.NoError(p.f, err)
	}
}

func (f *fleet) learn(p *process, m store.Mark) {
	for _, purge := range f.purges {
		if purge.mark.Source == m.Source {
			purge.known[p] = true
		}
	}
}

// purge makes a mark, and writes it to some of the journals at once.
func (p *process) purge(hash uint64) *purge {
	m := p.table.MarkPending(hash, false)
	made := &purge{mark: m, hash: hash, known: map[*process]bool{p: true}, step: p.f.steps}
	p.f.purges = append(p.f.purges, made)
	for i := range p.f.journals {
		if !p.cut[i] && p.f.rnd.IntN(2) == 0 {
			p.sent[i][m.Source] = true
			p.append(i, []store.Mark{m})
		}
	}
	return made
}

func (p *process) fetch(hash uint64) *fetched {
	asOf := p.table.AsOf()
	now := time.Now().UnixNano()
	e, err := store.New(store.Response{
		Key: fmt.Sprint(hash), URLHash: hash, Status: 200, AsOf: asOf, RequestTime: now, ResponseTime: now,
		StoreUntil: now + int64(time.Hour), StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	})
	require.NoError(p.f, err)
	got := &fetched{entry: e, hash: hash, step: p.f.steps}
	p.f.entries = append(p.f.entries, got)
	return got
}

// check: whatever counts in a process purges each response that was fetched before.
func (f *fleet) check() {
	for n, p := range f.processes {
		for _, e := range f.entries[max(len(f.entries)-40, 0):] {
			verdict := p.table.Entry(e.entry, time.Now().UnixNano())
			for _, purge := range f.purges {
				if purge.hash == e.hash && purge.known[p] && e.step <= purge.step {
					require.GreaterOrEqual(f, verdict, marks.Unsure, "process %d uses what mark %v purged", n, purge.mark)
				}
			}
		}
	}
}

// Whatever is cut off, restarted, or lost: a response never outlives a purge that counts in the
// process which judges it.
func TestSeveralJournals(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		for seed := range uint64(20) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, seed, 1+int(seed%3), 3)
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("seed %d, lossy %v", seed, lossy)
					}
				})
				f.lossy = lossy
				for range 150 {
					f.step()
				}
				f.heal()
			})
		}
	}
}

func (f *fleet) step() {
	f.steps++
	p := f.processes[f.rnd.IntN(len(f.processes))]
	hash, i := 1+f.rnd.Uint64N(4), f.rnd.IntN(len(f.journals))
	switch f.rnd.IntN(14) {
	case 0, 1:
		p.purge(hash)
	case 2, 3, 4:
		p.fetch(hash)
	case 5:
		p.cut[i] = !p.cut[i]
	case 6:
		if f.rnd.IntN(4) == 0 {
			f.start(p)
		}
	case 7:
		if f.lossy && f.rnd.IntN(4) == 0 {
			f.lose(i)
		}
	case 8:
		time.Sleep(time.Duration(f.rnd.IntN(1000)) * time.Millisecond)
	default:
		p.round(i)
	}
	f.check()
}

// lose begins a journal anew.
func (f *fleet) lose(i int) {
	page, err := f.journals[i].Read(f.Context(), store.Position{})
	require.NoError(f, err)
	require.NoError(f, f.journals[i].Renew(f.Context(), page.Epoch))
}

// heal: once everything is in reach, what is fetched is used everywhere, and all journals
// that weren't lost have all marks.
func (f *fleet) heal() {
	for _, p := range f.processes {
		clear(p.cut)
	}
	for range 30 {
		time.Sleep(100 * time.Millisecond)
		for _, p := range f.processes {
			for i := range f.journals {
				p.round(i)
			}
		}
		f.check()
	}
	for n, p := range f.processes {
		for i, s := range p.table.Shared() {
			require.True(f, s.Whole(), "journal %d lacks nothing that process %d knows", i, n)
		}
		require.Zero(f, p.table.NumPending())
	}
	for _, p := range f.processes {
		e := p.fetch(1)
		for _, other := range f.processes {
			require.Equal(f, marks.Unpurged, other.table.Entry(e.entry, time.Now().UnixNano()))
		}
	}
}
