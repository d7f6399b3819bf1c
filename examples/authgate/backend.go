// SPDX-License-Identifier: MIT

package main

import (
	"net"
	"net/http"
	"sync/atomic"
)

// backend decides about credentials. It stands for a service somewhere else: it is
// asked over HTTP, it can break, and it knows nothing of caches.
type backend struct {
	addr   string
	server *http.Server
	valid  map[string]bool
	status atomic.Int64 // what it answers while it is ill; 0: it is well
	asked  atomic.Int64
}

func newBackend(valid ...string) (*backend, error) {
	b := &backend{addr: "127.0.0.1:0", valid: make(map[string]bool)}
	for _, key := range valid {
		b.valid[key] = true
	}
	return b, b.start()
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.asked.Add(1)
	switch ill := int(b.status.Load()); {
	case ill != 0:
		w.WriteHeader(ill)
	case !b.valid[r.Header.Get(credentialField)]:
		w.WriteHeader(http.StatusForbidden)
	}
}

// start listens, after a stop at the same address as before.
func (b *backend) start() (err error) {
	b.server, b.addr, err = serve(b.addr, b)
	return err
}

// stop makes it unreachable: connections are refused.
func (b *backend) stop() error { return b.server.Close() }

// serve starts a server and returns it with the address that it got.
func serve(addr string, handler http.Handler) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	return server, listener.Addr().String(), nil
}
