// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// origin is a server whose behaviour can be changed while it runs.
type origin struct {
	*holdovertest.Origin
	addr string

	mu     sync.Mutex
	server *http.Server // nil while it refuses
	over   chan struct{}
}

// startOrigin listens on an address, or with "" on a free one.
func startOrigin(addr string, working http.Handler) (*origin, error) {
	o := &origin{Origin: holdovertest.NewOrigin(working), addr: addr, over: make(chan struct{})}
	var l net.Listener
	var err error
	if addr == "" {
		l, err = listenAnywhere()
	} else {
		l, err = net.Listen("tcp", addr)
	}
	if err != nil {
		return nil, err
	}
	o.addr = l.Addr().String()
	o.serve(l)
	return o, nil
}

// play changes the behaviour for requests that arrive from now on.
func (o *origin) play(b behaviour) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.over)
	o.over = make(chan struct{})
	if b.thaws {
		b.fault = freeze(o.over)
	}
	o.Behave(b.fault)
	switch {
	case b.refuses && o.server != nil:
		server := o.server
		o.server = nil
		return server.Close()
	case !b.refuses && o.server == nil:
		l, err := net.Listen("tcp", o.addr)
		if err != nil {
			return err
		}
		o.serve(l)
	}
	return nil
}

func (o *origin) serve(l net.Listener) {
	o.server = &http.Server{
		Handler:           o.Origin,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // it panics on purpose
	}
	go func(s *http.Server) { _ = s.Serve(l) }(o.server)
}

func (o *origin) close() error { return o.play(refusing) }

// gotAny reports whether one of the paths was asked for since an instant.
func (o *origin) gotAny(from time.Time, paths []string) bool {
	return slices.ContainsFunc(o.Requests().Between(from, time.Now()), func(a holdovertest.Arrival) bool {
		return slices.Contains(paths, a.Path)
	})
}

// between returns the requests for paths with a prefix that arrived from an instant until
// another.
func (o *origin) between(prefix string, from, to time.Time) (found holdovertest.Arrivals) {
	for _, a := range o.Requests().Between(from, to) {
		if strings.HasPrefix(a.Path, prefix) {
			found = append(found, a)
		}
	}
	return found
}
