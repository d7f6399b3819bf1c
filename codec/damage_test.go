// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

func requireDamaged(t *testing.T, c store.Codec, value []byte, msg string, args ...any) {
	t.Helper()
	e, err := c.Decode(value)
	require.ErrorIs(t, err, store.ErrFormat, append([]any{msg}, args...)...)
	require.Nil(t, e)
}

// No bit can change in a value of any format without being noticed.
func TestEveryFlippedBit(t *testing.T) {
	c := codec.Default()
	for _, written := range names(all) {
		t.Run(written, func(t *testing.T) {
			value := encode(t, open(t, all[written]), entry(t, page()))
			for i := range value {
				for bit := range 8 {
					damaged := bytes.Clone(value)
					damaged[i] ^= 1 << bit
					requireDamaged(t, c, damaged, "bit %d of byte %d", bit, i)
				}
			}
		})
	}
}

// The same where the checksum of the format is right, so that only the algorithm's own
// is left: damage that came before, or a fault of the library.
func TestEveryFlippedBitOfAPackedBody(t *testing.T) {
	c := codec.Default()
	body := listing(1500)
	for _, name := range names(packing) {
		t.Run(name, func(t *testing.T) {
			p := packing[name]
			packed := pack(t, p, bytes.NewReader(body), len(body))
			got, err := c.Decode(forged(t, p, uint32(len(body)), packed))
			require.NoError(t, err)
			require.Equal(t, body, got.Body())
			for i := range packed {
				for bit := range 8 {
					damaged := bytes.Clone(packed)
					damaged[i] ^= 1 << bit
					got, err := c.Decode(forged(t, p, uint32(len(body)), damaged))
					if err != nil {
						require.ErrorIs(t, err, store.ErrDamaged, "bit %d of byte %d", bit, i)
						continue
					}
					require.Equal(t, body, got.Body(), "bit %d of byte %d", bit, i) // a flag that means nothing
				}
			}
		})
	}
}

func TestDamageOfALongBody(t *testing.T) {
	c := codec.Default()
	body := append(listing(200<<10), noise(70<<10)...)
	for _, name := range names(packing) {
		t.Run(name, func(t *testing.T) {
			p, n := packing[name], uint32(len(body))
			packed := pack(t, p, bytes.NewReader(body), len(body))
			require.Greater(t, len(packed), 64<<10)
			for i := 0; i < len(packed); i += 2999 {
				damaged := bytes.Clone(packed)
				damaged[i] ^= 0x10
				requireDamaged(t, c, forged(t, p, n, damaged), "byte %d", i)
			}
			got, err := c.Decode(forged(t, p, n, packed))
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, got.Body()))
		})
	}
}

func TestOtherLengths(t *testing.T) {
	c := codec.Default()
	for _, written := range names(all) {
		t.Run(written, func(t *testing.T) {
			value := encode(t, open(t, all[written]), entry(t, page()))
			for n := range value {
				requireDamaged(t, c, bytes.Clone(value[:n]), "cut to %d bytes", n)
			}
			for _, more := range [][]byte{{0}, {0xc0}, []byte("garbage"), value} {
				requireDamaged(t, c, slices.Concat(value, more), "%d bytes behind", len(more))
			}
		})
	}
}

// What stands beside the stream of the algorithm is not passed over.
func TestOtherLengthsOfAPackedBody(t *testing.T) {
	c := codec.Default()
	body := listing(5000)
	n := uint32(len(body))
	for _, name := range names(packing) {
		t.Run(name, func(t *testing.T) {
			p := packing[name]
			packed := pack(t, p, bytes.NewReader(body), len(body))
			for m := range packed {
				requireDamaged(t, c, forged(t, p, n, packed[:m]), "cut to %d bytes", m)
			}
			for more := range 9 {
				requireDamaged(t, c, forged(t, p, n, append(bytes.Clone(packed), noise(more+1)...)), "%d bytes behind", more+1)
			}
			requireDamaged(t, c, forged(t, p, n, append(bytes.Clone(packed), 0)), "a zero behind")
			requireDamaged(t, c, forged(t, p, n, append(bytes.Clone(packed), make([]byte, 1<<20)...)), "zeros behind")
			requireDamaged(t, c, forged(t, p, 2*n, slices.Concat(packed, packed)), "twice")
			requireDamaged(t, c, forged(t, p, n-1, packed), "one byte more than it says")
			requireDamaged(t, c, forged(t, p, n+1, packed), "one byte less than it says")
			requireDamaged(t, c, forged(t, p, 0, packed), "nothing is said")
			requireDamaged(t, c, forged(t, p, 0, nil), "nothing is there")
			got, err := c.Decode(forged(t, p, n, packed))
			require.NoError(t, err, "the decoder is as good as new")
			require.Equal(t, body, got.Body())
		})
	}
}

// Brotli has no checksum, so ours finds a body that is another one.
func TestBrotliChecksum(t *testing.T) {
	body := listing(5000)
	packed := pack(t, store.Brotli, bytes.NewReader(body), len(body))
	require.Equal(t, crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(packed))
	requireDamaged(t, codec.Default(), forged(t, store.Brotli, 5000, append([]byte{1, 2, 3, 4}, packed[4:]...)), "another checksum")
}

// Frames that the decoder would pass over, or trust without a checksum.
func TestForeignZstdFrames(t *testing.T) {
	body := listing(5000)
	n := uint32(len(body))
	packed := pack(t, store.Zstd, bytes.NewReader(body), len(body))
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0}, "skip"...)
	unsummed := bytes.Clone(packed[:len(packed)-4])
	unsummed[4] &^= 4
	c := codec.Default()
	for name, foreign := range map[string][]byte{
		"a skippable frame before": slices.Concat(skippable, packed), "one behind": slices.Concat(packed, skippable),
		"only a skippable frame": skippable, "no checksum": unsummed,
	} {
		requireDamaged(t, c, forged(t, store.Zstd, n, foreign), name)
	}
}

func TestUnknownPackings(t *testing.T) {
	for p := int(store.Gzip) + 1; p < 256; p++ {
		_, err := codec.Default().Decode(forged(t, store.Packing(p), 5, []byte("12345")))
		require.ErrorIs(t, err, store.ErrFormat)
		require.NotErrorIs(t, err, store.ErrDamaged, "a newer release may know it")
	}
}

// The byte of the format decides, not what the packed body looks like.
func TestPackingIsNotGuessed(t *testing.T) {
	body := listing(5000)
	for _, said := range names(packing) {
		for _, done := range names(packing) {
			if said != done {
				value := forged(t, packing[said], 5000, pack(t, packing[done], bytes.NewReader(body), len(body)))
				requireDamaged(t, codec.Default(), value, "%s that says it is %s", done, said)
			}
		}
	}
}

func TestNoValueAtAll(t *testing.T) {
	for _, value := range [][]byte{nil, {}, {0}, {0xde}, []byte("\xde\x00\x16"), []byte("\xde\x00\x16\xa8holdover"), []byte("HLDV"), []byte("something else"), noise(1 << 10)} {
		requireDamaged(t, codec.Default(), value, "%q", value)
	}
}
