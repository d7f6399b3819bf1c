// SPDX-License-Identifier: MIT

// Package storebench measures a store of bytes beside the plain client of its backend.
package storebench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// Plain is the client alone: what somebody would write who stores bytes of his own.
type Plain struct {
	Set func(ctx context.Context, name string, value []byte) error
	Get func(ctx context.Context, name string) (value []byte, err error)
}

// Sizes of bodies, in KiB.
var sizes = []int{1, 16, 64}

// rounds is how often both take turns, so often that a busy moment of the machine meets
// both. The figures are medians.
const rounds = 41

// Run measures get and set of both, one after the other in turns, with bodies of text and
// of noise that nothing makes smaller. It reports for one operation: the time of each,
// their ratio, the throughput of the store in bodies, and the allocations of each, where
// those of goroutines that the client runs count too.
func Run(b *testing.B, s store.Store, p Plain) {
	for _, kind := range []string{"text", "noise"} {
		for _, kib := range sizes {
			e, other := entry(b, kind, kib<<10, 1), entry(b, kind, kib<<10, 2)
			// What is set changes each time: some backends don't write what they have.
			turn, plainTurn := 0, 0
			both := [...]*store.Entry{e, other}
			set := func(ctx context.Context) error {
				turn++
				return s.Set(ctx, e.Key(), both[turn%2])
			}
			plainSet := func(ctx context.Context) error {
				plainTurn++
				return p.Set(ctx, "plain", both[plainTurn%2].Bytes())
			}
			b.Run(fmt.Sprintf("set/%s/%dKiB", kind, kib), func(b *testing.B) { compare(b, e, set, plainSet) })

			get := func(ctx context.Context) error { return getEntry(ctx, s, e) }
			plainGet := func(ctx context.Context) error { return getValue(ctx, p, e) }
			b.Run(fmt.Sprintf("get/%s/%dKiB", kind, kib), func(b *testing.B) {
				require.NoError(b, set(b.Context()))
				require.NoError(b, plainSet(b.Context()))
				compare(b, e, get, plainGet)
			})
		}
	}
}

func getEntry(ctx context.Context, s store.Store, want *store.Entry) error {
	got, err := s.Get(ctx, want.Key())
	if err == nil && got.BodyLen() != want.BodyLen() {
		err = fmt.Errorf("got %d bytes of %d", got.BodyLen(), want.BodyLen())
	}
	return err
}

func getValue(ctx context.Context, p Plain, want *store.Entry) error {
	value, err := p.Get(ctx, "plain")
	if err == nil && len(value) != want.Size() {
		err = fmt.Errorf("got %d bytes of %d", len(value), want.Size())
	}
	return err
}

type operation func(ctx context.Context) error

// timing is what some operations in a row took, each.
type timing struct{ ns, allocs, bytes float64 }

func compare(b *testing.B, e *store.Entry, ours, plain operation) {
	n := max(b.N/rounds, 1)
	var stores, plains []timing
	var ratios []float64
	measure(b, n, ours) // connections, pools, prepared statements
	measure(b, n, plain)
	b.ResetTimer()
	for range rounds {
		s, p := measure(b, n, ours), measure(b, n, plain)
		stores, plains = append(stores, s), append(plains, p)
		ratios = append(ratios, s.ns/p.ns)
	}
	b.StopTimer()
	ns := func(t timing) float64 { return t.ns }
	allocs := func(t timing) float64 { return t.allocs }
	size := func(t timing) float64 { return t.bytes }
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op") // of both together, which means nothing
	b.ReportMetric(median(stores, ns), "store-ns")
	b.ReportMetric(median(plains, ns), "plain-ns")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(float64(e.BodyLen())/median(stores, ns)*1e3, "MB/s")
	b.ReportMetric(median(stores, allocs), "store-allocs")
	b.ReportMetric(median(plains, allocs), "plain-allocs")
	b.ReportMetric(median(stores, size), "store-B")
	b.ReportMetric(median(plains, size), "plain-B")
}

func measure(b *testing.B, n int, do operation) timing {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range n {
		require.NoError(b, do(ctx))
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	each := func(total uint64) float64 { return float64(total) / float64(n) }
	return timing{float64(took) / float64(n), each(after.Mallocs - before.Mallocs), each(after.TotalAlloc - before.TotalAlloc)}
}

func median(list []timing, of func(timing) float64) float64 {
	values := make([]float64, len(list))
	for i, t := range list {
		values[i] = of(t)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// entry returns a response as a site has them: a dozen fields and a body.
func entry(b *testing.B, kind string, size int, seed uint64) *store.Entry {
	now := time.Now()
	r := store.Response{
		Key: "GET\x00https://storebench.example\x00/" + kind + fmt.Sprint(size), Status: 200,
		Fields: []store.Field{
			{Name: "Cache-Control", Values: []string{"public, max-age=60, stale-if-error=86400"}},
			{Name: "Content-Type", Values: []string{"image/png"}},
			{Name: "Date", Values: []string{now.UTC().Format(time.RFC1123)}},
			{Name: "Etag", Values: []string{`"33a64df551425fcc55e4d42a148795d9f25f89d4"`}},
			{Name: "Server", Values: []string{"storebench"}},
			{Name: "Vary", Values: []string{"Accept-Encoding"}},
			{Name: "X-Content-Type-Options", Values: []string{"nosniff"}},
			{Name: "X-Request-Id", Values: []string{"7b44a2f1-2c1c-4a70-9a37-3e1f1c0ad7ea"}},
		},
		RequestTime: now.UnixNano(), ResponseTime: now.UnixNano(), StoreUntil: now.Add(time.Hour).UnixNano(),
		Lifetime: time.Minute, LifetimeFrom: store.SourceMaxAge,
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	}
	if kind == "text" {
		r.Fields[1].Values[0] = "text/html; charset=utf-8"
		r.Body = text(size, seed)
	} else {
		r.Body = noise(size, seed)
	}
	e, err := store.New(r)
	require.NoError(b, err)
	return e
}

// text is a table of books, which a codec makes about four times smaller.
func text(size int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 2))
	var page strings.Builder
	for page.Len() < size {
		fmt.Fprintf(&page, "<tr class=\"book\"><td><a href=\"/books/%d\">Volume %d</a></td><td class=\"price\">%d.%02d</td><td>%x</td></tr>\n",
			random.Uint32()%100000, random.Uint32()%1000, random.Uint32()%100, random.Uint32()%100, random.Uint64())
	}
	return []byte(page.String()[:size])
}

func noise(size int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 4))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}
