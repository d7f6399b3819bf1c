// SPDX-License-Identifier: MIT

//go:build unix

package file_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func init() { children["append"] = appendMarks }

// appendMarks appends for as long as it lives, or so many times, and says what was confirmed.
func appendMarks(o order) error {
	s, err := file.New(o.Config)
	if err != nil {
		return err
	}
	s.SetMaxMarks(1000)
	for i := 0; o.Keys == 0 || i < o.Keys; i++ {
		list := marked(1_000_000*o.Worker+4*i, 1+i%3)
		p, err := s.Append(context.Background(), list)
		if err != nil {
			return err
		}
		fmt.Printf("%x %d %d %d\n", p.Epoch, p.Seq, list[0].Hash, len(list))
	}
	return s.Close()
}

// said returns the marks that a child was told to stand in the journal, by their numbers.
func said(t *testing.T, c *child) (epoch string, at map[uint64]store.Mark) {
	t.Helper()
	at = map[uint64]store.Mark{}
	whole := c.out.Bytes()[:bytes.LastIndexByte(c.out.Bytes(), '\n')+1]
	for lines := bufio.NewScanner(bytes.NewReader(whole)); lines.Scan(); {
		var last, hash uint64
		var n int
		_, err := fmt.Sscanf(lines.Text(), "%s %d %d %d", &epoch, &last, &hash, &n)
		require.NoError(t, err, lines.Text())
		for i, m := range marked(int(hash), n) {
			at[last-uint64(n)+1+uint64(i)] = m
		}
	}
	return epoch, at
}

// everything reads a journal to its end.
func everything(t *testing.T, s store.Journal) (epoch string, at map[uint64]store.Mark, last uint64) {
	t.Helper()
	at = map[uint64]store.Mark{}
	for from := (store.Position{}); ; {
		page, err := s.Read(t.Context(), from)
		require.NoError(t, err)
		for i, m := range page.Marks {
			at[page.Base+1+uint64(i)] = m
		}
		if from = page.Position(); !page.More {
			return fmt.Sprintf("%x", page.Epoch), at, from.Seq
		}
	}
}

// What Append confirmed is there after its process was killed, at whatever moment, also while
// it dropped old marks. Others find the lock free.
func TestKilledWhileAppending(t *testing.T) {
	cfg := file.Config{Dir: t.TempDir(), Timeout: 20 * time.Second}
	watcher := open(t, cfg)
	first, err := watcher.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	want := fmt.Sprintf("%x", first.Epoch)
	appended(t, watcher, 0, 1300) // so that old marks are dropped soon
	confirmed, dropped := 0, uint64(0)
	for round := range 20 {
		var both []*child
		for i := range 2 {
			both = append(both, start(t, order{Do: "append", Config: cfg, Worker: 1 + 2*round + i}, nil))
		}
		before := base(t, watcher)
		time.Sleep(time.Duration(60+round*7) * time.Millisecond)
		for _, c := range both {
			c.kill()
		}
		for _, s := range []*file.Store{watcher, open(t, cfg)} {
			epoch, at, _ := everything(t, s)
			require.Equal(t, want, epoch)
			for _, c := range both {
				_, sure := said(t, c)
				for number, m := range sure {
					if number > base(t, watcher) {
						require.Equal(t, m, at[number], "number %d", number)
					}
				}
				confirmed += len(sure)
			}
		}
		dropped += base(t, watcher) - before
		_, _, last := everything(t, watcher)
		require.Equal(t, last+1, appended(t, watcher, 0, 1).Seq)
	}
	require.Greater(t, confirmed, 100, "the children wrote too little to show anything")
	require.Positive(t, dropped, "nothing was dropped meanwhile")
}

// Processes that append at the same time number their marks in one row.
func TestProcessesAppend(t *testing.T) {
	cfg := file.Config{Dir: filepath.Join(t.TempDir(), "cache"), Timeout: 20 * time.Second}
	var all []*child
	for i := range 4 {
		all = append(all, start(t, order{Do: "append", Config: cfg, Worker: i + 1, Keys: 60}, nil))
	}
	for _, c := range all {
		c.succeeds()
	}
	epoch, at, last := everything(t, open(t, cfg))
	require.EqualValues(t, 4*120, last)
	require.Len(t, at, 4*120)
	for _, c := range all {
		told, sure := said(t, c)
		require.Equal(t, epoch, told)
		require.Len(t, sure, 120)
		for number, m := range sure {
			require.Equal(t, m, at[number])
		}
	}
}

// A process that hangs while it has the lock keeps others waiting for as long as their
// contexts last, and readers not at all.
func TestStoppedWhileAppending(t *testing.T) {
	cfg := file.Config{Dir: t.TempDir(), Timeout: 20 * time.Second}
	s := open(t, cfg)
	p := appended(t, s, 0, 1)
	c := start(t, order{Do: "append", Config: cfg, Worker: 1}, nil)
	locked := false
	for range 200 {
		time.Sleep(5 * time.Millisecond)
		c.halt()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		began := time.Now()
		_, err := s.Append(ctx, marked(0, 1))
		cancel()
		page, readErr := s.Read(t.Context(), p)
		require.NoError(t, readErr)
		require.Equal(t, p.Epoch, page.Epoch)
		if locked = err != nil; locked {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Less(t, time.Since(began), 5*time.Second)
			c.resume()
			break
		}
		c.resume()
	}
	require.True(t, locked, "it never hung while it had the lock")
	appended(t, s, 1, 1)
	c.kill()
	appended(t, s, 2, 1)
}

// What isn't a regular file is never read, and gives way.
func TestJournalsThatAreStrangers(t *testing.T) {
	for _, x := range strangers {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			s := journalIn(t, dir)
			p := appended(t, s, 0, 3)
			at := journalPath(dir)
			require.NoError(t, os.Rename(at, at+".real"))
			x.put(t, at, at+".real")
			page, err := s.Read(t.Context(), p)
			require.NoError(t, err)
			require.NotEqual(t, p.Epoch, page.Epoch)
			after := appended(t, journalIn(t, dir), 0, 2)
			require.Equal(t, store.Position{Epoch: page.Epoch, Seq: 2}, after)
			require.True(t, info(t, dir).Mode().IsRegular())
		})
	}
	t.Run("full folder", func(t *testing.T) {
		dir := t.TempDir()
		s := journalIn(t, dir)
		require.NoError(t, os.MkdirAll(filepath.Join(journalPath(dir), "somebody's"), 0o700))
		_, err := s.Read(t.Context(), store.Position{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), dir)
		require.DirExists(t, filepath.Join(journalPath(dir), "somebody's"))
		require.Empty(t, temps(t, dir))
		require.NoError(t, os.RemoveAll(journalPath(dir)))
		appended(t, s, 0, 1)
	})
	t.Run("lock that is a named pipe", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "journal.lock"), 0o600))
		appended(t, journalIn(t, dir), 0, 1)
	})
}
