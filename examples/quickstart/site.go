// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/holdover-go/holdover"
)

// site serves the backend's page with Holdover and, for comparison, without.
type site struct {
	http.Handler
	backend    *backend
	with, bare counted
}

func newSite(cache *holdover.Cache) *site {
	b := newBackend()
	s := &site{backend: b, with: counted{next: b}, bare: counted{next: b}}
	mux := http.NewServeMux()
	mux.Handle("/time", cache.Handler(&s.with)) // this is all that it takes
	mux.Handle("/bare/time", &s.bare)
	mux.HandleFunc("POST /break", func(w http.ResponseWriter, r *http.Request) {
		confirm(w, "broken", b.breakDown(r.FormValue("how")))
	})
	mux.HandleFunc("POST /heal", func(w http.ResponseWriter, r *http.Request) {
		b.heal()
		confirm(w, "healed", nil)
	})
	mux.HandleFunc("POST /purge", func(w http.ResponseWriter, r *http.Request) {
		confirm(w, "purged", cache.Purge(r.Context(), holdover.PurgeRequest{URL: "http://" + r.Host + "/time"}))
	})
	s.Handler = http.NewCrossOriginProtection().Handler(mux) // no web page pulls these switches
	return s
}

func confirm(w http.ResponseWriter, done string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, done)
}

// counted counts the calls of a handler.
type counted struct {
	next  http.Handler
	calls atomic.Int64
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.calls.Add(1)
	c.next.ServeHTTP(w, r)
}
