// SPDX-License-Identifier: MIT

package marks_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// entry is made as of the given positions, under the URL and tags of those hashes.
func entry(t testing.TB, asOf []store.Position, url uint64, tags ...uint64) *store.Entry {
	r := store.Response{Key: "k", Status: 200, URLHash: url, AsOf: asOf}
	for _, hash := range tags {
		r.Tags = append(r.Tags, store.Tag{Name: "some-tag", Hash: hash})
	}
	e, err := store.New(r)
	require.NoError(t, err)
	return e
}

func asOf(table *marks.Table, position uint64) []store.Position {
	return []store.Position{{Epoch: table.Epoch(), Seq: position}}
}

// hash spreads small numbers as a cryptographic hash would, without collisions
// among the few that tests use.
func hash(n uint64) uint64 { return rand.New(rand.NewPCG(n, 7)).Uint64() }

func TestEpochsAreRandom(t *testing.T) {
	require.NotEqual(t, marks.New(0, 0).Epoch(), marks.New(0, 0).Epoch())
	require.NotZero(t, marks.New(0, 0).Epoch())
}

func TestMarkPurgesWhatWasFetchedBefore(t *testing.T) {
	for _, mark := range []struct {
		name string
		hash uint64
	}{{"url", hash(1)}, {"tag", hash(3)}, {"all", marks.All}} {
		for _, soft := range []bool{false, true} {
			table := marks.New(0, 0)
			old := entry(t, asOf(table, table.Position()), hash(1), hash(2), hash(3))
			other := entry(t, asOf(table, table.Position()), hash(4), hash(5))
			unnamed := entry(t, nil, hash(1), hash(3))
			foreign := entry(t, []store.Position{{Epoch: [16]byte{1}, Seq: 1000}}, hash(1), hash(3))
			for _, e := range []*store.Entry{old, other, unnamed, foreign} {
				requirePurged(t, table, e, false, false)
			}

			require.EqualValues(t, 1, table.Mark(mark.hash, soft), mark.name)
			require.EqualValues(t, 1, table.Position())
			for _, e := range []*store.Entry{old, unnamed, foreign} {
				requirePurged(t, table, e, !soft, soft)
			}
			if all := mark.hash == marks.All; all {
				requirePurged(t, table, other, !soft, soft)
			} else {
				requirePurged(t, table, other, false, false)
			}

			fresh := entry(t, asOf(table, table.Position()), hash(1), hash(2), hash(3))
			requirePurged(t, table, fresh, false, false)
			require.EqualValues(t, 2, table.Mark(hash(99), !soft))
			requirePurged(t, table, fresh, false, false)
			requirePurged(t, table, old, !soft, soft)
		}
	}
}

func requirePurged(t *testing.T, table *marks.Table, e *store.Entry, wantHard, wantSoft bool) {
	t.Helper()
	want := marks.Unpurged
	switch {
	case wantHard:
		want = marks.Hard
	case wantSoft:
		want = marks.Soft
	}
	require.Equal(t, want, table.Entry(e, 0))
}

func TestPurged(t *testing.T) {
	table := marks.New(0, 0)
	table.Mark(hash(1), false)
	table.Mark(hash(2), true)
	table.Mark(marks.All, true)
	table.Mark(hash(3), false)
	for _, c := range []struct {
		hash, asOf uint64
		hard, soft bool
	}{
		{hash(1), 0, true, true},
		{hash(1), 1, false, true},
		{hash(1), 3, false, false},
		{hash(2), 1, false, true},
		{hash(3), 3, true, false},
		{hash(3), 4, false, false},
		{hash(3), 100, false, false},
		{hash(9), 2, false, true},
		{hash(9), 3, false, false},
		{marks.All, 2, false, true},
		{marks.All, 3, false, false},
	} {
		hard, soft := table.Purged(c.hash, c.asOf)
		require.Equal(t, [2]bool{c.hard, c.soft}, [2]bool{hard, soft}, "%x as of %d", c.hash, c.asOf)
	}
}

func TestEntryNamesSeveralJournals(t *testing.T) {
	table := marks.New(0, 0)
	e := entry(t, append([]store.Position{{Epoch: [16]byte{1}, Seq: 9}}, asOf(table, 1)...), hash(1))
	table.Mark(hash(1), false)
	requirePurged(t, table, e, false, false)
	table.Mark(hash(1), false)
	requirePurged(t, table, e, true, false)
}

func TestMarkingAgainChangesNothing(t *testing.T) {
	table := marks.New(0, 0)
	table.Mark(hash(1), false)
	between := entry(t, asOf(table, table.Position()), hash(2))
	fill := table.Fill()
	for range 5 {
		table.Mark(hash(1), false)
	}
	requirePurged(t, table, between, false, false)
	require.Equal(t, fill, table.Fill())
}

