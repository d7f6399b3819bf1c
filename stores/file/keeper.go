// SPDX-License-Identifier: MIT

package file

import (
	"sync/atomic"
	"time"
)

const (
	// sweepEvery is how often expired files are looked for. They are never returned,
	// whether swept or not.
	sweepEvery = time.Minute

	// surveyEvery is how often the folder is walked through, to learn what other
	// processes have done to it. It is longer where a walk takes long.
	surveyEvery = 10 * time.Minute
	surveyShare = 50

	maxNotes = 1024
)

// task is what the keeper is asked to do about a file.
type task uint8

const (
	learn     task = iota // the index doesn't know it, or of another size
	examine               // it may have expired
	touchTime             // it was used: set its modification time
)

type note struct {
	hash hash
	task task
}

// keeper is the goroutine that surveys and sweeps the folder, and does what would delay
// a reader. It rests as long as it works, or longer.
type keeper struct {
	notes chan note
	ended chan struct{}
	again atomic.Bool // the folder is a new one: survey it at the next occasion
}

func (k *keeper) start(s *Store) {
	k.notes, k.ended = make(chan note, maxNotes), make(chan struct{})
	go func() {
		defer close(k.ended)
		s.keep()
	}()
}

// note leaves a task, unless there are too many: then the next survey sees to it.
func (k *keeper) note(h hash, t task) {
	select {
	case k.notes <- note{h, t}:
	default:
	}
}

// wait reports whether the keeper has ended in time.
func (k *keeper) wait(timeout <-chan time.Time) bool {
	select {
	case <-k.ended:
		return true
	case <-timeout:
		return false
	}
}

// keep runs until the store is closed.
func (s *Store) keep() {
	s.keeper.again.Store(true)
	var next time.Time
	for rest := time.Duration(0); s.rest(rest); rest = sweepEvery {
		if s.keeper.again.Swap(false) || !time.Now().Before(next) {
			began := time.Now()
			s.surveyFolder()
			next = time.Now().Add(max(surveyEvery, time.Since(began)*surveyShare))
		}
		s.sweep()
	}
}

// rest waits and does what is asked for meanwhile. It reports false once the store is closed.
func (s *Store) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-s.quit:
			return false
		default:
		}
		select {
		case <-s.quit:
			return false
		case n := <-s.keeper.notes:
			s.attend(n)
		case <-timer.C:
			return true
		}
	}
}

// attend is best effort: what fails is found again by a survey.
func (s *Store) attend(n note) {
	switch n.task {
	case learn:
		s.learn(n.hash)
		s.trim()
	case examine:
		s.examine(n.hash)
	case touchTime:
		if part, err := s.folder.Load().part(n.hash.part()); err == nil {
			_ = part.Chtimes(n.hash.name(), time.Time{}, time.Now()) // the order suffers, nothing else
		}
	}
}

// learn enters a file that another process has written, as one that is in use. While the
// lock is held nobody here can replace the file.
func (s *Store) learn(h hash) {
	part, err := s.folder.Load().part(h.part())
	if err != nil || !s.changes.tryLock(h) {
		return
	}
	defer s.changes.unlock(h)
	info, err := part.Lstat(h.name())
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	s.index.learn(h, blocksOf(info.Size()))
}
