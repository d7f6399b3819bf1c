// SPDX-License-Identifier: MIT

package codec

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/andybalholm/brotli"
)

// brotliStream packs into a Brotli stream. That has no checksum, so the CRC-32C of the
// body stands before it, in 4 bytes, the lowest first.
type brotliStream struct {
	encoders
	decoders pool[*brotliDecoder]
}

type brotliDecoder struct {
	brotli.Reader
	in source
}

// brotliWindow is the binary logarithm of how far back in bytes a body may refer to
// itself. With the default, 22, an encoder takes 60 MiB for a body of 4 MiB, and saves
// less than 1 %.
const brotliWindow = 18

func newBrotli(level int) *brotliStream {
	b := new(brotliStream)
	b.encoders.make = func() (*encoder, error) {
		w := brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: level, LGWin: brotliWindow})
		return &encoder{WriteCloser: w, reset: func(out io.Writer, _ int) { w.Reset(out) }}, nil
	}
	b.decoders.make = func() (*brotliDecoder, error) { return new(brotliDecoder), nil }
	return b
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (b *brotliStream) pack(dst, body []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	return b.encoders.pack(dst, body)
}

func (b *brotliStream) unpack(dst, packed []byte) error {
	if len(packed) < crc32.Size {
		return errLength
	}
	decoder, err := b.decoders.get()
	if err != nil {
		return err
	}
	decoder.in.Reset(packed[crc32.Size:])
	if err = decoder.Reset(&decoder.in); err == nil {
		err = decoder.in.fill(dst, decoder)
	}
	if decoder.in.Reset(nil); err == nil { // else it may hold 16 MiB
		b.decoders.put(decoder)
	}
	if err == nil && crc32.Checksum(dst, castagnoli) != binary.LittleEndian.Uint32(packed) {
		err = errChecksum
	}
	return err
}

var errChecksum = errors.New("checksum")
