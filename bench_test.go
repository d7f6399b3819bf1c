// SPDX-License-Identifier: MIT

package holdover_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// What a hit costs is told as a multiple of what a handler costs that sets the same
// five fields and writes the same body itself: the metric x-bare. Both take turns in
// short rounds within one run, so that whatever else the machine does meets both,
// and the medians of the rounds are compared.

const benchBody = 1 << 10

// bare is the handler that is compared with.
func bare(body []byte, vary bool) http.Handler { return page(body, vary) }

// candidate is one of the two that take turns.
type candidate struct {
	one    func()
	rounds []time.Duration
}

func (c *candidate) round(n int) {
	runtime.GC() // what the other one left
	began := time.Now()
	for range n {
		c.one()
	}
	c.rounds = append(c.rounds, time.Since(began))
}

func (c *candidate) median() float64 {
	slices.Sort(c.rounds)
	return float64(c.rounds[len(c.rounds)/2])
}

// alternate lets both run in turns, n calls each, and reports the second one's cost
// for one call, and as a multiple of the first one's.
func alternate(b *testing.B, n int, first, second func()) {
	const enough = 5
	one, two := &candidate{one: first}, &candidate{one: second}
	b.ReportAllocs()
	for b.Loop() {
		one.round(n)
		two.round(n)
	}
	for len(one.rounds) < enough {
		one.round(n)
		two.round(n)
	}
	calls := float64(n)
	b.ReportMetric(two.median()/one.median(), "x-bare")
	b.ReportMetric(one.median()/calls, "ns/bare")
	b.ReportMetric(two.median()/calls, "ns/hit")
}

func BenchmarkHit(b *testing.B) {
	body := bytes.Repeat([]byte("x"), benchBody)
	for name, vary := range map[string]bool{"plain": false, "vary": true} {
		b.Run(name, func(b *testing.B) {
			c := newCache(b, holdover.Config{})
			without := newRequester(bare(body, false))
			with := newRequester(c.Handler(page(body, vary)))
			with.ask()
			with.ask()
			require.Contains(b, with.w.h.Get("Cache-Status"), "; hit")
			alternate(b, 100_000, without.ask, with.ask)
		})
	}
}

// requester asks a handler in this process, without allocating.
type requester struct {
	h http.Handler
	w *reusedWriter
	r *http.Request
}

func newRequester(h http.Handler) *requester {
	r := httptest.NewRequest("GET", "http://example.com/path?q=1", nil)
	r.Header.Set("Accept-Encoding", "gzip, br")
	return &requester{h: h, w: &reusedWriter{h: http.Header{}}, r: r}
}

func (c *requester) ask() {
	clear(c.w.h)
	c.h.ServeHTTP(c.w, c.r)
}

// BenchmarkHitOverAConnection compares over one kept-alive connection each, where
// most of the time goes into the client, the server and the kernel.
func BenchmarkHitOverAConnection(b *testing.B) {
	body := bytes.Repeat([]byte("x"), benchBody)
	c := newCache(b, holdover.Config{})
	without := connected(b, bare(body, false))
	with := connected(b, c.Handler(page(body, false)))
	with()
	with()
	require.NotZero(b, c.Stats().Hits)
	alternate(b, 1000, without, with)
}

// connected returns a function that asks a server for a page over its connection.
func connected(b *testing.B, h http.Handler) func() {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	client := s.Client()
	b.Cleanup(client.CloseIdleConnections)
	req, err := http.NewRequestWithContext(b.Context(), "GET", s.URL+"/path?q=1", nil)
	require.NoError(b, err)
	return func() {
		res, err := client.Do(req)
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}
