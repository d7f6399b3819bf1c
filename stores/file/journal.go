// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover/store"
)

var _ store.Journal = (*Store)(nil)

const (
	journalName = "journal"

	// maxMarks is how many marks are kept, in 8 MiB. Responses that know less than the
	// oldest of them are revalidated by whoever is started then.
	maxMarks = 1 << 17

	// keptAlways are the last marks, which are kept whatever their age.
	keptAlways = 1000

	// marksPerPage are read at once.
	marksPerPage = 2000

	// maxRounds is how often a call looks again where the journal was lost while it
	// looked.
	maxRounds = 3
)

// journal is what a store knows of the journal in its folder. The zero value knows nothing.
type journal struct {
	open  atomic.Pointer[journalFile] // the one that was there last
	turn  keyLocks                    // one in this process at a time waits for the lock of all
	aging aging

	// For tests; 0 and nil mean what is usual.
	maxMarks uint64
	sync     func(*os.File) error
}

func (j *journal) syncFile(file *os.File) error {
	if j.sync != nil {
		return j.sync(file)
	}
	return file.Sync()
}

func (j *journal) close() {
	if open := j.open.Load(); open != nil {
		_ = open.file.Close() // all that matters is on the disk
	}
}

// lost are the errors of a journal that is none, or none any more. It begins anew.
func lost(err error) bool { return err == errNoFile || errors.Is(err, errNoJournal) }

// Append adds purges to the journal that all stores on the folder share, and returns the
// position of the last. They are on the disk when it returns. If the context ends before
// that, they may stand there nevertheless.
func (s *Store) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	var old *outgrown
	p, err := s.changeJournal(ctx, func(c *journalChange) (err error) {
		if err = c.add(marks, time.Now()); err == nil {
			old = c.outgrown(time.Now())
		}
		return err
	})
	if err == nil && old != nil {
		s.startCheckpoint(old)
	}
	return p, s.failure("append to journal", err)
}

// Read returns up to 2,000 marks of the journal from a position on. It waits for nobody who
// writes, unless there is no journal yet, or what stands in its place can't be read: then
// one begins.
func (s *Store) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	var page store.JournalPage
	var err error
	for range maxRounds {
		page, err = do(ctx, s.readers, func() (store.JournalPage, error) { return s.readJournal(from) }, nil)
		if !lost(err) {
			break
		}
		if _, err := s.changeJournal(ctx, (*journalChange).examine); err != nil {
			return store.JournalPage{}, s.failure("read journal", err)
		}
	}
	return page, s.failure("read journal", err)
}

// Renew begins the journal anew, if it has this epoch.
func (s *Store) Renew(ctx context.Context, epoch [16]byte) error {
	_, err := s.changeJournal(ctx, func(c *journalChange) error {
		if c.j.head.epoch != epoch {
			return nil
		}
		return c.begin()
	})
	return s.failure("renew journal", err)
}

// lookAt looks at what stands in the folder now. Somebody may have put another folder in the
// place of the open one, so it goes by the path, where we may.
func (s *Store) lookAt(f *folder, name string) (fs.FileInfo, error) {
	info, err := os.Lstat(filepath.Join(s.cfg.Dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		info, err = f.root.Lstat(name)
	}
	return info, missing(err)
}

// journalFile is a file that holds a journal, open for reading: so nobody who follows a journal
// keeps a disk from being made read-only. One that takes its name later is another one.
type journalFile struct {
	file *os.File
	info fs.FileInfo // which file it is
	head journalHead

	// synced is the number up to which all marks are on the disk for certain: what isn't
	// may be gone, and its numbers be given to others, when the machine comes back. Nobody
	// may know it before.
	synced atomic.Uint64

	// doubtful: the disk failed to take what was written. The system may show it
	// nevertheless.
	doubtful atomic.Bool

	// Of whoever has the lock:
	named    bool   // so is the file's name
	verified uint64 // the marks up to this number are whole
	began    int64  // when the first mark was appended, if there is one; Unix nanoseconds
}

// openJournal opens the file that stands in the folder. The error is errNoFile where there is
// none, and wraps errNoJournal where it is something else.
func (s *Store) openJournal(f *folder) (*journalFile, error) {
	info, err := f.root.Lstat(journalName)
	if err != nil {
		return nil, missing(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", errNoJournal)
	}
	j := &journalFile{}
	if j.file, err = f.root.OpenFile(journalName, openFlags, 0); err != nil {
		return nil, missing(err)
	}
	if j.info, err = j.file.Stat(); err == nil {
		err = regular(j.info, nil)
	}
	if err == nil {
		j.head, err = readJournalHead(j.file)
	}
	if err != nil {
		_ = j.file.Close() // err says more
		return nil, err
	}
	j.synced.Store(j.head.base)
	j.verified = j.head.base
	return j, nil
}

// size returns how long the file is now.
func (j *journalFile) size() (int64, error) {
	info, err := j.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
