// SPDX-License-Identifier: MIT

package file

import (
	"fmt"
	"os"

	"github.com/holdover-go/holdover/store"
)

// readJournal reads a page. Mostly nothing has changed since the last time: that costs a
// look at the file and the reading of one record, which shows that the journal wasn't set
// back.
func (s *Store) readJournal(from store.Position) (store.JournalPage, error) {
	j, size, err := s.currentJournal()
	if err != nil {
		return store.JournalPage{}, err
	}
	if j.has(from, size) {
		page, err := s.journalPage(j, from.Seq, size)
		if err != nil || len(page.Marks) > 0 {
			return page, err
		}
	}
	// The mark isn't there, or the file isn't what it was: somebody may have written
	// another one over it.
	if j, err = s.reread(j); err != nil {
		return store.JournalPage{}, err
	}
	if size, err = j.size(); err != nil {
		return store.JournalPage{}, err
	}
	if j.has(from, size) {
		page, err := s.journalPage(j, from.Seq, size)
		if err != nil || len(page.Marks) > 0 {
			return page, err
		}
	}
	return s.journalPage(j, j.head.base+1, size)
}

// has reports whether a file of that length has room for the mark at a position.
func (j *journalFile) has(p store.Position, size int64) bool {
	return p.Epoch == j.head.epoch && p.Seq > j.head.base && p.Seq <= j.head.last(size)
}

// journalPage reads marks from a number on. None is returned before it is on the disk.
func (s *Store) journalPage(j *journalFile, first uint64, size int64) (store.JournalPage, error) {
	page := store.JournalPage{Epoch: j.head.epoch, Base: first - 1}
	_, err := j.scan(first, size, func(_ []byte, r record) bool {
		page.More = len(page.Marks) == marksPerPage
		if !page.More {
			page.Marks = append(page.Marks, r.mark)
		}
		return !page.More
	})
	if err == nil {
		err = s.settle(j, page.Position().Seq)
	}
	if err != nil {
		return store.JournalPage{}, err
	}
	return page, nil
}

// settle makes sure that the marks up to a number are on the disk: whoever appends them may
// still wait for it, or have been killed.
func (s *Store) settle(j *journalFile, number uint64) error {
	if number <= j.synced.Load() || !readersSync {
		return nil
	}
	if err := s.journal.syncFile(j.file); err != nil {
		j.doubtful.Store(true)
		return fmt.Errorf("%w: %w", errNoJournal, plain(err))
	}
	for {
		known := j.synced.Load()
		if number <= known || j.synced.CompareAndSwap(known, number) {
			return nil
		}
	}
}

// currentJournal returns the journal in the folder and its length: the one that is open, if it
// is still that.
func (s *Store) currentJournal() (j *journalFile, size int64, err error) {
	f := s.folder.Load()
	info, err := s.lookAt(f, journalName)
	if err != nil {
		return nil, 0, err
	}
	if j = s.journal.open.Load(); j != nil && os.SameFile(info, j.info) {
		if j.doubtful.Load() {
			return nil, 0, errNoJournal
		}
		return j, info.Size(), nil
	}
	if j, err = s.openJournal(s.present(f, 0)); err != nil {
		return nil, 0, err
	}
	s.journal.open.Store(j) // others may be reading the old one, which the garbage collector closes
	return j, j.info.Size(), nil
}

// reread returns a journal whose head is the one in its file.
func (s *Store) reread(j *journalFile) (*journalFile, error) {
	head, err := readJournalHead(j.file)
	if err != nil || head == j.head {
		return j, err
	}
	if j, err = s.openJournal(s.present(s.folder.Load(), 0)); err != nil {
		return nil, err
	}
	s.journal.open.Store(j)
	return j, nil
}
