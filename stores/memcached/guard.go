// SPDX-License-Identifier: MIT

package memcached

import (
	"bytes"
	"errors"
	"strconv"
)

// errTooLong says that a server announced a value which no store of this configuration
// writes.
var errTooLong = errors.New("the server has a longer value than MaxValue")

// maxLine is more than any line of an answer has: a name takes 250 bytes.
const maxLine = 2048

// guard reads along what a server answers. The client allocates whatever length a server
// names, up to 4 GiB, so that has to be seen first.
type guard struct {
	limit int // of a value in bytes
	line  []byte
	skip  int // bytes of a value, with its line end, that are still to come
}

// see is given what comes next, before the client gets it.
func (g *guard) see(p []byte) error {
	for len(p) > 0 {
		if g.skip > 0 {
			n := min(g.skip, len(p))
			g.skip, p = g.skip-n, p[n:]
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			end = len(p) - 1
		}
		g.line = append(g.line, p[:end+1]...)
		p = p[end+1:]
		if err := g.judge(); err != nil {
			return err
		}
	}
	return nil
}

// judge looks at a line, once it is there as a whole.
func (g *guard) judge() error {
	if len(g.line) > maxLine {
		return errTooLong
	}
	if len(g.line) == 0 || g.line[len(g.line)-1] != '\n' {
		return nil
	}
	words := bytes.Fields(g.line) // VALUE name flags length …
	if len(words) >= 4 && string(words[0]) == "VALUE" {
		n, err := strconv.ParseUint(string(words[3]), 10, 32)
		if err != nil || n > uint64(g.limit) {
			return errTooLong
		}
		g.skip = int(n) + len("\r\n")
	}
	g.line = g.line[:0]
	return nil
}
