// SPDX-License-Identifier: MIT

package file_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/file"
)

const slotLen = 64 // of the journal's head, and of a mark in it

func journalPath(dir string) string { return filepath.Join(dir, "journal") }

// losses are how a journal is lost.
var losses = []struct {
	name string
	lose func(t testing.TB, dir string)
}{
	{"deleted", func(t testing.TB, dir string) { require.NoError(t, os.Remove(journalPath(dir))) }},
	{"the folder deleted", func(t testing.TB, dir string) { require.NoError(t, os.RemoveAll(dir)) }},
	{"the folder replaced", func(t testing.TB, dir string) {
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.Mkdir(dir, 0o700))
	}},
	{"emptied", func(t testing.TB, dir string) { require.NoError(t, os.Truncate(journalPath(dir), 0)) }},
	{"cut off in its head", func(t testing.TB, dir string) { require.NoError(t, os.Truncate(journalPath(dir), 63)) }},
	{"written over in place", func(t testing.TB, dir string) { overwrite(t, dir, []byte("something of somebody else's\n")) }},
	{"written over with zeros", func(t testing.TB, dir string) { overwrite(t, dir, make([]byte, 10*slotLen)) }},
	{"written over with noise", func(t testing.TB, dir string) {
		b := make([]byte, 10*slotLen)
		rand.Read(b)
		overwrite(t, dir, b)
	}},
	{"written over with another journal", func(t testing.TB, dir string) { overwrite(t, dir, anotherJournal(t)) }},
	{"replaced by another journal", func(t testing.TB, dir string) {
		b := anotherJournal(t)
		require.NoError(t, os.Remove(journalPath(dir)))
		require.NoError(t, os.WriteFile(journalPath(dir), b, 0o600))
	}},
	{"a folder", func(t testing.TB, dir string) {
		require.NoError(t, os.Remove(journalPath(dir)))
		require.NoError(t, os.Mkdir(journalPath(dir), 0o700))
	}},
	{"a link", func(t testing.TB, dir string) {
		require.NoError(t, os.Rename(journalPath(dir), journalPath(dir)+".away"))
		require.NoError(t, os.Symlink("journal.away", journalPath(dir)))
	}},
	{"huge", func(t testing.TB, dir string) { require.NoError(t, os.Truncate(journalPath(dir), 1<<40)) }},
}

// damage changes a byte.
func damage(t testing.TB, dir string, at int) {
	t.Helper()
	b, err := os.ReadFile(journalPath(dir))
	require.NoError(t, err)
	b[at] ^= 0x55
	overwrite(t, dir, b)
}

// overwrite keeps the file and changes what is in it.
func overwrite(t testing.TB, dir string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(journalPath(dir), b, 0o600))
}

func anotherJournal(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	_, err := journalIn(t, dir).Append(t.Context(), marked(0, 30))
	require.NoError(t, err)
	b, err := os.ReadFile(journalPath(dir))
	require.NoError(t, err)
	return b
}

// marked are n marks, each another one.
func marked(from, n int) []store.Mark {
	list := make([]store.Mark, n)
	for i := range list {
		list[i] = store.Mark{Hash: uint64(from + i), Source: store.Position{Seq: uint64(from + i)}}
	}
	return list
}

// journalIn opens a store that is patient with a busy disk.
func journalIn(t testing.TB, dir string) *file.Store {
	t.Helper()
	return open(t, file.Config{Dir: dir, Timeout: 20 * time.Second})
}

func TestJournal(t *testing.T) {
	dirs := map[store.Journal]string{}
	in := func(t *testing.T, dir string) store.Journal {
		s := journalIn(t, dir)
		dirs[s] = dir
		return s
	}
	turn := 0
	storetest.RunJournal(t, func(t *testing.T) store.Journal { return in(t, filepath.Join(t.TempDir(), "cache")) }, storetest.JournalFeatures{
		Reopen: func(t *testing.T, j store.Journal) store.Journal { return in(t, dirs[j]) },
		Lose: func(t *testing.T, j store.Journal) {
			losses[turn%len(losses)].lose(t, dirs[j])
			turn++
		},
	})
	require.Greater(t, turn, len(losses), "each of them was tried")
}

