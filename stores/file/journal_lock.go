// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"os"
	"time"
)

const (
	journalLock = "journal.lock"

	// tryAgain is how soon who waits for another process looks again: a lock that is
	// waited for can't be given up.
	tryAgain = time.Millisecond
)

// lockJournal waits until no other process writes the journal, and returns the folder that
// stands at Config.Dir then. The lock is gone when its file is closed, also by the end of
// the process.
func (s *Store) lockJournal(ctx context.Context, f *folder) (*folder, *os.File, error) {
	for range maxRounds {
		f = s.present(f, 0)
		file, err := f.root.OpenFile(journalLock, openFlags|os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, nil, err
		}
		if err := waitForLock(ctx, file); err != nil {
			_ = file.Close()
			return nil, nil, err
		}
		if s.isLock(f, file) {
			return f, file, nil
		}
		_ = file.Close() // somebody has deleted it, or the folder
	}
	return nil, nil, errNoLock
}

func waitForLock(ctx context.Context, file *os.File) error {
	for {
		locked, err := tryLock(file)
		if locked || err != nil {
			return err
		}
		if err := pause(ctx, tryAgain); err != nil {
			return err
		}
	}
}

// isLock reports whether this is the file that others lock.
func (s *Store) isLock(f *folder, file *os.File) bool {
	now, err := s.lookAt(f, journalLock)
	if err != nil {
		return false
	}
	if !now.Mode().IsRegular() {
		_ = f.root.Remove(journalLock) // a link, which leads somewhere else
		return false
	}
	info, err := file.Stat()
	return err == nil && os.SameFile(now, info)
}