func TestFill(t *testing.T) {
	table := marks.New(0, 0)
	require.Zero(t, table.Fill())
	table.Mark(marks.All, false)
	require.Zero(t, table.Fill(), "this mark needs no cells")
	for i := range uint64(1000) {
		table.Mark(hash(i), i%10 == 0)
	}
	require.InDelta(t, 900*4/float64(1<<20), table.Fill(), 1e-4)
}

// The model remembers every mark. The table must agree, but for a few responses
// that it purges too much.
func TestAgreesWithAModel(t *testing.T) {
	const numMarks, hashes = 20_000, 40_000
	rng := rand.New(rand.NewPCG(1, 2))
	table := marks.New(0, 0)
	type last struct{ hard, soft uint64 }
	model := map[uint64]last{}
	for i := range numMarks {
		h, soft := hash(rng.Uint64N(hashes)), rng.IntN(2) == 0
		if i == numMarks/10 {
			h = marks.All
		}
		m := model[h]
		if position := table.Mark(h, soft); soft {
			m.soft = position
		} else {
			m.hard = position
		}
		model[h] = m
	}

	tooMuch := 0
	const checks = 20_000
	for range checks {
		seq := rng.Uint64N(numMarks + 1)
		url, tags := hash(rng.Uint64N(hashes)), []uint64{hash(rng.Uint64N(hashes)), hash(rng.Uint64N(2 * hashes))}
		var want last
		for _, h := range append(tags, url, marks.All) {
			want.hard, want.soft = max(want.hard, model[h].hard), max(want.soft, model[h].soft)
		}
		verdict := table.Entry(entry(t, asOf(table, seq), url, tags...), 0)
		due := marks.Unpurged
		switch {
		case want.hard > seq:
			due = marks.Hard
		case want.soft > seq:
			due = marks.Soft
		}
		require.GreaterOrEqual(t, verdict, due, "too little")
		if verdict != due {
			tooMuch++
		}
	}
	require.Less(t, tooMuch, checks/1000)
}

func TestChecksAllocateNothing(t *testing.T) {
	table := marks.New(0, 0)
	e := entry(t, asOf(table, 0), hash(1), hash(2), hash(3))
	table.Mark(hash(4), false)
	table.Mark(hash(4), true)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		table.Entry(e, 0)
		table.Purged(hash2, 0)
		table.Mark(hash2, true)
	}))
}

const hash2 = 0x0123456789abcdef

// URL and 4 tags with 10,000 marks behind the entry.
func BenchmarkEntry(b *testing.B) {
	table := marks.New(0, 0)
	e := entry(b, asOf(table, 0), hash(1<<40), hash(2<<40), hash(3<<40), hash(4<<40), hash(5<<40))
	known := entry(b, asOf(table, 10_000), hash(1<<40), hash(2<<40))
	for i := range uint64(10_000) {
		table.Mark(hash(i), false)
	}
	b.Run("marks behind", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.Entry(e, 0)
		}
	})
	b.Run("no marks behind", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			table.Entry(known, 0)
		}
	})
}

func BenchmarkMark(b *testing.B) {
	table := marks.New(0, 0)
	b.ReportAllocs()
	h := uint64(1)
	for b.Loop() {
		h = h*6364136223846793005 + 1
		table.Mark(h, false)
	}
}

// Who makes a mark itself learns whether somebody else made one that it doesn't know.
func TestMarkSince(t *testing.T) {
	for name, tt := range map[string]struct {
		others func(*marks.Table)
		first  bool
	}{
		"nobody's":      {func(*marks.Table) {}, true},
		"another hash":  {func(m *marks.Table) { m.Mark(2, false) }, true},
		"the same hash": {func(m *marks.Table) { m.Mark(1, false) }, false},
		"a soft one":    {func(m *marks.Table) { m.Mark(1, true) }, false},
		"all":           {func(m *marks.Table) { m.Mark(marks.All, false) }, false},
		"all, softly":   {func(m *marks.Table) { m.Mark(marks.All, true) }, false},
	} {
		m := marks.New(0, 0)
		asOf := m.Mark(1, false)
		tt.others(m)
		position, first := m.MarkSince(1, asOf)
		require.Equal(t, tt.first, first, name)
		require.Equal(t, m.Position(), position, name)
		hard, _ := m.Purged(1, position-1)
		require.True(t, hard, name)
		_, again := m.MarkSince(1, position)
		require.True(t, again, name)
	}
}
