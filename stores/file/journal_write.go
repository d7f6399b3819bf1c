// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"time"

	"github.com/holdover-go/holdover/store"
)

// journalChange is the journal in the hands of one who has its lock: no process but this one
// writes it.
type journalChange struct {
	s    *Store
	f    *folder
	j    *journalFile
	end  uint64 // the number of the last mark
	size int64
	file *os.File // open for writing, if it had to be
}

// changeJournal lets work change the journal, which begins where there is none and where it
// can't be read. It returns where the journal ends then.
func (s *Store) changeJournal(ctx context.Context, work func(*journalChange) error) (store.Position, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if err := s.journal.turn.lock(ctx, hash{}); err != nil {
		return store.Position{}, err
	}
	return do(ctx, s.writers, func() (p store.Position, err error) {
		err = s.inFolder(func(f *folder) (err error) {
			p, err = s.changeLocked(ctx, f, work)
			return err
		})
		if diskFull(err) {
			s.evict(2) // so that the next one finds room
		}
		return p, err
	}, func() { s.journal.turn.unlock(hash{}) })
}

func (s *Store) changeLocked(ctx context.Context, f *folder, work func(*journalChange) error) (store.Position, error) {
	f, lock, err := s.lockJournal(ctx, f)
	if err != nil {
		return store.Position{}, err
	}
	defer lock.Close() // which lets go of it
	c := &journalChange{s: s, f: f}
	defer c.close()
	if err = c.open(); err == nil {
		err = ctx.Err() // nobody waits any more: better nothing than something late
	}
	if err == nil {
		err = work(c)
	}
	if err != nil {
		return store.Position{}, err
	}
	return store.Position{Epoch: c.j.head.epoch, Seq: c.end}, nil
}

// open finds the end of the journal, or begins one.
func (c *journalChange) open() error {
	err := c.find()
	if err == nil {
		err = c.verify()
	}
	if lost(err) {
		return c.begin()
	}
	return err
}

// find takes the file that is open already, if it is the one in the folder and begins as it
// did.
func (c *journalChange) find() error {
	info, err := c.f.root.Lstat(journalName)
	if err != nil {
		return missing(err)
	}
	j := c.s.journal.open.Load()
	if j != nil && os.SameFile(info, j.info) {
		if j.doubtful.Load() {
			return errNoJournal
		}
		if head, err := readJournalHead(j.file); err == nil && head == j.head {
			c.j = j
			return nil
		}
	}
	if c.j, err = c.s.openJournal(c.f); err != nil {
		return err
	}
	c.s.journal.open.Store(c.j)
	return nil
}

// verify reads what was appended since the last time, or all.
func (c *journalChange) verify() (err error) {
	if c.size, err = c.j.size(); err != nil {
		return err
	}
	first := c.j.head.base + 1
	known := max(c.j.verified, first)
	number := known
	next, err := c.j.scan(known, c.size, func(_ []byte, r record) bool {
		if number == first {
			c.j.began = r.at
		}
		number++
		return true
	})
	if next == known && c.j.verified >= first { // it isn't what it was
		c.j.verified = c.j.head.base
		return c.verify()
	}
	if err == nil {
		c.end, c.j.verified = next-1, next-1
	}
	return err
}

// examine verifies all, since somebody found something that can't be read.
func (c *journalChange) examine() error {
	c.j.verified = c.j.head.base
	err := c.verify()
	if lost(err) {
		return c.begin()
	}
	return err
}

