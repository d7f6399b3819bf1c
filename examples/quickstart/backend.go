// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/holdover-go/holdover"
)

const (
	// pageControl is all that the backend says to Holdover: the page is fresh for a
	// second, and may be given for ten more minutes if the backend fails.
	pageControl = "max-age=1, stale-if-error=600"

	workTime = 50 * time.Millisecond  // to make a page
	slowTime = 750 * time.Millisecond // the same, on a bad day
)

// backend makes a page, or fails in the way that is switched on.
type backend struct {
	ways  map[string]http.HandlerFunc
	now   atomic.Pointer[http.HandlerFunc]
	pages atomic.Int64
}

func newBackend() *backend {
	b := &backend{}
	b.ways = map[string]http.HandlerFunc{
		"503":      unavailable,
		"panic":    panics,
		"hang":     hangs,
		"truncate": truncates,
		"refuse":   refuses(),
		"slow":     b.slow,
	}
	b.heal()
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*b.now.Load())(w, r) }

func (b *backend) heal() { b.use(b.page) }

func (b *backend) breakDown(how string) error {
	way, known := b.ways[how]
	if !known {
		return fmt.Errorf("how=%s: want one of %q", how, slices.Sorted(maps.Keys(b.ways)))
	}
	b.use(way)
	return nil
}

func (b *backend) use(way http.HandlerFunc) { b.now.Store(&way) }

// page is what the backend does when it is well.
func (b *backend) page(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(workTime)
	w.Header().Set("Cache-Control", pageControl)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "page %d, made at %s\n", b.pages.Add(1), time.Now().Format("15:04:05.000"))
}

func (b *backend) slow(w http.ResponseWriter, r *http.Request) {
	time.Sleep(slowTime)
	b.page(w, r)
}

func unavailable(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(workTime)
	http.Error(w, "out of order", http.StatusServiceUnavailable)
}

func panics(http.ResponseWriter, *http.Request) {
	time.Sleep(workTime)
	panic("the backend has a bug")
}

// hangs waits until nobody wants its answer any more.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// truncates promises a page and delivers half of it.
func truncates(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(workTime)
	const half = "this page ends in the mid"
	w.Header().Set("Cache-Control", pageControl)
	w.Header().Set("Content-Length", strconv.Itoa(2*len(half)))
	fmt.Fprint(w, half)
}

// refuses is a reverse proxy whose origin is gone. holdover.ErrorHandler tells the
// cache that nobody was reached, which a bare 502 wouldn't.
func refuses() http.HandlerFunc {
	nobody := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(nobody) },
		ErrorHandler: holdover.ErrorHandler,
	}
	return func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(workTime)
		proxy.ServeHTTP(w, r)
	}
}
