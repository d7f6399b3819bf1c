// SPDX-License-Identifier: MIT

package codec_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/codec"
)

func TestNewRefusesMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  codec.Config
		want []string
	}{
		{"format", codec.Config{Format: 2}, []string{"Format"}},
		{"compression", codec.Config{Compression: codec.None + 1}, []string{"Compression"}},
		{"compression that MessagePack hasn't", codec.Config{Format: codec.MessagePack, Compression: codec.Zstd}, []string{"Compression"}},
		{"negative level", codec.Config{Level: -1}, []string{"Level"}},
		{"level of zstd", codec.Config{Level: 5}, []string{"Level"}},
		{"level of brotli", codec.Config{Compression: codec.Brotli, Level: 12}, []string{"Level"}},
		{"level of gzip", codec.Config{Compression: codec.Gzip, Level: 10}, []string{"Level"}},
		{"level of nothing", codec.Config{Compression: codec.None, Level: 1}, []string{"Level"}},
		{"level of MessagePack", codec.Config{Format: codec.MessagePack, Level: 1}, []string{"Level"}},
		{"saving", codec.Config{MinSaving: 100}, []string{"MinSaving"}},
		{"negative MaxBody", codec.Config{MaxBody: -1}, []string{"MaxBody"}},
		{"MaxBody that no entry has", codec.Config{MaxBody: math.MaxInt}, []string{"MaxBody"}},
		{"all at once", codec.Config{Format: 9, Compression: 9, MinSaving: 101, MaxBody: -5}, []string{"Format", "Compression", "MinSaving", "MaxBody"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			made, err := codec.New(c.cfg)
			require.Nil(t, made)
			for _, field := range c.want {
				require.ErrorContains(t, err, "codec: "+field)
			}
		})
	}
}

func TestNewTakesTheLimits(t *testing.T) {
	for _, cfg := range []codec.Config{
		{}, {MinBytes: -1, MinSaving: -1, MaxBody: math.MaxInt32}, {Level: 4, MinSaving: 99, MaxBody: 1},
		{Compression: codec.Brotli, Level: 11}, {Compression: codec.Gzip, Level: 9},
		{Format: codec.MessagePack, Compression: codec.None, MinBytes: 1 << 20},
	} {
		_, err := codec.New(cfg)
		require.NoError(t, err)
	}
}

func TestCompressible(t *testing.T) {
	for mediaType, want := range map[string]bool{
		"text/html": true, "text/event-stream": true, "text/": true,
		"application/json": true, "application/ld+json": true, "application/vnd.a+b+json": true,
		"image/svg+xml": true, "application/rss+xml": true, "application/wasm": true,
		"application/javascript": true, "font/ttf": true, "image/bmp": true,
		"": false, "text": false, "json": false, "application/": false, "application/octet-stream": false,
		"application/zip": false, "application/json+zip": false, "image/png": false, "image/jpeg": false,
		"font/woff2": false, "video/mp4": false, "application/+": false, "application/xjson": false,
	} {
		require.Equal(t, want, codec.Compressible(mediaType), mediaType)
	}
}
