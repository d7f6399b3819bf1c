// SPDX-License-Identifier: MIT

package holdovertest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
	"syscall"
)

// inProcessCall is a request under way, with a connection and a server of its own. A
// server that several tests shared would tie their bubbles together.
type inProcessCall struct {
	req     *http.Request
	handler http.Handler
	conn    net.Conn           // the client's end
	cancel  context.CancelFunc // ends the handler's context
	unbind  func() bool        // from the request's context

	mu       sync.Mutex
	unsent   error // why the request could not be sent
	panicked any   // what the handler panicked with
}

// newCall connects and starts to send the request.
func newCall(req *http.Request, h http.Handler) *inProcessCall {
	client, server := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	c := &inProcessCall{req: req, handler: h, conn: client, cancel: cancel}
	s := &http.Server{
		Handler:      http.HandlerFunc(c.serveHTTP),
		BaseContext:  func(net.Listener) context.Context { return ctx },
		ConnState:    closeIdle,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	_ = s.Serve(&oneConn{conn: serverConn{server}}) // ends when it finds no second one
	c.unbind = context.AfterFunc(req.Context(), c.cut)
	go c.send()
	return c
}

// closeIdle closes a connection whose answer has been written: with it ends the server's
// goroutine.
func closeIdle(conn net.Conn, s http.ConnState) {
	if s == http.StateIdle {
		_ = conn.Close()
	}
}

func (c *inProcessCall) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if c.secured() {
		r.TLS = connectionState(r.Host)
	}
	defer func() {
		if p := recover(); p != nil {
			c.mu.Lock()
			c.panicked = p
			c.mu.Unlock()
			panic(http.ErrAbortHandler) // so that net/http doesn't log it: the client is told
		}
	}()
	c.handler.ServeHTTP(w, r)
}

func (c *inProcessCall) secured() bool { return c.req.URL.Scheme == "https" }

func connectionState(host string) *tls.ConnectionState {
	return &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: host}
}

// send writes the request. It ends when the server has read it or the connection is cut.
func (c *inProcessCall) send() {
	r := c.req.WithContext(c.req.Context())
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = sentBody{r.Body, c}
	}
	if err := r.Write(c.conn); err != nil {
		c.fail(err)
		c.cut()
	}
}

// fail notes why the request could not be sent, the first time.
func (c *inProcessCall) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsent == nil {
		c.unsent = err
	}
}

// sentBody is the body of the request. net/http hides the errors of it.
type sentBody struct {
	io.ReadCloser
	call *inProcessCall
}

func (b sentBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.call.fail(err)
	}
	return n, err
}

// cut closes the connection.
func (c *inProcessCall) cut() {
	_ = c.conn.Close()
	c.cancel()
	if c.req.Body != nil {
		_ = c.req.Body.Close() // or nothing wakes who reads it to send it
	}
}

// end cuts the connection before the context did.
func (c *inProcessCall) end() {
	c.unbind()
	c.cut()
}

// header reads up to the final header.
func (c *inProcessCall) header() (*http.Response, error) {
	from := bufio.NewReader(c.conn)
	for {
		resp, err := http.ReadResponse(from, c.req)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
		if err := c.inform(resp); err != nil {
			return nil, err
		}
	}
}

// inform tells who traces the request of an informational response.
func (c *inProcessCall) inform(resp *http.Response) error {
	trace := httptrace.ContextClientTrace(c.req.Context())
	if trace == nil {
		return nil
	}
	if resp.StatusCode == http.StatusContinue && trace.Got100Continue != nil {
		trace.Got100Continue()
	}
	if trace.Got1xxResponse == nil {
		return nil
	}
	return trace.Got1xxResponse(resp.StatusCode, textproto.MIMEHeader(resp.Header))
}

// cause returns why no header came, for which err is all that the connection says.
func (c *inProcessCall) cause(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx := c.req.Context()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.ErrClosedPipe):
		return err
	case c.unsent != nil && !errors.Is(c.unsent, io.ErrClosedPipe):
		return c.unsent
	}
	reset := &net.OpError{Op: "read", Net: "tcp", Source: clientAddr, Addr: serverAddr, Err: syscall.ECONNRESET}
	if c.panicked != nil && c.panicked != http.ErrAbortHandler {
		return fmt.Errorf("holdovertest: the handler panicked: %v: %w", c.panicked, reset)
	}
	return reset
}

// callBody is the body of an answer.
type callBody struct {
	call   *inProcessCall
	body   io.ReadCloser
	whole  atomic.Bool // it was read to its end
	closed atomic.Bool
}

var errBodyClosed = errors.New("holdovertest: read on a closed body")

func (b *callBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errBodyClosed
	}
	n, err := b.body.Read(p)
	switch ctx := b.call.req.Context(); {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.whole.Store(true)
		b.call.unbind() // the handler may finish its work
		return n, err
	case b.closed.Load():
		err = errBodyClosed
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.ErrClosedPipe):
		err = io.ErrUnexpectedEOF
	}
	b.call.end()
	return n, err
}

// Close cuts the connection unless the body was read to its end.
func (b *callBody) Close() error {
	b.closed.Store(true)
	if !b.whole.Load() {
		b.call.end()
	}
	return nil
}
