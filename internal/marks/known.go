// SPDX-License-Identifier: MIT

package marks

import "github.com/holdover-go/holdover/store"

// maxKnown is how many marks are remembered by their source at least, half of the most. It is
// more than half of what journals keep, so that two of them can be compared as a whole.
const maxKnown = 1 << 18

// known remembers the marks that were read, by their source, and in which journals: so the
// same mark in a second journal is not taken for another one. Marks that were forgotten
// purge too much, not too little.
type known struct {
	recent, before map[store.Position]journals
}

// journals are the numbers of journals, as a set.
type journals uint64

func (k *known) in(source store.Position) (in journals, known bool) {
	if in, known = k.recent[source]; known {
		return in, true
	}
	in, known = k.before[source]
	return in, known
}

// add notes that a mark stands in those journals too.
func (k *known) add(source store.Position, in journals) {
	had, _ := k.in(source)
	if k.recent == nil || len(k.recent) >= maxKnown {
		k.recent, k.before = map[store.Position]journals{}, k.recent
	}
	k.recent[source] = had | in
}

// drop forgets what stands in a journal.
func (k *known) drop(in journals) {
	for _, all := range []map[store.Position]journals{k.recent, k.before} {
		for source, had := range all {
			all[source] = had &^ in
		}
	}
}
