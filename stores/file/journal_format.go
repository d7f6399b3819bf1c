// SPDX-License-Identifier: MIT

package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/holdover-go/holdover/store"
)

// The journal is a head and a row of records behind it, each of 64 bytes, so that none
// stands in two blocks of a disk. All numbers are little-endian. The head:
//
//	offset  size
//	     0     4  magic "HLDJ"
//	     4     1  format version
//	     5     3  reserved, 0
//	     8    16  epoch
//	    24     8  base: number of the mark before the first record
//	    32    28  reserved, 0
//	    60     4  CRC-32C of all before
//
// A record:
//
//	offset  size
//	     0     8  number
//	     8     8  when it was appended: Unix time in nanoseconds
//	    16     4  how many of the same Append stand before it
//	    20    33  the mark, see store.AppendMark
//	    53     7  reserved, 0
//	    60     4  CRC-32C of the epoch and all before
//
// The records of one Append are written from the second on, and the first when these are on
// the disk. So who reads them in their order finds all or none.
//
// What breaks off ends with a record that can't be read, and behind it stand others of the
// same Append at most. Where one stands of a later Append, something was damaged that had
// been confirmed.
const (
	journalMagic   = "HLDJ"
	journalVersion = 1
	slotLen        = 64 // of the head, and of a record
	sumAt          = slotLen - 4

	// maxJournalLen is far above the length that a journal has.
	maxJournalLen = 1 << 30

	// chunkBytes are read at once.
	chunkBytes = 2048 * slotLen
)

var (
	// errNoJournal says that the file is no journal, or one that has lost marks.
	errNoJournal = errors.New("the file holds no journal")

	errDamagedJournal = fmt.Errorf("%w: a mark in it is damaged", errNoJournal)
)

type journalHead struct {
	epoch [16]byte
	base  uint64
}

func (h journalHead) encode() []byte {
	b := make([]byte, slotLen)
	copy(b, journalMagic)
	b[4] = journalVersion
	copy(b[8:], h.epoch[:])
	binary.LittleEndian.PutUint64(b[24:], h.base)
	binary.LittleEndian.PutUint32(b[sumAt:], crc32.Checksum(b[:sumAt], castagnoli))
	return b
}

func decodeJournalHead(b []byte) (h journalHead, err error) {
	switch {
	case string(b[:len(journalMagic)]) != journalMagic:
		return h, fmt.Errorf("%w: other content", errNoJournal)
	case b[4] != journalVersion:
		return h, fmt.Errorf("%w: format %d", errNoJournal, b[4])
	case binary.LittleEndian.Uint32(b[sumAt:]) != crc32.Checksum(b[:sumAt], castagnoli):
		return h, fmt.Errorf("%w: checksum of the head", errNoJournal)
	}
	h.epoch = [16]byte(b[8:])
	h.base = binary.LittleEndian.Uint64(b[24:])
	if h.epoch == [16]byte{} || h.base > 1<<62 {
		return h, fmt.Errorf("%w: epoch or base", errNoJournal)
	}
	return h, nil
}

func readJournalHead(file *os.File) (journalHead, error) {
	b := make([]byte, slotLen)
	n, err := file.ReadAt(b, 0)
	switch {
	case n == len(b):
		return decodeJournalHead(b)
	case errors.Is(err, io.EOF):
		return journalHead{}, fmt.Errorf("%w: too short", errNoJournal)
	}
	return journalHead{}, err
}

// offset returns where the record with a number stands, and last which number the last one
// has in a file of that length.
func (h journalHead) offset(number uint64) int64 { return int64(number-h.base) * slotLen }
func (h journalHead) last(size int64) uint64     { return h.base + uint64(max(size/slotLen-1, 0)) }

type record struct {
	at    int64
	index uint32
	mark  store.Mark
}

// append appends the record with a number.
func (h journalHead) append(b []byte, number uint64, r record) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.at))
	b = binary.LittleEndian.AppendUint32(b, r.index)
	b = store.AppendMark(b, r.mark)
	b = append(b, make([]byte, start+sumAt-len(b))...)
	return binary.LittleEndian.AppendUint32(b, h.sum(b[start:]))
}

// sum is another one for each epoch: what some other file left on the disk is none of ours.
func (h journalHead) sum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(h.epoch[:], castagnoli), castagnoli, b[:sumAt])
}

// decode returns the record that must have this number, or false.
func (h journalHead) decode(b []byte, number uint64) (r record, whole bool) {
	if binary.LittleEndian.Uint64(b) != number || binary.LittleEndian.Uint32(b[sumAt:]) != h.sum(b) {
		return r, false
	}
	r.at = int64(binary.LittleEndian.Uint64(b[8:]))
	r.index = binary.LittleEndian.Uint32(b[16:])
	var err error
	r.mark, err = store.DecodeMark(b[20 : 20+store.MarkLen])
	return r, err == nil
}

// scan calls each for the records from a number on, with their bytes, until that returns
// false or the records end. next is the number behind the last one that each was given and
// took. The error is errDamagedJournal where that isn't where they end.
func (j *journalFile) scan(first uint64, size int64, each func(b []byte, r record) bool) (next uint64, err error) {
	if size > maxJournalLen {
		return first, fmt.Errorf("%w: too long", errNoJournal)
	}
	h, last := j.head, j.head.last(size)
	if first > last {
		return first, nil
	}
	chunk := make([]byte, min(chunkBytes, int64(last-first+1)*slotLen))
	next = first
	broken := false
	for number := first; number <= last; {
		n, err := j.file.ReadAt(chunk[:min(int64(len(chunk)), int64(last-number+1)*slotLen)], h.offset(number))
		if err != nil && !errors.Is(err, io.EOF) {
			return next, err
		}
		if n < slotLen { // somebody has just cut it off
			return next, nil
		}
		for b := chunk[:n/slotLen*slotLen]; len(b) > 0; b = b[slotLen:] {
			r, whole := h.decode(b, number)
			switch {
			case broken && whole && number-uint64(r.index) > next:
				return next, errDamagedJournal
			case broken:
			case !whole:
				broken = true
			case !each(b[:slotLen], r):
				return next, nil
			default:
				next++
			}
			number++
		}
	}
	return next, nil
}
