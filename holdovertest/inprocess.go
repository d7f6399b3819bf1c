// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// InProcess returns a transport whose requests a handler in this process answers, without
// sockets: so it works inside testing/synctest. It is of use to a client in a test,
// and as Transport of an httputil.ReverseProxy in front of an Origin.
//
// Every request has a net.Pipe of its own, with a net/http server at its other end.
// So handler and client see what they would see over a real connection:
// informational responses reach httptrace, a Content-Length and a Content-Type are added, a body
// arrives while it is written and holds up the handler while it isn't read. What differs:
//
//   - A connection that is cut before the header is an error that wraps
//     syscall.ECONNRESET, whatever cut it. If the handler panicked, the error says with
//     what. One that is cut later ends the body with io.ErrUnexpectedEOF.
//   - When the context of the request ends, or its body is closed before its end, the
//     handler's context ends, also if it didn't read the whole request. The values in the
//     request's context don't reach the handler.
//   - An https URL needs no certificate.
//   - No Accept-Encoding is added, and nothing is decoded.
//   - There are no upgrades to another protocol.
//
// All goroutines end with the handler. It may go on after the last byte of its answer was
// read, as over a connection that is kept.
func InProcess(h http.Handler) http.RoundTripper {
	if h == nil {
		panic("holdovertest: InProcess: no handler")
	}
	return inProcess{h}
}

type inProcess struct{ handler http.Handler }

// RoundTrip sends one request and returns the final header of the answer.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := checkRequest(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	c := newCall(req, t.handler)
	resp, err := c.header()
	if err != nil {
		c.end()
		return nil, c.cause(err)
	}
	if c.secured() {
		resp.TLS = connectionState(req.URL.Host)
	}
	if resp.Body == http.NoBody {
		c.unbind()
	} else {
		resp.Body = &callBody{call: c, body: resp.Body}
	}
	return resp, nil
}

func checkRequest(req *http.Request) error {
	ctx := req.Context()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case req.URL == nil:
		return errors.New("holdovertest: the request has no URL")
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("holdovertest: unsupported scheme %q", req.URL.Scheme)
	case req.URL.Host == "":
		return errors.New("holdovertest: the request's URL has no host")
	}
	return nil
}

var (
	clientAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}
	serverAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}
)

// serverConn is the server's end of a pipe.
type serverConn struct{ net.Conn }

func (serverConn) LocalAddr() net.Addr  { return serverAddr }
func (serverConn) RemoteAddr() net.Addr { return clientAddr }

// oneConn is a listener that accepts one connection.
type oneConn struct{ conn net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	c := l.conn
	if l.conn = nil; c == nil {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return serverAddr }
