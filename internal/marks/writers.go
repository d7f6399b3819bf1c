// SPDX-License-Identifier: MIT

package marks

import "github.com/holdover-go/holdover/store"

// maxWriters bounds what is remembered of the processes that write into a journal.
const maxWriters = 1 << 16

// writers are the processes that write into a journal. It needs the table's lock.
type writers struct {
	made    epochs // whose marks stand there
	present epochs // who has said that he writes there
}

// epochs is a set of processes. One that is full has everybody, or nobody, whatever is worse.
type epochs struct {
	set  map[[16]byte]struct{}
	full bool
}

func (w *writers) saw(m store.Mark) {
	if m.Hash == store.ReturnHash { // of a store, not of a process
		return
	}
	w.made.add(m.Source.Epoch)
	if m.Hash == store.PresenceHash {
		w.present.add(m.Source.Epoch)
	}
}

// allWriteTo reports whether everybody whose marks stand here has said that he writes there too.
func (w *writers) allWriteTo(other *writers) bool {
	if w.made.full || other.present.full {
		return false
	}
	for epoch := range w.made.set {
		if _, present := other.present.set[epoch]; !present {
			return false
		}
	}
	return true
}

func (e *epochs) add(epoch [16]byte) {
	if _, has := e.set[epoch]; has || e.full {
		return
	}
	if e.full = len(e.set) >= maxWriters; e.full {
		return
	}
	if e.set == nil {
		e.set = map[[16]byte]struct{}{}
	}
	e.set[epoch] = struct{}{}
}