// However a journal is lost: whoever comes first begins another one, and all others go on
// with that.
func TestJournalIsLost(t *testing.T) {
	for _, l := range losses {
		for _, first := range []string{"Append", "Read", "Renew", "another process"} {
			t.Run(l.name+", "+first, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				one, two := journalIn(t, dir), journalIn(t, dir)
				before := appended(t, one, 0, 5)
				requirePage(t, two, before, before.Epoch, 4, marked(4, 1))
				l.lose(t, dir)
				switch first {
				case "Append":
					_, err := one.Append(t.Context(), nil)
					require.NoError(t, err)
				case "Renew":
					require.NoError(t, two.Renew(t.Context(), before.Epoch))
				case "another process":
					_, err := journalIn(t, dir).Read(t.Context(), before)
					require.NoError(t, err)
				}
				page, err := one.Read(t.Context(), before)
				require.NoError(t, err)
				require.NotEqual(t, before.Epoch, page.Epoch)
				again, err := two.Read(t.Context(), before)
				require.NoError(t, err)
				require.Equal(t, page, again)
				p := appended(t, two, 5, 2)
				require.Equal(t, page.Position().Seq+2, p.Seq)
				requirePage(t, one, p, page.Epoch, p.Seq-1, marked(6, 1))
			})
		}
	}
}

func appended(t testing.TB, s store.Journal, from, n int) store.Position {
	t.Helper()
	p, err := s.Append(t.Context(), marked(from, n))
	require.NoError(t, err)
	return p
}

func requirePage(t testing.TB, s store.Journal, from store.Position, epoch [16]byte, base uint64, marks []store.Mark) {
	t.Helper()
	page, err := s.Read(t.Context(), from)
	require.NoError(t, err)
	require.Equal(t, store.JournalPage{Epoch: epoch, Base: base, Marks: marks}, page)
}

// What a process left that was killed while it appended, or the disk when the power failed,
// is seen by nobody and cut off by the next one.
func TestJournalBrokenOff(t *testing.T) {
	for name, left := range map[string]func(more []byte) []byte{
		"a byte":             func(more []byte) []byte { return more[:1] },
		"almost a record":    func(more []byte) []byte { return more[:slotLen-1] },
		"zeros":              func([]byte) []byte { return make([]byte, 10*slotLen) },
		"zeros, odd":         func([]byte) []byte { return make([]byte, 200) },
		"zeros, many":        func([]byte) []byte { return make([]byte, 1<<20) },
		"without the first":  func(more []byte) []byte { return append(make([]byte, slotLen), more[slotLen:]...) },
		"only the last":      func(more []byte) []byte { return append(make([]byte, len(more)-slotLen), more[len(more)-slotLen:]...) },
		"first spoilt":       func(more []byte) []byte { return append([]byte{1}, more[1:]...) },
		"of another journal": func([]byte) []byte { return anotherJournal(t)[slotLen : 20*slotLen] },
		"the first again":    func([]byte) []byte { return nil }, // see below
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			one, two := journalIn(t, dir), journalIn(t, dir)
			p := appended(t, one, 0, 5)
			whole, err := os.ReadFile(journalPath(dir))
			require.NoError(t, err)
			appended(t, one, 100, 40)
			more, err := os.ReadFile(journalPath(dir))
			require.NoError(t, err)
			rest := left(more[len(whole):])
			if rest == nil {
				rest = whole[slotLen : 2*slotLen]
			}
			overwrite(t, dir, append(bytes.Clone(whole), rest...))

			for _, s := range []*file.Store{one, two, journalIn(t, dir)} {
				requirePage(t, s, p, p.Epoch, 4, marked(4, 1))
				requirePage(t, s, store.Position{}, p.Epoch, 0, marked(0, 5))
			}
			after := appended(t, two, 5, 2)
			require.Equal(t, store.Position{Epoch: p.Epoch, Seq: 7}, after)
			for _, s := range []*file.Store{one, two, journalIn(t, dir)} {
				requirePage(t, s, store.Position{}, p.Epoch, 0, marked(0, 7))
			}
			info, err := os.Stat(journalPath(dir))
			require.NoError(t, err)
			require.EqualValues(t, 8*slotLen, info.Size(), "what was left there is gone")
		})
	}
}

