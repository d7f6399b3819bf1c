// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire leads from one process to a server, and can be cut and mended.
type wire struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil while it is cut
	idle  sync.WaitGroup
}

func newWire(t *testing.T, to string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{to: to, listener: l, conns: map[net.Conn]struct{}{}}
	w.idle.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.cut()
		w.idle.Wait()
	})
	return w
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.idle.Go(func() { w.join(conn) })
	}
}

// join connects both ends until one of them hangs up.
func (w *wire) join(near net.Conn) {
	defer near.Close()
	if !w.keep(near) {
		return
	}
	defer w.forget(near)
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !w.keep(far) {
		return
	}
	defer w.forget(far)
	w.idle.Go(func() {
		io.Copy(far, near)
		far.Close()
	})
	io.Copy(near, far)
}

func (w *wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		return false
	}
	w.conns[conn] = struct{}{}
	return true
}

func (w *wire) forget(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, conn)
}

// cut breaks all connections, and the next ones as soon as they are made.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.conns {
		conn.Close()
	}
	w.conns = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = map[net.Conn]struct{}{}
}
