// SPDX-License-Identifier: MIT

package codec

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Format is how the whole of an entry is laid out.
type Format uint8

// The formats.
const (
	Binary      Format = iota // that of package store: compact, quick to read, for Holdover only
	MessagePack               // one MessagePack map, for those who read entries in other languages
)

// Compression is how bodies are made smaller.
type Compression uint8

// The compressions. The zero value means Zstd in the Binary format, and None in
// MessagePack, whose bodies stay readable to everybody.
const (
	Zstd   Compression = iota + 1 // RFC 8878
	Brotli                        // RFC 7932
	Gzip                          // RFC 1952
	None
)

// Config configures what New makes. The zero value is what Default takes.
type Config struct {
	// Format is how entries are written. The default is Binary.
	Format Format

	// Compression is how bodies are written. The default is Zstd; in MessagePack it
	// is None, and anything else is refused.
	Compression Compression

	// Level trades time for size on a scale of the algorithm's own: 1 to 4 for Zstd
	// (the default is 1, the fastest), 1 to 11 for Brotli (4), 1 to 9 for Gzip (5).
	// 0 means the default.
	Level int

	// MinBytes is the length in bytes of the shortest body that is compressed. 0
	// means 1 KiB; negative means that none is too short.
	MinBytes int

	// MinSaving is by how many per cent a body must become smaller to be stored
	// compressed. 0 means 10; negative means that one byte is enough.
	MinSaving int

	// MaxBody is the length in bytes of the longest body that is compressed or
	// decompressed. A value that claims to become longer is not read, so that
	// nobody with access to the backend can use up the memory of its readers:
	// these should agree on MaxBody. Longer bodies are stored as they are. 0
	// means 64 MiB.
	MaxBody int

	// Compressible says which bodies are worth the attempt, by the media type in
	// their Content-Type: in lower case, without parameters, "" where there is
	// none. nil means the function of that name. Bodies that came in a content
	// coding are never compressed again.
	Compressible func(mediaType string) bool
}

// maxBody is the length in bytes of the longest body that an entry can have.
const maxBody = math.MaxUint32 / 2

// complete fills in the defaults.
func (c Config) complete() Config {
	if c.Compression == 0 && c.Format == MessagePack {
		c.Compression = None
	}
	c.Compression = cmp.Or(c.Compression, Zstd)
	c.MinBytes = cmp.Or(c.MinBytes, 1<<10)
	c.MinSaving = cmp.Or(c.MinSaving, 10)
	c.MaxBody = cmp.Or(c.MaxBody, 64<<20)
	if c.Compressible == nil {
		c.Compressible = Compressible
	}
	return c
}

// validate returns all that is wrong with a complete Config, each with its field.
func (c Config) validate() error {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("codec: "+format, args...))
	}
	if c.Format > MessagePack {
		refuse("Format %d is unknown", c.Format)
	}
	if c.Format == MessagePack && c.Compression != None {
		refuse("Compression must be None with MessagePack")
	}
	if c.Compression > None {
		refuse("Compression %d is unknown", c.Compression)
	} else if highest := highestLevel[c.Compression]; c.Level < 0 || c.Level > highest {
		refuse("Level is %d, must be from 0 to %d with this Compression", c.Level, highest)
	}
	if c.MinSaving >= 100 {
		refuse("MinSaving is %d per cent, must be less than 100", c.MinSaving)
	}
	if c.MaxBody < 0 || c.MaxBody > maxBody {
		refuse("MaxBody is %d, must be from 0 to %d", c.MaxBody, maxBody)
	}
	return errors.Join(wrong...)
}

var highestLevel = [...]int{Zstd: 4, Brotli: 11, Gzip: 9, None: 0}
