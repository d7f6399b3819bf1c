// SPDX-License-Identifier: MIT

package codec

import (
	"bytes"
	"errors"
	"io"
)

var errLength = errors.New("not as long as it says")

// sink is a writer that appends.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// encoder packs one body after another.
type encoder struct {
	io.WriteCloser
	reset func(out io.Writer, n int) // for a body of n bytes
	out   sink
}

// encoders are those of one algorithm.
type encoders struct{ pool[*encoder] }

// pack appends the packed body to dst.
func (p *encoders) pack(dst, body []byte) ([]byte, error) {
	e, err := p.get()
	if err != nil {
		return dst, err
	}
	e.out.b = dst
	e.reset(&e.out, len(body))
	_, err = e.Write(body)
	err = errors.Join(err, e.Close())
	dst, e.out.b = e.out.b, nil
	p.put(e)
	return dst, err
}

// source is the packed body that a decoder reads, and where what is too much goes.
type source struct {
	bytes.Reader
	more [1]byte
}

// fill reads all of dst from r, which decodes what is in s and must end there, as
// must s: with one byte too many it is over, however many would follow.
func (s *source) fill(dst []byte, r io.Reader) error {
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	switch n, err := io.ReadFull(r, s.more[:]); {
	case n > 0:
		return errLength
	case err != io.EOF:
		return err
	case s.Len() > 0:
		return errLength
	}
	return nil
}
