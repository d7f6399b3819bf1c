// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

const bombLen = 32 << 20

// zeros is a reader of nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// allocated returns how many bytes f allocates, whether or not they are freed again.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A value may claim to be small, or as large as it is: neither makes a reader take more
// memory than MaxBody and what a decoder needs at most: a window of 16 MiB in Brotli.
func TestBombs(t *testing.T) {
	const small = 2 << 20
	for name, limit := range map[string]int{"zstd": small, "brotli": 16<<20 + small, "gzip": small} {
		t.Run(name, func(t *testing.T) {
			p := packing[name]
			bomb := pack(t, p, zeros{}, bombLen)
			c := open(t, codec.Config{MaxBody: 1 << 20})
			t.Logf("%d bytes become %d", len(bomb), bombLen)
			for _, says := range []uint32{0, 1, 1 << 10, 1 << 20} {
				value := forged(t, p, says, bomb)
				used := allocated(func() { requireDamaged(t, c, value, "says %d", says) })
				require.Less(t, used, limit, "says %d", says)
			}
			for _, says := range []uint32{1<<20 + 1, bombLen, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32} {
				value := forged(t, p, says, bomb)
				used := allocated(func() { requireDamaged(t, c, value, "says %d", says) })
				require.Less(t, used, 64<<10, "nothing is unpacked: says %d", says)
			}
		})
	}
}

// An honest value up to MaxBody is no bomb.
func TestMaxBody(t *testing.T) {
	for _, name := range names(packing) {
		e := entry(t, withBody(make([]byte, 1<<20)))
		value := encode(t, open(t, all[name]), e)
		require.Less(t, len(value), 8<<10)
		got, err := open(t, codec.Config{MaxBody: 1 << 20}).Decode(value)
		require.NoError(t, err)
		require.Equal(t, e.Bytes(), got.Bytes())
		requireDamaged(t, open(t, codec.Config{MaxBody: 1<<20 - 1}), value, name)
	}
}

// Frames that announce large things, or are long and hold nothing.
func TestZstdBombs(t *testing.T) {
	const magic, sum = "\x28\xb5\x2f\xfd", "\x99\xe9\xd8\x51"
	repeat := func(block string) string { // 128 KiB each time
		return string(bytes.Repeat([]byte(block), 1000))
	}
	for name, frame := range map[string]string{
		"more than one block":   magic + "\x64\x00\xff" + repeat("\x02\x00\x10x") + "\x01\x00\x00" + sum,
		"content of 2^62 bytes": magic + "\xe4" + "\x00\x00\x00\x00\x00\x00\x00\x40" + "\x01\x00\x00" + sum,
		"window of 3.75 TB":     magic + "\x04\xff" + "\x01\x00\x00" + sum,
		"window of 512 MB":      magic + "\x04\x98" + repeat("\x02\x00\x10x") + "\x01\x00\x00" + sum,
		"repeated bytes":        magic + "\x04\x58" + repeat("\x02\x00\x10x") + "\x01\x00\x00" + sum,
		"empty blocks":          magic + "\x04\x58" + string(make([]byte, 3<<20)) + "\x01\x00\x00" + sum,
		"dictionary":            magic + "\x05\x58\x07" + "\x01\x00\x00" + sum,
	} {
		t.Run(name, func(t *testing.T) {
			c := codec.Default()
			for _, says := range []uint32{1, 1 << 16} {
				value := forged(t, store.Zstd, says, []byte(frame))
				used := allocated(func() { requireDamaged(t, c, value, "says %d", says) })
				require.Less(t, used, 1<<20)
			}
		})
	}
}

// Members and streams that are long and hold nothing end with the input.
func TestLongWaysToNothing(t *testing.T) {
	member := pack(t, store.Gzip, bytes.NewReader(nil), 0)
	emptyBlock := []byte{0, 0, 0, 0xff, 0xff}
	comment := slices.Concat([]byte{0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte("a"), 1<<20))
	for name, value := range map[string][]byte{
		"gzip of empty blocks":   forged(t, store.Gzip, 1, slices.Concat(member[:10], bytes.Repeat(emptyBlock, 1<<18), member[10:])),
		"gzip of empty members":  forged(t, store.Gzip, 1, bytes.Repeat(member, 1<<14)),
		"gzip with a comment":    forged(t, store.Gzip, 1, comment),
		"brotli of empty blocks": forged(t, store.Brotli, 1, slices.Concat(make([]byte, 5), bytes.Repeat([]byte{0x06}, 1<<20))),
	} {
		c := codec.Default()
		used := allocated(func() { requireDamaged(t, c, value, name) })
		require.Less(t, used, 2<<20, name)
	}
}
