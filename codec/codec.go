// SPDX-License-Identifier: MIT

package codec

import (
	"fmt"

	"github.com/holdover-go/holdover/store"
)

// New makes a codec. Whatever it writes, it reads all that this package ever wrote.
// It is safe for concurrent use, and what it keeps for reuse is its own: it needs no
// closing and has no goroutines. The errors name the fields of cfg that are wrong.
func New(cfg Config) (store.Codec, error) {
	cfg = cfg.complete()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return build(cfg), nil
}

// Default makes the codec that stores of bytes use where they are not given one: it
// compresses by Zstd what is worth it.
func Default() store.Codec { return build(Config{}.complete()) }

// algorithm packs bodies and unpacks them. It is safe for concurrent use.
type algorithm interface {
	// pack appends the packed body to dst.
	pack(dst, body []byte) ([]byte, error)

	// unpack fills dst with the body. That packed holds less, more or anything else
	// beside it is an error, found before more than dst was made of it.
	unpack(dst, packed []byte) error
}

type codec struct {
	Config
	packing    store.Packing // of what is written
	algorithms [store.Gzip + 1]algorithm
	scratch    pool[*[]byte]
}

func build(cfg Config) *codec {
	level := func(c Compression, otherwise int) int {
		if cfg.Compression == c && cfg.Level > 0 {
			return cfg.Level
		}
		return otherwise
	}
	c := &codec{Config: cfg}
	c.packing = [...]store.Packing{Zstd: store.Zstd, Brotli: store.Brotli, Gzip: store.Gzip, None: store.Unpacked}[cfg.Compression]
	c.algorithms[store.Zstd] = newZstd(level(Zstd, 1))
	c.algorithms[store.Brotli] = newBrotli(level(Brotli, 4))
	c.algorithms[store.Gzip] = newGzip(level(Gzip, 5))
	c.scratch.make = func() (*[]byte, error) { return new([]byte), nil }
	return c
}

// Encode returns the value of an entry. It never fails: what can't be packed is
// stored as it is.
func (c *codec) Encode(e *store.Entry) ([]byte, error) {
	switch {
	case c.Format == MessagePack:
		return encodeMessage(e), nil
	case c.worthPacking(e):
		return c.pack(e), nil
	}
	return e.Bytes(), nil
}

// maxScratch is the length in bytes of the largest buffer that is kept for reuse.
const maxScratch = 1 << 20

func (c *codec) pack(e *store.Entry) []byte {
	scratch, _ := c.scratch.get()
	packed, err := c.algorithms[c.packing].pack((*scratch)[:0], e.Body())
	value := e.Bytes()
	if err == nil && c.saves(e.BodyLen(), len(packed)) {
		value = e.Packed(c.packing, packed)
	}
	if cap(packed) <= maxScratch {
		*scratch = packed
		c.scratch.put(scratch)
	}
	return value
}

// saves reports whether a packed body is small enough, with the 4 bytes that it needs
// beside it.
func (c *codec) saves(body, packed int) bool {
	return 100*int64(packed+4) <= int64(100-max(c.MinSaving, 0))*int64(body) && packed+4 < body
}

// Decode reads what any codec of this package wrote.
func (c *codec) Decode(value []byte) (*store.Entry, error) {
	if isMessage(value) {
		return decodeMessage(value)
	}
	return store.Unpack(value, c.MaxBody, c.unpack)
}

// unpack appends to dst, which is empty and has room for exactly the body.
func (c *codec) unpack(p store.Packing, dst, packed []byte) ([]byte, error) {
	if int(p) >= len(c.algorithms) || c.algorithms[p] == nil {
		return nil, fmt.Errorf("%w: packing %d", store.ErrFormat, p)
	}
	dst = dst[:cap(dst)]
	if err := c.algorithms[p].unpack(dst, packed); err != nil {
		return nil, fmt.Errorf("%w: packing %d: %v", store.ErrDamaged, p, err)
	}
	return dst, nil
}
