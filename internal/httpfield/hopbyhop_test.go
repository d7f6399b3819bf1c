// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestStripHopByHop(t *testing.T) {
	kept := http.Header{"Content-Type": {"text/html"}, "Etag": {`"a"`}, "Proxy-Status": {"x"}, "X-B": {"1"}}
	cases := []struct {
		name string
		add  http.Header
	}{
		{"nothing", nil},
		{"known ones (RFC 9110 §7.6.1)", http.Header{
			"Connection": {"close"}, "Keep-Alive": {"5"}, "Proxy-Authenticate": {"x"}, "Proxy-Authorization": {"x"},
			"Proxy-Authentication-Info": {"x"}, "Proxy-Connection": {"x"}, "Te": {"x"}, "Trailer": {"x"},
			"Transfer-Encoding": {"chunked"}, "Upgrade": {"h2c"},
		}},
		{"listed", http.Header{"Connection": {"x-a, X-C", " ,x-d"}, "X-A": {"1"}, "X-C": {"1"}, "X-D": {"1"}}},
		{"listed behind a stray quote", http.Header{"Connection": {`"x, x-a`}, "X-A": {"1"}}},
		{"not canonical", http.Header{"connection": {"x-a"}, "x-A": {"1"}, "KEEP-ALIVE": {"1"}, "TE": {"1"}}},
		{"names that aren't tokens", http.Header{"X A": {"1"}, "": {"1"}, "X:": {"1"}, http.TrailerPrefix + "X": {"1"}, "É": {"1"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := kept.Clone()
			maps.Copy(h, c.add)
			httpfield.StripHopByHop(h)
			require.Equal(t, kept, h)
		})
	}
}

// RFC 9110 §7.6.1: Connection must not list what is meant for all recipients.
func TestStripHopByHopKeepsWhatDecides(t *testing.T) {
	h := http.Header{"Connection": {"cache-control, vary, x-a"}, "Cache-Control": {"private"}, "Vary": {"Cookie"}, "X-A": {"1"}}
	httpfield.StripHopByHop(h)
	require.Equal(t, http.Header{"Cache-Control": {"private"}, "Vary": {"Cookie"}}, h)
}

func FuzzStripHopByHop(f *testing.F) {
	f.Add("close, x-a", "X-A", "1")
	f.Add(`"`, "Te", "")
	f.Fuzz(func(t *testing.T, connection, name, value string) {
		h := http.Header{"Connection": {connection}, name: {value}}
		httpfield.StripHopByHop(h)
		require.NotContains(t, h, "Connection")
		once := h.Clone()
		httpfield.StripHopByHop(h)
		require.Equal(t, once, h)
	})
}
