// SPDX-License-Identifier: MIT

package holdover

import "sync/atomic"

// seen remembers of which URLs anything was stored, so that an unsafe request for another
// one marks nothing: a mark is cheap, but it makes others look. It may say yes of a URL that
// it doesn't know, never no of one that it does, and forgets nothing.
type seen struct {
	bits atomic.Pointer[[seenWords]atomic.Uint64]
}

// seenWords makes 4 Mi bits, 512 KiB, which are allocated when the first response is stored.
const seenWords = 1 << 16

func (s *seen) add(urlHash uint64) {
	bits := s.bits.Load()
	if bits == nil {
		s.bits.CompareAndSwap(nil, new([seenWords]atomic.Uint64))
		bits = s.bits.Load()
	}
	word, bit := place(urlHash)
	if bits[word].Load()&bit == 0 {
		bits[word].Or(bit)
	}
}

func (s *seen) has(urlHash uint64) bool {
	bits := s.bits.Load()
	if bits == nil {
		return false
	}
	word, bit := place(urlHash)
	return bits[word].Load()&bit != 0
}

func place(urlHash uint64) (word, bit uint64) {
	return urlHash >> 6 % seenWords, 1 << (urlHash & 63)
}
