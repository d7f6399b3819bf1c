// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// forged returns a value whose head is that of the page, with right checksums, which
// claims that packed becomes n bytes.
func forged(t testing.TB, p store.Packing, n uint32, packed []byte) []byte {
	t.Helper()
	e := entry(t, withBody(nil))
	value := e.Packed(p, packed)
	body := value[e.Size()-crc32.Size:] // behind the head, which has no body
	binary.LittleEndian.PutUint32(body, n)
	sumAt := len(body) - crc32.Size
	binary.LittleEndian.PutUint32(body[sumAt:], crc32.Checksum(body[:sumAt], castagnoli))
	return value
}

// pack packs what r gives, n bytes, as the codecs do it, by their libraries alone.
func pack(t testing.TB, p store.Packing, r io.Reader, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	sum := crc32.New(castagnoli)
	switch p {
	case store.Zstd:
		encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		require.NoError(t, err)
		encoder.ResetContentSize(&out, int64(n))
		w = encoder
	case store.Brotli:
		out.Write(make([]byte, crc32.Size))
		w = brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: 4, LGWin: 24}) // the largest window
	case store.Gzip:
		w = gzip.NewWriter(&out)
	}
	_, err := io.CopyN(io.MultiWriter(w, sum), r, int64(n))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	if p == store.Brotli {
		binary.LittleEndian.PutUint32(out.Bytes(), sum.Sum32())
	}
	return out.Bytes()
}

// unpackGzip unpacks a gzip member by the standard library.
func unpackGzip(packed []byte) ([]byte, error) {
	in := bytes.NewReader(packed)
	r, err := stdgzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	body, err := io.ReadAll(r)
	if err == nil && in.Len() > 0 {
		err = io.ErrShortBuffer
	}
	return body, err
}
