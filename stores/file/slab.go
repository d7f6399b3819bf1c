// SPDX-License-Identifier: MIT

package file

// slot is what the store remembers of one file: 40 bytes without a pointer, so that the
// garbage collector doesn't look into them.
type slot struct {
	hash       hash
	until      uint32 // when it expires: Unix time in seconds, rounded up, or one of the two below
	touched    uint32 // what its modification time says, as far as this process knows
	blocks     uint32 // what it takes of the disk
	prev, next uint32 // the neighbours in its list; next also chains free slots
	in         uint8  // which list
	seen       uint8  // the last survey that met it, modulo 256
}

const (
	untilUnknown = 0         // nobody has read its head yet
	untilNever   = 1<<32 - 1 // it has no head that can be read

	chunkLen = 1 << 10
)

// slab holds slots under numbers. It grows by chunks, so that nobody waits while a
// large one is copied. Number 0 is nobody's.
type slab struct {
	chunks []*[chunkLen]slot
	free   uint32 // the first free slot
	used   uint32 // how many numbers were ever given out
}

func (b *slab) at(i uint32) *slot { return &b.chunks[i/chunkLen][i%chunkLen] }

func (b *slab) take() uint32 {
	if i := b.free; i != 0 {
		b.free = b.at(i).next
		return i
	}
	b.used++
	if int(b.used/chunkLen) >= len(b.chunks) {
		b.chunks = append(b.chunks, new([chunkLen]slot))
	}
	return b.used
}

func (b *slab) give(i uint32) {
	*b.at(i) = slot{next: b.free}
	b.free = i
}

// list is a chain of slots, the last used in front.
type list struct {
	head, tail uint32
	blocks     int64
}

func (b *slab) pushFront(l *list, i uint32) {
	s := b.at(i)
	s.prev, s.next = 0, l.head
	if l.head != 0 {
		b.at(l.head).prev = i
	} else {
		l.tail = i
	}
	l.head = i
	l.blocks += int64(s.blocks)
}

func (b *slab) pushBack(l *list, i uint32) {
	s := b.at(i)
	s.prev, s.next = l.tail, 0
	if l.tail != 0 {
		b.at(l.tail).next = i
	} else {
		l.head = i
	}
	l.tail = i
	l.blocks += int64(s.blocks)
}

func (b *slab) unlink(l *list, i uint32) {
	s := b.at(i)
	if s.prev != 0 {
		b.at(s.prev).next = s.next
	} else {
		l.head = s.next
	}
	if s.next != 0 {
		b.at(s.next).prev = s.prev
	} else {
		l.tail = s.prev
	}
	l.blocks -= int64(s.blocks)
}
