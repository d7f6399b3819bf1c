// SPDX-License-Identifier: MIT

package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// origin is the handler behind the cache: it answers as the present step says, and
// keeps what it saw.
type origin struct {
	errorHandler func(http.ResponseWriter, *http.Request, error)
	blanks       blanks
	over         chan struct{} // closed when the case is
	busy         atomic.Int64  // calls that run, but for those that wait for time to pass

	mu     sync.Mutex
	step   *Step
	called chan struct{} // closed at the first call of the step
	calls  [][]*call     // by step
}

// call is one call of the origin.
type call struct {
	step, n int // from 1
	method  string
	host    string
	target  string
	header  http.Header
	body    string
	answer  Answer
}

func newOrigin(target Target, base string) *origin {
	o := &origin{errorHandler: target.ErrorHandler, blanks: blanks{start: time.Now(), base: base}, over: make(chan struct{})}
	if o.errorHandler == nil {
		o.errorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	}
	return o
}

// next begins a step.
func (o *origin) next(s *Step) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.step, o.called = s, make(chan struct{})
	o.calls = append(o.calls, nil)
}

// awaitCall waits for the first call of the step.
func (o *origin) awaitCall(timeout time.Duration) {
	o.mu.Lock()
	called := o.called
	o.mu.Unlock()
	select {
	case <-called:
	case <-time.After(timeout):
	}
}

// seen returns the calls of a step, counted from 1.
func (o *origin) seen(step int) []*call {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []*call
	for _, c := range o.calls[step-1] {
		copied := *c
		list = append(list, &copied)
	}
	return list
}

// ServeHTTP is the origin without a network in between.
func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.busy.Add(1)
	defer o.busy.Add(-1)
	o.answer(w, r, o.begin(r))
}

// begin notes a call.
func (o *origin) begin(r *http.Request) *call {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body)) // for a reverse proxy
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.calls)
	c := &call{step: n, n: len(o.calls[n-1]) + 1, body: string(body)}
	c.saw(r)
	c.answer = o.step.Origin
	if later := o.step.Then; c.n > 1 && len(later) > 0 {
		c.answer = later[min(c.n-2, len(later)-1)]
	}
	o.calls[n-1] = append(o.calls[n-1], c)
	if c.n == 1 {
		close(o.called)
	}
	return c
}

func (c *call) saw(r *http.Request) {
	c.method, c.host, c.target, c.header = r.Method, r.Host, r.URL.RequestURI(), r.Header.Clone()
}

func (c *call) status() int {
	if c.answer.Status == 0 {
		return http.StatusOK
	}
	return c.answer.Status
}

// text is the whole body. HEAD has the length that GET would have.
func (c *call) text() string {
	method := c.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch {
	case c.answer.Empty || !bodyAllowed(c.status()):
		return ""
	case c.answer.Body != "":
		return c.answer.Body
	}
	return fmt.Sprintf("step %d, call %d: %s %s\n", c.step, c.n, method, c.target)
}

func (o *origin) answer(w http.ResponseWriter, r *http.Request, c *call) {
	o.early(w, c.answer.Early)
	if c.answer.Delay > 0 {
		o.wait(r.Context().Done(), time.After(c.answer.Delay))
	}
	if c.answer.After == 0 && o.fail(w, r, c.answer.Fail) {
		return
	}
	if c.answer.Serve != nil {
		c.answer.Serve(w, r)
		return
	}
	o.blanks.set(w.Header(), c.answer.Header)
	if _, given := w.Header()["Content-Type"]; !given {
		w.Header().Set("Content-Type", "text/plain")
	}
	o.send(w, r, c)
}

// early sends 1xx responses in the way of httputil.ReverseProxy.
func (o *origin) early(w http.ResponseWriter, list []Early) {
	for _, e := range list {
		o.blanks.set(w.Header(), e.Header)
		w.WriteHeader(e.Status)
		clear(w.Header())
	}
}

// send writes the header, the body as far as it goes, and the trailers.
func (o *origin) send(w http.ResponseWriter, r *http.Request, c *call) {
	text := c.text()
	trailer := http.Header{}
	o.blanks.set(trailer, c.answer.Trailer)
	for name := range trailer {
		w.Header().Add("Trailer", name)
	}
	if c.answer.Fail == Short {
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(c.status())
	if c.answer.Fail != Nothing { // midway
		writePart(w, text[:min(c.answer.After, len(text))])
		o.fail(w, r, c.answer.Fail)
		return
	}
	if c.answer.Pause > 0 || c.answer.Chunks {
		half := len(text) / 2
		writePart(w, text[:half])
		if c.answer.Pause > 0 {
			o.wait(r.Context().Done(), time.After(c.answer.Pause))
		}
		text = text[half:]
	}
	if text != "" {
		_, _ = io.WriteString(w, text)
	}
	maps.Copy(w.Header(), trailer)
}

func writePart(w http.ResponseWriter, part string) {
	_, _ = io.WriteString(w, part)
	_ = http.NewResponseController(w).Flush()
}

// fail does what goes wrong. False: nothing more does, the answer goes on.
func (o *origin) fail(w http.ResponseWriter, r *http.Request, f Failure) bool {
	switch f {
	case Unreachable:
		o.errorHandler(w, r, errRefused)
	case Closes:
		o.errorHandler(w, r, io.EOF)
	case TimesOut:
		o.errorHandler(w, r, context.DeadlineExceeded)
	case Hangs:
		o.wait(r.Context().Done(), nil)
	case Deaf:
		o.wait(nil, nil)
	case Panics:
		panic(errPanic)
	case Aborts:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

// errPanic is what the origin panics with.
var errPanic = errors.New("the origin panics, as the case wants")

// wait waits for one of both or for the end of the case. It doesn't count as busy.
func (o *origin) wait(done <-chan struct{}, passed <-chan time.Time) {
	o.busy.Add(-1)
	defer o.busy.Add(1)
	select {
	case <-done:
	case <-passed:
	case <-o.over:
	}
}
