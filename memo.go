// SPDX-License-Identifier: MIT

package holdover

import (
	"net/http"
	"strings"
	"sync/atomic"
	"weak"

	"github.com/holdover-go/holdover/store"
)

// memos are the variants that were last asked for, by the very words of the
// requests: most clients of a URL send one of a few values of Accept-Encoding. While
// the stamp of such a variant holds, a hit needs neither to normalise the values nor
// to look up again. Once a second it does, so that the store knows what is popular.
// Whatever replaces a variant replaces the vary record too, and the memos with it.
type memos [4]atomic.Pointer[memo]

type memo struct {
	words   [maxMemoNames]string
	variant weak.Pointer[store.Entry] // the store alone decides what stays in memory
}

// maxMemoNames is how many selecting fields are remembered, and maxMemoWords how long
// their values may be together: clients choose them, and nothing else bounds them here.
const (
	maxMemoNames = 3
	maxMemoWords = 256
)

// wordsOf collects the values that select, as they stand in the request. False means
// that they are more than is remembered.
func wordsOf(names []string, h http.Header) (words [maxMemoNames]string, few bool) {
	if len(names) > maxMemoNames {
		return words, false
	}
	for i, name := range names {
		switch lines := h[name]; {
		case len(lines) > 1 || name == "Host": // which stands elsewhere
			return words, false
		case len(lines) == 1:
			words[i] = lines[0]
		default:
			words[i] = "\x00" // no value that a client can send
		}
	}
	return words, true
}

// slot spreads the words over the memos.
func (m *memos) slot(words *[maxMemoNames]string) *atomic.Pointer[memo] {
	return &m[(len(words[0])+len(words[1])+len(words[2]))%len(m)]
}

// recall returns the variant that a request with the same words was given, or nil.
func (m *memos) recall(words *[maxMemoNames]string) *store.Entry {
	last := m.slot(words).Load()
	if last == nil || last.words != *words {
		return nil
	}
	return last.variant.Value()
}

// remember notes the variant, unless that is what it knows. The words are copied: those of
// a request share their memory with all of its header.
func (m *memos) remember(words *[maxMemoNames]string, e *store.Entry) {
	slot := m.slot(words)
	last := slot.Load()
	known := last != nil && last.words == *words && last.variant.Value() == e
	if known || len(words[0])+len(words[1])+len(words[2]) > maxMemoWords {
		return
	}
	next := &memo{variant: weak.Make(e)}
	for i, word := range words {
		next.words[i] = strings.Clone(word)
	}
	slot.Store(next)
}
