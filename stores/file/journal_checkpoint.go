// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// The journal is written anew when it has a quarter more marks than must be kept, or
	// when the oldest is older by a quarter than it must become: all that is too old goes
	// then. An eighth of that age passes at least between two times for that reason.
	spare     = 4
	agingRest = 8

	// afterFailure is how long nothing of that is tried again.
	afterFailure = time.Minute
)

// aging is when the journal is written anew without its old marks. Times are Unix nanoseconds.
type aging struct {
	under  atomic.Bool  // it is just being done
	failed atomic.Int64 // not before this time, since it failed
	rests  atomic.Int64 // not for their age before this time
}

// outgrown is a journal with more marks than must be kept.
type outgrown struct {
	*journalFile
	end   uint64 // the number of the last mark, all up to which are whole
	young int64  // what was appended later must be kept; Unix nanoseconds
	most  uint64 // how many must be kept otherwise
}

// outgrown returns the journal if it must be written anew.
func (c *journalChange) outgrown(now time.Time) *outgrown {
	a, life, kept := &c.s.journal.aging, c.s.cfg.JournalLife, c.end-c.j.head.base
	o := &outgrown{journalFile: c.j, end: c.end, young: now.UnixNano() - int64(life), most: c.s.journal.maxMarks}
	if o.most == 0 {
		o.most = maxMarks
	}
	tooOld := now.UnixNano()-c.j.began-int64(life) > int64(life/spare)
	switch {
	case now.UnixNano() < a.failed.Load():
		return nil
	case kept > o.most+o.most/spare, kept > keptAlways && tooOld && now.UnixNano() >= a.rests.Load():
		return o
	}
	return nil
}

// startCheckpoint writes a journal anew in the background. Where no worker is free, the next
// Append tries.
func (s *Store) startCheckpoint(o *outgrown) {
	a := &s.journal.aging
	if a.under.Swap(true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := s.writers.start(ctx, func() {
		defer a.under.Store(false)
		if s.checkpoint(o) != nil {
			a.failed.Store(time.Now().Add(afterFailure).UnixNano())
		}
		a.rests.Store(time.Now().Add(s.cfg.JournalLife / agingRest).UnixNano())
	})
	if err != nil {
		a.under.Store(false)
	}
}

// checkpoint copies what must be kept to another file, which takes the journal's place. Most
// of it is copied while others go on, since what stands there doesn't change.
func (s *Store) checkpoint(o *outgrown) error {
	first, err := o.firstKept()
	if err == nil && first == o.head.base+1 {
		return nil
	}
	var t *newJournalFile
	if err == nil {
		t, err = s.newJournal(s.folder.Load(), journalHead{epoch: o.head.epoch, base: first - 1})
	}
	if t != nil {
		defer t.discard()
		err = s.copyMarks(o, t, first, o.end)
	}
	if err != nil && !lost(err) {
		return err
	}
	return s.inJournal(func(c *journalChange) error {
		switch {
		case c.j != o.journalFile: // somebody was faster
			return nil
		case err != nil:
			return c.examine()
		case o.end < c.end:
			if err := s.copyMarks(o, t, o.end+1, c.end); err != nil {
				return err
			}
		}
		return c.take(t)
	})
}

// copyMarks writes marks behind those in another file. They are on the disk when it returns.
func (s *Store) copyMarks(o *outgrown, t *newJournalFile, first, last uint64) error {
	if err := o.copy(t, first, last); err != nil {
		return err
	}
	return s.journal.syncFile(t.file)
}

// inJournal is changeJournal for who is a worker already.
func (s *Store) inJournal(work func(*journalChange) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	defer cancel()
	if err := s.journal.turn.lock(ctx, hash{}); err != nil {
		return err
	}
	defer s.journal.turn.unlock(hash{})
	_, err := s.changeLocked(ctx, s.folder.Load(), work)
	return err
}

// firstKept returns the number of the first mark that must be kept.
func (o *outgrown) firstKept() (uint64, error) {
	base := o.head.base
	ofLast := func(n uint64) uint64 { return max(o.end, base+n) - n + 1 }
	young, err := o.scan(base+1, o.head.offset(o.end+1), func(_ []byte, r record) bool { return r.at <= o.young })
	return max(min(young, ofLast(keptAlways)), ofLast(o.most)), err
}

// copy writes the records with these numbers behind those in another file.
func (j *journalFile) copy(t *newJournalFile, first, last uint64) error {
	var failed error
	buffer := make([]byte, 0, chunkBytes)
	flush := func() bool {
		if failed == nil {
			_, failed = t.file.Write(buffer)
		}
		buffer = buffer[:0]
		return failed == nil
	}
	next, err := j.scan(first, j.head.offset(last+1), func(b []byte, _ record) bool {
		buffer = append(buffer, b...)
		return len(buffer) < cap(buffer) || flush()
	})
	switch {
	case !flush():
		return failed
	case err == nil && next <= last:
		return errDamagedJournal
	}
	return err
}
