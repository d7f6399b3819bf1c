// SPDX-License-Identifier: MIT

package codec

import (
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipMember packs into one gzip member, which has a checksum.
type gzipMember struct {
	encoders
	decoders pool[*gzipDecoder]
}

type gzipDecoder struct {
	gzip.Reader
	in source
}

func newGzip(level int) *gzipMember {
	g := new(gzipMember)
	g.encoders.make = func() (*encoder, error) {
		w, err := gzip.NewWriterLevel(nil, level)
		return &encoder{WriteCloser: w, reset: func(out io.Writer, _ int) { w.Reset(out) }}, err
	}
	g.decoders.make = func() (*gzipDecoder, error) { return new(gzipDecoder), nil }
	return g
}

func (g *gzipMember) unpack(dst, packed []byte) error {
	decoder, err := g.decoders.get()
	if err != nil {
		return err
	}
	decoder.in.Reset(packed)
	if err = decoder.Reset(&decoder.in); err == nil {
		decoder.Multistream(false)
		err = decoder.in.fill(dst, decoder)
	}
	decoder.in.Reset(nil)
	g.decoders.put(decoder)
	return err
}