// A head that is damaged, or of another release, is found by whoever doesn't know it yet, and
// by whoever appends.
func TestJournalWithAnotherHead(t *testing.T) {
	for _, at := range []int{0, 4, 8, 20, 30, 63} {
		for _, first := range []string{"new reader", "writer"} {
			dir := t.TempDir()
			s := journalIn(t, dir)
			p := appended(t, s, 0, 5)
			damage(t, dir, at)
			requirePage(t, s, p, p.Epoch, 4, marked(4, 1))
			if first == "writer" {
				after := appended(t, s, 5, 1)
				require.NotEqual(t, p.Epoch, after.Epoch)
				require.EqualValues(t, 1, after.Seq)
			}
			page, err := journalIn(t, dir).Read(t.Context(), p)
			require.NoError(t, err)
			require.NotEqual(t, p.Epoch, page.Epoch)
			again, err := s.Read(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, page, again)
		}
	}
}

// Confirmed marks that are damaged are found by whoever reads there, or begins to append.
func TestJournalDamagedInTheMiddle(t *testing.T) {
	for _, at := range []int{1, 3, 9} {
		for _, first := range []string{"reader", "new reader", "new writer"} {
			dir := t.TempDir()
			s := journalIn(t, dir)
			var p store.Position
			for i := range 10 {
				p = appended(t, s, i, 1)
			}
			damage(t, dir, at*slotLen+30)
			requirePage(t, s, p, p.Epoch, 9, marked(9, 1)) // who is past it goes on
			finder := s
			if first != "reader" {
				finder = journalIn(t, dir)
			}
			if first == "new writer" {
				after := appended(t, finder, 10, 1)
				require.NotEqual(t, p.Epoch, after.Epoch)
				require.EqualValues(t, 1, after.Seq)
			}
			page, err := finder.Read(t.Context(), store.Position{})
			require.NoError(t, err)
			require.NotEqual(t, p.Epoch, page.Epoch)
			again, err := s.Read(t.Context(), p)
			require.NoError(t, err)
			require.Equal(t, page, again)
		}
	}
}

// A journal that was set back has other marks under the same numbers, or none: whoever has
// read further sees it, and renews it.
func TestJournalSetBack(t *testing.T) {
	for name, back := range map[string]func(t *testing.T, dir string, older []byte){
		"in place": func(t *testing.T, dir string, older []byte) { overwrite(t, dir, older) },
		"by another file": func(t *testing.T, dir string, older []byte) {
			require.NoError(t, os.Remove(journalPath(dir)))
			require.NoError(t, os.WriteFile(journalPath(dir), older, 0o600))
		},
		"by another folder": func(t *testing.T, dir string, older []byte) {
			require.NoError(t, os.Rename(dir, dir+".away"))
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(journalPath(dir), older, 0o600))
		},
	} {
		for _, again := range []int{0, 2, 3, 7} {
			t.Run(name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				s := journalIn(t, dir)
				appended(t, s, 0, 5)
				older, err := os.ReadFile(journalPath(dir))
				require.NoError(t, err)
				p := appended(t, s, 5, 3)
				back(t, dir, older)
				appended(t, journalIn(t, dir), 100, again)
				page, err := s.Read(t.Context(), p)
				require.NoError(t, err)
				require.Equal(t, p.Epoch, page.Epoch)
				if page.Base == p.Seq-1 {
					require.NotEqual(t, marked(7, 1)[0], page.Marks[0])
				} else {
					require.Zero(t, page.Base)
				}
				require.NoError(t, s.Renew(t.Context(), p.Epoch))
				page, err = s.Read(t.Context(), p)
				require.NoError(t, err)
				require.NotEqual(t, p.Epoch, page.Epoch)
			})
		}
	}
}

