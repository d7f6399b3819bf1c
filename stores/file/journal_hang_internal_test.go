// SPDX-License-Identifier: MIT

//go:build unix

package file

import (
	"testing"
	"time"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

// Every call to a journal ends with its context while the disk hangs, and works again
// afterwards.
func TestJournalDiskHangs(t *testing.T) {
	d := &disk{}
	storetest.RunJournal(t, func(t *testing.T) store.Journal {
		s := newStore(t, Config{Timeout: 20 * time.Second})
		*d = *newDisk(t, s)
		return s
	}, storetest.JournalFeatures{Server: d, Durable: true})
}
