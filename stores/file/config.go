// SPDX-License-Identifier: MIT

package file

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdover-go/holdover/store"
)

const (
	defaultMaxBytes = 4 << 30
	minMaxBytes     = 1 << 20
	defaultTimeout  = time.Second

	// defaultJournalLife is a day more than holdover.Config.MaxLife is by default.
	defaultJournalLife = 8 * 24 * time.Hour

	// maxValueShare is which part of MaxBytes the longest value may take. Twice
	// that must fit, since a new file stands beside the one that it replaces.
	maxValueShare     = 2
	defaultValueShare = 8
)

// Config configures a Store. Dir is required, everything else may be zero.
type Config struct {
	// Dir is the folder that the entries are kept in. It is made, with mode 0700,
	// where it doesn't exist. Several stores may use the same folder, also in several
	// processes, if they have the same Codec. Other files in it are left alone, but
	// every file that is named like one of the store's own counts and may be evicted.
	Dir string

	// MaxBytes bounds what the files take of the disk, each rounded up to 4 KiB.
	// The folders come on top, about 1 % with small files. 0 means 4 GiB; less
	// than 1 MiB is refused.
	MaxBytes int64

	// MaxValue is the length in bytes of the longest value, with its fields and
	// after compression. Longer ones are refused with store.ErrTooLarge before the
	// disk is asked, and never read. 0 means an eighth of MaxBytes; more than about
	// half of it is refused.
	MaxValue int

	// Codec is how entries are written. nil means store.Plain.
	Codec store.Codec

	// Sync makes Set wait until the disk has the file, so that it survives a power
	// failure: some milliseconds on most disks. Without it an entry that was set
	// within the last half minute or so may be missing then, and is never wrong.
	Sync bool

	// Timeout bounds a call whose context has no deadline, in a Scan each step,
	// and how long Close waits for a disk that hangs. 0 means 1 s.
	Timeout time.Duration

	// JournalLife is for how long a purge is kept in the journal at least, see the
	// package's documentation. It must be as long as the life of stored responses,
	// holdover.Config.MaxLife, or longer: responses that know less than the oldest purge
	// are revalidated. Among stores on one folder the shortest counts. 0 means 8 days, a
	// day more than MaxLife is by default.
	JournalLife time.Duration
}

// withDefaults returns the config with its zero values replaced, or the mistakes in it.
func (c Config) withDefaults() (Config, error) {
	var wrong []error
	if c.Dir == "" {
		wrong = append(wrong, errors.New("file: Dir is required"))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxBytes < minMaxBytes {
		wrong = append(wrong, fmt.Errorf("file: MaxBytes is %d, must be 0 or at least %d", c.MaxBytes, minMaxBytes))
	}
	if c.MaxValue == 0 {
		c.MaxValue = int(min(c.MaxBytes/defaultValueShare, maxInt))
	}
	if most := c.MaxBytes/maxValueShare/blockLen*blockLen - headLen; c.MaxValue < 0 || int64(c.MaxValue) > most {
		wrong = append(wrong, fmt.Errorf("file: MaxValue is %d, must be from 0 to %d, about half of MaxBytes", c.MaxValue, most))
	}
	if c.Timeout < 0 {
		wrong = append(wrong, fmt.Errorf("file: Timeout is %v, must not be negative", c.Timeout))
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.JournalLife < 0 {
		wrong = append(wrong, fmt.Errorf("file: JournalLife is %v, must not be negative", c.JournalLife))
	}
	if c.JournalLife == 0 {
		c.JournalLife = defaultJournalLife
	}
	return c, errors.Join(wrong...)
}
