// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

const (
	// maxSlices is the finest division of the table, into 1<<16 slices.
	maxSlices = 16

	// coarseRows tells a table far below its bound from one near it, within a fifth;
	// fineRows are read to tell the size within a few per cent.
	coarseRows = 200
	fineRows   = 4000
)

// size estimates the sum of all values. Hashes are spread evenly, so the rows between two of
// them are a fair sample of the table, however it was filled, and an index leads to them. A
// few large values would spoil it: these have an index of their own and are summed.
func (t *trimmer) size(ctx context.Context) (int64, error) {
	var big int64
	err := t.step(ctx, func(ctx context.Context) error { return t.store.row(ctx, sizeOfBig, []any{&big}) })
	if err != nil {
		return 0, err
	}
	want, slices := int64(coarseRows), int(t.slices.Load())
	for {
		rows, small, err := t.slice(ctx, slices)
		if err != nil {
			return 0, err
		}
		estimate := small<<slices + big
		if estimate > t.maxBytes/2 {
			want = fineRows
		}
		if rows >= want || slices == 0 {
			if rows > 4*want {
				slices++ // less is enough the next time
			}
			t.slices.Store(int32(min(slices, maxSlices)))
			return estimate, nil
		}
		// As often twice as many rows as it takes.
		slices = max(slices-max(bits.Len64(uint64(want/(rows+1)))-1, 1), 0)
	}
}

// slice adds up the small values of one of 1<<slices slices, chosen at random.
func (t *trimmer) slice(ctx context.Context, slices int) (rows, bytes int64, err error) {
	from, to := sliceOf(rand.Uint64N(1<<slices), slices)
	err = t.step(ctx, func(ctx context.Context) error {
		return t.store.row(ctx, sizeOfSlice, []any{&rows, &bytes}, from, to)
	})
	return rows, bytes, err
}

// sliceOf returns the first hash of slice i of 1<<slices, and one behind its last.
func sliceOf(i uint64, slices int) (from, to []byte) {
	width := 64 - slices
	from = binary.BigEndian.AppendUint64(nil, i<<width)
	if i == 1<<slices-1 {
		for range 17 { // longer than any hash
			to = append(to, 0xff)
		}
		return from, to
	}
	return from, binary.BigEndian.AppendUint64(nil, (i+1)<<width)
}
