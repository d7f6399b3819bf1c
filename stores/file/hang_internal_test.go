// SPDX-License-Identifier: MIT

//go:build unix

package file

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// disk makes the disk of a store hang: every goroutine that may do I/O is stuck in a
// system call, which opens a named pipe that nobody writes into.
type disk struct {
	t       *testing.T
	s       *Store
	pipe    string
	release chan struct{} // gets one from each that is stuck no more
}

func newDisk(t *testing.T, s *Store) *disk {
	return &disk{t: t, s: s, pipe: filepath.Join(t.TempDir(), "pipe")}
}

func (d *disk) Pause() {
	d.t.Helper()
	require.NoError(d.t, syscall.Mkfifo(d.pipe, 0o600))
	d.release = make(chan struct{}, maxReaders+maxWriters)
	stuck := func() {
		f, err := os.Open(d.pipe)
		if err == nil {
			_ = f.Close()
		}
		d.release <- struct{}{}
	}
	for _, w := range []*workers{d.s.readers, d.s.writers} {
		for range cap(w.places) {
			require.NoError(d.t, w.start(d.t.Context(), stuck))
		}
	}
}

func (d *disk) Resume() {
	d.t.Helper()
	writer, err := os.OpenFile(d.pipe, os.O_WRONLY, 0)
	require.NoError(d.t, err)
	for range cap(d.release) {
		<-d.release
	}
	require.NoError(d.t, writer.Close())
	require.NoError(d.t, os.Remove(d.pipe))
}

// A disk that is gone hangs as well: it is there again after a while, or never.
func (d *disk) Kill()  { d.Pause() }
func (d *disk) Start() { d.Resume() }

// Every call ends with its context while the disk hangs, and works again afterwards.
func TestDiskHangs(t *testing.T) {
	dir := t.TempDir()
	d := &disk{}
	storetest.Run(t, func(t *testing.T) store.Store {
		s := newStore(t, Config{Dir: dir, MaxBytes: 64 << 20, MaxValue: 4 << 20})
		*d = *newDisk(t, s)
		return s
	}, storetest.Features{
		MaxBody: 1 << 20, MaxValue: 4 << 20, Server: d,
		ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
	})
}

// A context without a deadline gets that of the config.
func TestTimeout(t *testing.T) {
	s := newStore(t, Config{Timeout: 30 * time.Millisecond})
	e := newEntry(t, "k", "body")
	d := newDisk(t, s)
	d.Pause()
	defer d.Resume()
	began := time.Now()
	_, err := s.Get(t.Context(), "k")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, s.Set(t.Context(), "k", e), context.DeadlineExceeded)
	require.ErrorIs(t, s.Delete(t.Context(), "k"), context.DeadlineExceeded)
	require.ErrorIs(t, s.Ping(t.Context()), context.DeadlineExceeded)
	for _, err := range s.Scan(t.Context()) {
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Less(t, time.Since(began), 10*time.Second)
	require.Empty(t, s.turns.keys, "nobody holds a key any more")
}

// Close gives up on a disk that hangs, and says so. What hangs ends when the disk lets go.
func TestCloseWhileTheDiskHangs(t *testing.T) {
	s := newStore(t, Config{Timeout: 30 * time.Millisecond})
	d := newDisk(t, s)
	d.Pause()
	began := time.Now()
	err := s.Close()
	require.ErrorContains(t, err, "file close: the disk hangs")
	require.Less(t, time.Since(began), 10*time.Second)
	require.Equal(t, err, s.Close())
	_, err = s.Get(t.Context(), "k")
	require.ErrorIs(t, err, store.ErrClosed)
	d.Resume()
	require.True(t, s.readers.wait(time.After(10*time.Second)))
	require.True(t, s.writers.wait(time.After(10*time.Second)))
}

// A write that nobody waits for any more ends without a trace, and the next one for its
// key comes after it.
func TestAbandonedWrite(t *testing.T) {
	s := newStore(t, Config{})
	h := hashOf("k")
	require.NoError(t, s.changes.lock(t.Context(), h)) // it gets no further than to its temporary file
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Set(ctx, "k", newEntry(t, "k", "abandoned")), context.DeadlineExceeded)
	s.changes.unlock(h)
	require.NoError(t, s.Set(t.Context(), "k", newEntry(t, "k", "next")))
	e, err := s.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "next", string(e.Body()))
	left, err := os.ReadDir(filepath.Join(s.cfg.Dir, tempName))
	require.NoError(t, err)
	require.Empty(t, left)
	require.Zero(t, s.index.pending)
}

// While one key is being written for long, others are not held up.
func TestKeysDontWaitForEachOther(t *testing.T) {
	s := newStore(t, Config{})
	for _, locks := range []*keyLocks{&s.turns, &s.changes} {
		require.NoError(t, locks.lock(t.Context(), hashOf("slow")))
		for _, key := range []string{"a", "b", "c"} {
			require.NoError(t, s.Set(t.Context(), key, newEntry(t, key, "body")))
			require.NoError(t, s.Delete(t.Context(), key))
		}
		locks.unlock(hashOf("slow"))
	}
}

// A reader that finds nothing where a file should be waits for the one that takes its place.
func TestReadersWaitOutAReplacement(t *testing.T) {
	s := newStore(t, Config{})
	require.NoError(t, s.Set(t.Context(), "k", newEntry(t, "k", "old")))
	h := hashOf("k")
	require.NoError(t, s.changes.lock(t.Context(), h))
	file := filepath.Join(s.cfg.Dir, partName(h.part()), h.name())
	require.NoError(t, os.Rename(file, file+".away"))
	got := make(chan error)
	go func() {
		_, err := s.Get(t.Context(), "k")
		got <- err
	}()
	select {
	case err := <-got:
		require.Fail(t, "it didn't wait", "%v", err)
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, os.Rename(file+".away", file))
	s.changes.unlock(h)
	require.NoError(t, <-got)
}
