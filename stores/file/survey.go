// SPDX-License-Identifier: MIT

package file

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// sweepTempsAfter is how old a temporary file must be before it counts as left over by a
// process that was killed.
const sweepTempsAfter = 10 * time.Minute

// shift is for how long a survey works before it rests as long.
const shift = 5 * time.Millisecond

// found is a file that the index doesn't know.
type found struct {
	hash    hash
	blocks  uint32
	touched uint32
}

// surveyFolder walks through the folder and corrects the index: what another process has
// written is entered, by the time of its last use, what is gone is forgotten. It ends
// early if the store is closed.
func (s *Store) surveyFolder() {
	number := s.index.beginSurvey()
	unknown, complete := s.surveyParts()
	complete = complete && s.adopt(unknown) && s.forgetMissing(number)
	s.index.endSurvey(complete)
	s.trim()
}

// surveyParts returns what the index doesn't know.
func (s *Store) surveyParts() (unknown []found, complete bool) {
	began := time.Now()
	for i := range numParts {
		f := s.present(s.folder.Load(), i)
		if i == 0 {
			s.sweepTemps()
		}
		unknown = s.surveyPart(f, i, unknown)
		worked := time.Since(began)
		if worked < shift && i < numParts-1 {
			continue
		}
		if !s.rest(worked) {
			return nil, false
		}
		began = time.Now()
	}
	return unknown, true
}

// surveyPart appends what the index doesn't know of a subfolder.
func (s *Store) surveyPart(f *folder, i int, unknown []found) []found {
	part, err := f.part(i)
	if err != nil {
		return unknown // mostly because nothing was ever written there
	}
	list, _ := names(part) // what stands in the way of reading it does so for Get, which says so
	for _, name := range list {
		h, ours := parseName(i, name)
		if !ours {
			continue
		}
		info, err := part.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		blocks := blocksOf(info.Size())
		switch known, same := s.index.met(h, blocks); {
		case !known:
			unknown = append(unknown, found{h, blocks, uint32(max(info.ModTime().Unix(), 0))})
		case !same:
			s.learn(h)
		}
	}
	return unknown
}

// names lists a folder, as far as it can be read.
func names(r *os.Root) ([]string, error) {
	dir, err := r.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close() // was only read
	return dir.Readdirnames(-1)
}

// adopt enters files in the order of their last use. Those that find no room, which are
// the oldest, must go.
func (s *Store) adopt(unknown []found) bool {
	slices.SortFunc(unknown, func(a, b found) int { return cmp.Compare(b.touched, a.touched) })
	for page := range slices.Chunk(unknown, chunkLen) {
		began := time.Now()
		for _, u := range page {
			s.adoptOne(u)
		}
		if !s.rest(time.Since(began)) {
			return false
		}
	}
	return true
}

func (s *Store) adoptOne(u found) {
	if s.index.adopt(u.hash, u.blocks, u.touched) || !s.changes.tryLock(u.hash) {
		return
	}
	defer s.changes.unlock(u.hash)
	if !s.index.has(u.hash) && s.removeFile(u.hash) == nil {
		s.index.evicted()
	}
}

// forgetMissing looks for the files that the survey should have met.
func (s *Store) forgetMissing(number uint8) bool {
	return s.eachPage(func(x *slot) bool { return x.seen != number }, func(h hash) bool {
		s.forgetIfMissing(h)
		return true
	})
}

func (s *Store) forgetIfMissing(h hash) {
	if !s.changes.tryLock(h) {
		return
	}
	defer s.changes.unlock(h)
	part, err := s.folder.Load().part(h.part())
	if err == nil {
		_, err = part.Lstat(h.name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		s.index.remove(h, false)
	}
}

// eachPage calls do for every file in the index that want selects, a page at a time, until
// do returns false. It reports whether it came to the end.
func (s *Store) eachPage(want func(*slot) bool, do func(hash) bool) bool {
	var page []hash
	for i := uint32(1); i != 0; {
		page, i = s.index.page(i, page, want)
		for batch := range slices.Chunk(page, batchLen) {
			began := time.Now()
			for _, h := range batch {
				if !do(h) {
					return false
				}
			}
			if !s.rest(time.Since(began) * batchRest) {
				return false
			}
		}
	}
	return true
}
