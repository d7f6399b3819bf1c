// SPDX-License-Identifier: MIT

package file

import "os"

// SetMaxMarks changes how many marks are kept.
func (s *Store) SetMaxMarks(n uint64) { s.journal.maxMarks = n }

// SetSync changes how the disk is told to take what was written to the journal.
func (s *Store) SetSync(f func(*os.File) error) { s.journal.sync = f }