// add appends marks behind the last one, and cuts off what a process left that was killed.
func (c *journalChange) add(marks []store.Mark, now time.Time) error {
	if len(marks) == 0 {
		return nil
	}
	err := c.name()
	if err == nil {
		err = c.openForWriting()
	}
	if err != nil {
		return err
	}
	j, file, at := c.j, c.file, c.j.head.offset(c.end+1)
	if c.size > at {
		if err := file.Truncate(at); err != nil {
			return err
		}
	}
	b := make([]byte, 0, len(marks)*slotLen)
	for i, m := range marks {
		b = j.head.append(b, c.end+1+uint64(i), record{at: now.UnixNano(), index: uint32(i), mark: m})
	}
	if err = c.write(b[slotLen:], at+slotLen); err == nil {
		err = c.write(b[:slotLen], at)
	}
	if err != nil {
		_ = file.Truncate(at) // or the next one does so
		return err
	}
	if c.end == j.head.base {
		j.began = now.UnixNano()
	}
	c.end += uint64(len(marks))
	j.verified = c.end
	j.synced.Store(c.end)
	return nil
}

func (c *journalChange) openForWriting() error {
	file, err := c.f.root.OpenFile(journalName, openFlags|os.O_RDWR, 0)
	if err != nil {
		return err
	}
	c.file = file
	if info, err := file.Stat(); err != nil || !os.SameFile(info, c.j.info) {
		return errors.Join(errUnstable, err)
	}
	return nil
}

func (c *journalChange) close() {
	if c.file != nil {
		_ = c.file.Close() // was synced
	}
}

// write returns when the bytes are on the disk. A disk that takes them and fails then leaves
// a file of which nobody knows what it holds: the journal begins anew.
func (c *journalChange) write(b []byte, at int64) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := c.file.WriteAt(b, at); err != nil {
		return err
	}
	err := c.s.journal.syncFile(c.file)
	if err != nil {
		c.j.doubtful.Store(true)
		_ = c.begin() // or the next one does so
	}
	return err
}

// name makes sure that the file's name is on the disk: whoever gave it may have been killed
// before that.
func (c *journalChange) name() error {
	if c.j.named {
		return nil
	}
	err := syncDir(c.f.root)
	c.j.named = err == nil
	return err
}

// begin puts a new journal in the place of whatever stands there.
func (c *journalChange) begin() error {
	head := journalHead{}
	rand.Read(head.epoch[:]) // never fails
	t, err := c.s.newJournal(c.f, head)
	if err != nil {
		return err
	}
	defer t.discard()
	if err := c.s.journal.syncFile(t.file); err != nil {
		return err
	}
	return c.take(t)
}

// newJournalFile is a journal that doesn't have its name yet.
type newJournalFile struct {
	temps *os.Root
	name  string
	file  *os.File
	taken bool // it has its name
}

func (s *Store) newJournal(f *folder, head journalHead) (*newJournalFile, error) {
	temps, err := f.makeTemps()
	if err != nil {
		return nil, err
	}
	t := &newJournalFile{temps: temps, name: s.tempName()}
	if t.file, err = temps.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode); err != nil {
		return nil, err
	}
	if _, err = t.file.Write(head.encode()); err != nil {
		t.discard()
		return nil, err
	}
	return t, nil
}

// discard leaves nothing of a file that didn't get its name.
func (t *newJournalFile) discard() {
	_ = t.file.Close() // was synced, or goes
	if !t.taken {
		_ = t.temps.Remove(t.name)
	}
}

// take gives the new file the name of the journal. It is on the disk, and so is its name when
// take returns nil.
func (c *journalChange) take(t *newJournalFile) error {
	if info, err := c.f.root.Lstat(journalName); err == nil && info.IsDir() {
		_ = c.f.root.Remove(journalName) // if it is empty; else the rename says why
	}
	err := c.f.root.Rename(tempName+"/"+t.name, journalName)
	if err != nil {
		return err
	}
	t.taken = true
	if c.j, err = c.s.openJournal(c.f); err != nil {
		return err
	}
	if err := c.verify(); err != nil {
		return err
	}
	c.j.synced.Store(c.end)
	c.s.journal.open.Store(c.j)
	return c.name()
}

// errNoLock says that the lock is another file whenever it is looked at.
var errNoLock = errors.New("the lock of the journal can't be taken")
