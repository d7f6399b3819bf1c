// SPDX-License-Identifier: MIT

package codec_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

var benchSizes = []int{2 << 10, 16 << 10, 128 << 10}

func BenchmarkEncode(b *testing.B) {
	for _, n := range benchSizes {
		e := entry(b, withBody(listing(n)))
		for _, name := range names(all) {
			c := open(b, all[name])
			b.Run(fmt.Sprintf("%s/%dKiB", name, n>>10), func(b *testing.B) {
				var value []byte
				b.ReportAllocs()
				for b.Loop() {
					value, _ = c.Encode(e)
				}
				b.ReportMetric(float64(e.Size())/float64(len(value)), "ratio")
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range benchSizes {
		e := entry(b, withBody(listing(n)))
		for _, name := range names(all) {
			c := open(b, all[name])
			value := encode(b, c, e)
			b.Run(fmt.Sprintf("%s/%dKiB", name, n>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.Decode(value); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRaw is the algorithms alone, reused and without an entry around: what the
// codecs can't be quicker than.
func BenchmarkRaw(b *testing.B) {
	for _, n := range benchSizes {
		body, dst := listing(n), make([]byte, n)
		packed := map[store.Packing][]byte{}
		for _, name := range names(packing) {
			packed[packing[name]] = pack(b, packing[name], bytes.NewReader(body), n)
		}
		encoder, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
		decoder, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		out := bytes.NewBuffer(make([]byte, 0, 2*n))
		brotliWriter, brotliReader := brotli.NewWriterLevel(nil, 4), new(brotli.Reader)
		gzipWriter, gzipReader := gzip.NewWriter(nil), new(gzip.Reader)
		for name, run := range map[string]func() error{
			"encode/zstd": func() error { encoder.EncodeAll(body, dst[:0]); return nil },
			"encode/brotli": func() error {
				out.Reset()
				brotliWriter.Reset(out)
				brotliWriter.Write(body)
				return brotliWriter.Close()
			},
			"encode/gzip": func() error { out.Reset(); gzipWriter.Reset(out); gzipWriter.Write(body); return gzipWriter.Close() },
			"decode/zstd": func() error { _, err := decoder.DecodeAll(packed[store.Zstd], dst[:0]); return err },
			"decode/brotli": func() error {
				brotliReader.Reset(bytes.NewReader(packed[store.Brotli][4:]))
				_, err := io.ReadFull(brotliReader, dst)
				return err
			},
			"decode/gzip": func() error {
				gzipReader.Reset(bytes.NewReader(packed[store.Gzip]))
				_, err := io.ReadFull(gzipReader, dst)
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, n>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkParallel is the default codec under concurrency: nobody waits for another.
func BenchmarkParallel(b *testing.B) {
	c := codec.Default()
	e := entry(b, withBody(listing(16<<10)))
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			value, _ := c.Encode(e)
			if _, err := c.Decode(value); err != nil {
				b.Error(err)
			}
		}
	})
}
