// SPDX-License-Identifier: MIT

package file

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/holdover-go/holdover/store"
)

const (
	// batchLen is how many files the keeper looks into before it rests, for batchRest
	// times as long as that took.
	batchLen  = 16
	batchRest = 9
)

// sweep removes what has expired, and reads when what was found in the folder will. Where
// that takes too long, the next one goes on.
func (s *Store) sweep() {
	now, deadline := unixNow(), time.Now().Add(surveyEvery)
	s.eachPage(func(x *slot) bool { return x.until <= now }, func(h hash) bool {
		s.examine(h)
		return time.Now().Before(deadline)
	})
}

// examine reads the head of a file, and removes the file if it has expired. It goes by
// the file, and not by the index, since another process may have replaced it. What has no
// head that can be read stays until it is evicted or replaced: another release may know
// better.
func (s *Store) examine(h hash) {
	if !s.changes.tryLock(h) {
		return
	}
	defer s.changes.unlock(h)
	head, err := s.readHead(h)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.index.remove(h, false)
	case errors.Is(err, store.ErrFormat):
		s.index.setUntil(h, untilNever)
	case err != nil: // at the next sweep
	case head.until > time.Now().UnixNano():
		s.index.setUntil(h, seconds(head.until))
	case s.removeFile(h) == nil:
		s.index.remove(h, false)
	}
}

func (s *Store) readHead(h hash) (head, error) {
	part, err := s.folder.Load().part(h.part())
	if err != nil {
		return head{}, err
	}
	if err := regular(part.Lstat(h.name())); err != nil {
		return head{}, err
	}
	file, err := part.OpenFile(h.name(), openFlags, 0)
	if err != nil {
		return head{}, err
	}
	defer file.Close() // was only read
	b := make([]byte, headLen)
	if err := readAll(file, b); err != nil {
		return head{}, err
	}
	return decodeHead(b)
}

// sweepTemps removes the temporary files that nobody will rename any more, and counts
// those of others.
func (s *Store) sweepTemps() {
	temps, err := s.folder.Load().temps()
	if err != nil {
		return // mostly because nothing was ever written
	}
	list, _ := names(temps)
	var others int64
	for _, name := range list {
		if !isTemp(name) || strings.HasPrefix(name, s.tag) {
			continue
		}
		info, err := temps.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if time.Since(info.ModTime()) < sweepTempsAfter || removeTemp(temps, name) != nil {
			others += int64(blocksOf(info.Size()))
		}
	}
	s.index.setOthers(others)
}

func removeTemp(temps *os.Root, name string) error {
	err := temps.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
