// SPDX-License-Identifier: MIT

package codec

import (
	"errors"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// zstdFrame packs into one Zstandard frame with its own checksum.
type zstdFrame struct {
	encoders
	decoder *zstd.Decoder
	err     error // instead of a decoder
}

// zstdWindow is how far back in bytes a body may refer to itself. Larger windows take
// memory for every encoder, and save less than 1 %.
const zstdWindow = 256 << 10

// newZstd makes the decoder at once, and only encoders that write a stream: both have
// channels otherwise, which testing/synctest ties to where they were first needed.
func newZstd(level int) *zstdFrame {
	z := new(zstdFrame)
	z.encoders.make = func() (*encoder, error) {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevel(level)), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(true), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		return &encoder{WriteCloser: w, reset: func(out io.Writer, n int) { w.ResetContentSize(out, int64(n)) }}, err
	}
	atOnce := max(4, runtime.GOMAXPROCS(0))
	z.decoder, z.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(atOnce),
		zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
	return z
}

func (z *zstdFrame) unpack(dst, packed []byte) error {
	if z.err != nil {
		return z.err
	}
	if err := checkFrame(packed, len(dst)); err != nil {
		return err
	}
	body, err := z.decoder.DecodeAll(packed, dst[:0:len(dst)])
	switch {
	case err != nil:
		return err
	case len(body) != len(dst):
		return errLength
	case len(dst) > 0 && &body[0] != &dst[0]: // it took other memory
		copy(dst, body)
	}
	return nil
}

// checkFrame reports what is wrong unless there is exactly one frame, of the sort that pack
// writes, for a body of n bytes. The decoder would pass over frames without a checksum or
// a meaning, over a few bytes behind the last one, and notice late what is too long.
func checkFrame(packed []byte, n int) error {
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return err
	}
	if h.Skippable || !h.HasCheckSum || h.DictionaryID != 0 {
		return errFrame
	}
	if h.HasFCS && h.FrameContentSize != uint64(n) || !h.HasFCS && n > maxUnsized {
		return errLength
	}
	const sumLen = 4
	if rest, ok := skipBlocks(packed[h.HeaderSize:]); !ok || len(rest) != sumLen {
		return errLength
	}
	return nil
}

// maxUnsized is the length of the longest body that a frame may hold without saying how
// long it is, since the shortest way to say so begins at the next one.
const maxUnsized = 255

var errFrame = errors.New("another sort of frame")

// skipBlocks returns what stands behind the last block of a frame.
func skipBlocks(b []byte) (rest []byte, ok bool) {
	const headerLen, repeated = 3, 1
	for len(b) >= headerLen {
		header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		last, kind, size := header&1 != 0, header>>1&3, header>>3
		if kind == repeated { // a single byte that stands for many
			size = 1
		}
		if size > len(b)-headerLen {
			return nil, false
		}
		if b = b[headerLen+size:]; last {
			return b, true
		}
	}
	return nil, false
}