// A reader sees no mark before all those with a lower number, and no part of an Append,
// however many write and however often old marks are dropped.
func TestJournalIsReadInOrder(t *testing.T) {
	const writers, rounds, each = 4, 80, 7
	dir := t.TempDir()
	stores := make([]*file.Store, 3)
	for i := range stores {
		stores[i] = journalIn(t, dir)
		stores[i].SetMaxMarks(1200)
	}
	page, err := stores[2].Read(t.Context(), store.Position{})
	require.NoError(t, err)
	var done atomic.Bool
	got := make([][]store.Mark, 2)
	var all, writing sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i] = follow(t, stores[1+i], page.Position(), &done) })
	}
	for w := range writers {
		writing.Go(func() {
			for round := range rounds {
				if _, err := stores[w%2].Append(t.Context(), marked(10_000*w+each*round, each)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	done.Store(true)
	all.Wait()
	for _, list := range got {
		require.Len(t, list, writers*rounds*each)
		next := map[uint64]uint64{}
		for i, m := range list {
			w := m.Hash / 10_000
			require.Equal(t, next[w], m.Hash%10_000, "those of one writer stand in their order")
			require.EqualValues(t, i%each, m.Hash%10_000%each, "those of one Append stand together")
			next[w]++
		}
	}
	last, err := stores[0].Read(t.Context(), store.Position{})
	require.NoError(t, err)
	require.Equal(t, page.Epoch, last.Epoch)
	require.Positive(t, last.Base, "old marks were dropped meanwhile")
}

// follow reads until nobody writes any more.
func follow(t *testing.T, j store.Journal, at store.Position, done *atomic.Bool) (got []store.Mark) {
	for epoch := at.Epoch; ; {
		last := done.Load()
		page, err := j.Read(t.Context(), at)
		known := at.Seq - page.Base
		switch {
		case err != nil || page.Epoch != epoch || at.Seq < page.Base:
			t.Errorf("a gap was seen after %d: base %d, %v", at.Seq, page.Base, err)
			return got
		case len(page.Marks)%7 != int(known)%7:
			t.Errorf("a part of an Append was seen behind %d: %d", page.Base, len(page.Marks))
		}
		got = append(got, page.Marks[known:]...)
		if at = page.Position(); last && !page.More {
			return got
		}
	}
}

// Whoever has the lock keeps nobody from reading, and others from appending as long as
// their contexts last.
func TestJournalReadersDontWaitForWriters(t *testing.T) {
	dir := t.TempDir()
	s, holder := journalIn(t, dir), journalIn(t, dir)
	p := appended(t, s, 0, 3)
	held, release := make(chan struct{}), make(chan struct{})
	holder.SetSync(func(f *os.File) error {
		held <- struct{}{}
		<-release
		return f.Sync()
	})
	appending := make(chan error)
	go func() {
		_, err := holder.Append(context.WithoutCancel(t.Context()), marked(3, 1))
		appending <- err
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := s.Append(ctx, marked(100, 1))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, s.Renew(ctx, p.Epoch), context.DeadlineExceeded)
	requirePage(t, s, p, p.Epoch, 2, marked(2, 2))
	close(release)
	require.NoError(t, <-appending)
	require.Equal(t, store.Position{Epoch: p.Epoch, Seq: 5}, appended(t, s, 4, 1))
	requirePage(t, s, store.Position{}, p.Epoch, 0, marked(0, 5))
}

// Nobody learns of a mark before it is on the disk, and that is asked for once.
func TestJournalReadersSyncWhatTheyFind(t *testing.T) {
	dir := t.TempDir()
	writer, reader := journalIn(t, dir), journalIn(t, dir)
	syncs := 0
	reader.SetSync(func(f *os.File) error { syncs++; return f.Sync() })
	for i := range 3 {
		p := appended(t, writer, i, 1)
		for range 3 {
			_, err := reader.Read(t.Context(), p)
			require.NoError(t, err)
		}
		require.Equal(t, i+1, syncs)
	}
	p := appended(t, reader, 3, 1)
	require.Equal(t, 4, syncs)
	_, err := reader.Read(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, 4, syncs, "what it wrote itself is there")
}

var errDisk = errors.New("the disk is broken")

// A disk that doesn't keep what it took leaves a journal of which nobody knows what it
// holds.
func TestJournalOnADiskThatForgets(t *testing.T) {
	for name, fails := range map[string]int{"the first of two": 1, "the second": 2, "both": 3} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, other := journalIn(t, dir), journalIn(t, dir)
			p := appended(t, s, 0, 3)
			calls := 0
			s.SetSync(func(f *os.File) error {
				if calls++; calls == fails || fails == 3 {
					return errDisk
				}
				return f.Sync()
			})
			_, err := s.Append(t.Context(), marked(3, 2))
			require.ErrorIs(t, err, errDisk)
			s.SetSync(nil)
			page, err := s.Read(t.Context(), p)
			require.NoError(t, err)
			require.NotEqual(t, p.Epoch, page.Epoch)
			requirePage(t, other, p, page.Epoch, 0, nil)
		})
	}
	t.Run("found by a reader", func(t *testing.T) {
		dir := t.TempDir()
		s, other := journalIn(t, dir), journalIn(t, dir)
		p := appended(t, s, 0, 3)
		calls := 0
		other.SetSync(func(f *os.File) error {
			if calls++; calls == 1 {
				return errDisk
			}
			return f.Sync()
		})
		page, err := other.Read(t.Context(), p)
		require.NoError(t, err)
		require.NotEqual(t, p.Epoch, page.Epoch)
		requirePage(t, s, p, page.Epoch, 0, nil)
	})
}

// The lock may be deleted, or something else be put in its place.
func TestJournalLockIsReplaced(t *testing.T) {
	dir := t.TempDir()
	s := journalIn(t, dir)
	p := appended(t, s, 0, 1)
	lock := filepath.Join(dir, "journal.lock")
	require.NoError(t, os.Remove(lock))
	require.Equal(t, p.Seq+1, appended(t, s, 1, 1).Seq)
	require.NoError(t, os.Rename(lock, lock+".away"))
	require.NoError(t, os.Symlink("journal.lock.away", lock))
	require.Equal(t, p.Seq+2, appended(t, s, 2, 1).Seq)
	info, err := os.Lstat(lock)
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())

	require.NoError(t, os.Remove(lock))
	require.NoError(t, os.Mkdir(lock, 0o700))
	_, err = s.Append(t.Context(), marked(3, 1))
	var failure *store.Error
	require.ErrorAs(t, err, &failure)
	require.NotContains(t, err.Error(), dir, "errors name no paths")
	require.NoError(t, os.Remove(lock))
	require.Equal(t, p.Seq+3, appended(t, s, 3, 1).Seq)
}

func TestJournalOfAClosedStore(t *testing.T) {
	s := journalIn(t, t.TempDir())
	p := appended(t, s, 0, 3)
	require.NoError(t, s.Close())
	_, err := s.Append(t.Context(), marked(0, 1))
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Read(t.Context(), p)
	require.ErrorIs(t, err, store.ErrClosed)
	require.ErrorIs(t, s.Renew(t.Context(), p.Epoch), store.ErrClosed)
}

// A store that nobody asks for its journal has none.
func TestJournalIsMadeWhenUsed(t *testing.T) {
	dir := t.TempDir()
	s := journalIn(t, dir)
	require.NoError(t, s.Set(t.Context(), "k", entry(t, "k", "body")))
	require.NoFileExists(t, journalPath(dir))
	require.NoFileExists(t, filepath.Join(dir, "journal.lock"))
	j, err := store.JournalOf(s)
	require.NoError(t, err)
	_, err = j.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	for _, name := range []string{"journal", "journal.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), "nobody else may read it")
	}
	require.Empty(t, temps(t, dir))
}
