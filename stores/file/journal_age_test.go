// SPDX-License-Identifier: MIT

package file_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

const keptAlways = 1000

// base returns the number of the last mark that was dropped.
func base(t testing.TB, s store.Journal) uint64 {
	t.Helper()
	page, err := s.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	return page.Base
}

// Marks are dropped no sooner than JournalLife after they were appended, and no later than
// half of that afterwards, while others are appended.
func TestJournalMarksAgeOut(t *testing.T) {
	for name, life := range map[string]time.Duration{"second": time.Second, "hour": time.Hour} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { ageOut(t, life) }) })
	}
}

func ageOut(t *testing.T, life time.Duration) {
	const each, steps = 100, 50 // each step a 20th of the life
	s := open(t, file.Config{JournalLife: life})
	began := time.Now()
	var epoch [16]byte
	for i := range steps {
		p := appended(t, s, i*each, each)
		synctest.Wait()
		age := func(n uint64) time.Duration { return time.Since(began) - time.Duration(n/each)*life/20 } // of the n-th mark, from 0 on
		first := base(t, s)
		require.LessOrEqual(t, first, p.Seq-min(p.Seq, keptAlways), "the last thousand are kept")
		if first > 0 {
			require.GreaterOrEqual(t, age(first-1), life, "step %d", i)
		}
		require.LessOrEqual(t, age(first), life*3/2, "step %d", i)
		if i == 0 {
			epoch = p.Epoch
		}
		require.Equal(t, store.Position{Epoch: epoch, Seq: uint64(i+1) * each}, p)
		requirePage(t, s, p, epoch, p.Seq-1, marked((i+1)*each-1, 1))
		time.Sleep(life / 20)
	}
	require.Positive(t, base(t, s))
	require.NoError(t, s.Close())
}

// The last thousand stay whatever their age, and the journal isn't written anew again and
// again where nothing can be dropped.
func TestJournalKeepsTheLastThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = time.Hour
		dir := t.TempDir()
		s := open(t, file.Config{Dir: dir, JournalLife: life})
		appended(t, s, 0, 1500)
		time.Sleep(10 * life)
		require.Zero(t, base(t, s), "nobody appends")
		inode := info(t, dir)
		p := appended(t, s, 1500, 1)
		synctest.Wait()
		require.False(t, os.SameFile(inode, info(t, dir)))
		require.EqualValues(t, 501, base(t, s))
		requirePage(t, s, p, p.Epoch, 1500, marked(1500, 1))
		inode = info(t, dir)
		for i := range 100 {
			appended(t, s, 1501+i, 1)
			synctest.Wait()
		}
		require.True(t, os.SameFile(inode, info(t, dir)))
		require.EqualValues(t, 501, base(t, s))
		time.Sleep(life / 8)
		appended(t, s, 1601, 1)
		synctest.Wait()
		require.EqualValues(t, 602, base(t, s))
		require.NoError(t, s.Close())
	})
}

func info(t testing.TB, dir string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(journalPath(dir))
	require.NoError(t, err)
	return info
}

// Marks are kept for eight days where nothing is said.
func TestJournalLifeByDefault(t *testing.T) {
	for life, ages := range map[time.Duration]bool{0: true, 1<<63 - 1: false} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			for day := range 12 {
				s, err := file.New(file.Config{Dir: dir, JournalLife: life})
				require.NoError(t, err)
				appended(t, s, 0, 200)
				synctest.Wait()
				require.Equal(t, ages && day > 10, base(t, s) > 0, "day %d", day)
				require.NoError(t, s.Close())
				time.Sleep(24 * time.Hour)
			}
		})
	}
}

// Beyond their number the oldest are dropped. Who stands at one of them sees that marks are
// gone; who doesn't goes on, in other processes too.
func TestJournalIsBounded(t *testing.T) {
	const kept, n, times = 4000, 700, 20
	dir := t.TempDir()
	s, other := journalIn(t, dir), journalIn(t, dir)
	s.SetMaxMarks(kept)
	old := appended(t, s, 0, 1)
	at := old
	for i := range times {
		p := appended(t, s, 1+i*n, n)
		page, err := other.Read(t.Context(), at)
		require.NoError(t, err)
		require.Equal(t, at.Seq-1, page.Base)
		require.Equal(t, marked(i*n, n+1), page.Marks)
		at = p
		require.Eventually(t, func() bool {
			appended(t, s, 0, 0) // where the checkpoint before was just ending
			return p.Seq-base(t, other) <= kept*5/4
		}, 10*time.Second, time.Millisecond)
		require.GreaterOrEqual(t, p.Seq-base(t, s), min(p.Seq, kept))
	}
	require.Equal(t, store.Position{Epoch: old.Epoch, Seq: n*times + 1}, at)
	for _, s := range []*file.Store{s, other, journalIn(t, dir)} {
		page, err := s.Read(t.Context(), old)
		require.NoError(t, err)
		require.Equal(t, old.Epoch, page.Epoch)
		require.Greater(t, page.Base, old.Seq, "the reader's mark was dropped, and those behind it")
		require.Equal(t, marked(int(page.Base), 1), page.Marks[:1])
		require.True(t, page.More)
	}
	require.Eventually(t, func() bool { return len(temps(t, dir)) == 0 }, 10*time.Second, time.Millisecond)
	require.Less(t, info(t, dir).Size(), int64((kept*5/4+2)*slotLen))
}

// What a checkpoint finds damaged is lost as well.
func TestJournalDamagedBeforeACheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := journalIn(t, dir)
	s.SetMaxMarks(1000)
	p := appended(t, s, 0, 1200)
	damage(t, dir, 600*slotLen)
	after := appended(t, s, 1200, 100)
	require.Equal(t, store.Position{Epoch: p.Epoch, Seq: 1300}, after)
	require.Eventually(t, func() bool {
		page, err := s.Read(t.Context(), after)
		return err == nil && page.Epoch != p.Epoch
	}, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return len(temps(t, dir)) == 0 }, 10*time.Second, time.Millisecond)
}

// Where no other file can be made, the journal goes on as it is.
func TestJournalWithoutACheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := journalIn(t, dir)
	s.SetMaxMarks(100)
	p := appended(t, s, 0, 1)
	tmp := filepath.Join(dir, "tmp")
	require.NoError(t, os.RemoveAll(tmp))
	require.NoError(t, os.WriteFile(tmp, nil, 0o600))
	s2 := journalIn(t, dir) // which has no open folder of them
	s2.SetMaxMarks(100)
	for i := range 20 {
		require.Equal(t, p.Seq+uint64(100*(i+1)), appended(t, s2, 1, 100).Seq)
	}
	require.Zero(t, base(t, s2))
}
