// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// origin is a handler whose answer a test can change, and that counts its calls.
type origin struct {
	calls atomic.Int64
	now   atomic.Pointer[http.HandlerFunc]
}

func newOrigin(f http.HandlerFunc) *origin {
	o := &origin{}
	o.set(f)
	return o
}

func (o *origin) set(f http.HandlerFunc) { o.now.Store(&f) }

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.calls.Add(1)
	(*o.now.Load())(w, r)
}

// answer makes a handler of a status, a body and pairs of fields.
func answer(status int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		setFields(w.Header(), fields)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func setFields(h http.Header, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
}

func fieldsOf(pairs []string) http.Header {
	h := http.Header{}
	setFields(h, pairs)
	return h
}

// ask sends a request with pairs of fields to a handler, without a network. Over TLS
// where the URL says https, and with the whole URL as the request target where it
// begins with "absolute ".
func ask(h http.Handler, method, url string, fields ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(method, url, fields...))
	return w
}

// request makes a request as net/http's server does.
func request(method, url string, fields ...string) *http.Request {
	url, absolute := strings.CutPrefix(url, "absolute ")
	r := httptest.NewRequest(method, url, nil)
	setFields(r.Header, fields)
	if !absolute {
		r.RequestURI = r.URL.RequestURI()
	}
	return r
}

const page1 = "http://example.com/page"

// get asks for page1.
func get(h http.Handler, fields ...string) *httptest.ResponseRecorder {
	return ask(h, "GET", page1, fields...)
}

// recovered calls f and returns what it panicked with.
func recovered(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// events collects what the hook is told.
type events struct {
	mu   sync.Mutex
	list []holdover.Event
}

func (e *events) add(ev holdover.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

func (e *events) of(kind holdover.EventKind) (found []holdover.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.list {
		if ev.Kind == kind {
			found = append(found, ev)
		}
	}
	return found
}

// server serves h over HTTP/1 or, with TLS, HTTP/2.
func server(t *testing.T, h http.Handler, proto int) (*httptest.Server, *http.Client) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet()
	if proto == 2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	client := s.Client()
	client.Timeout = 10 * time.Second
	tr := client.Transport.(*http.Transport)
	tr.DisableCompression = true
	if proto == 2 {
		tr.TLSClientConfig.NextProtos = []string{"h2"}
	}
	t.Cleanup(tr.CloseIdleConnections)
	return s, client
}

// quiet swallows what a server logs about panics that a test wants.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// overBoth runs a test over HTTP/1 and HTTP/2.
func overBoth(t *testing.T, f func(t *testing.T, proto int)) {
	t.Helper()
	t.Run("HTTP/1", func(t *testing.T) { f(t, 1) })
	t.Run("HTTP/2", func(t *testing.T) { f(t, 2) })
}

// fetched is an answer over a network, with the error that broke its body off.
type fetched struct {
	*http.Response
	body string
	err  error // of the body
}

// over asks a server and reads the whole answer. failed is an error before the header.
func over(t *testing.T, c *http.Client, method, url string, fields ...string) (f fetched, failed error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	setFields(req.Header, fields)
	res, err := c.Do(req)
	if err != nil {
		return fetched{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return fetched{Response: res, body: string(body), err: err}, nil
}

// after fails the test if c isn't closed in time.
func after(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(5 * time.Second):
		require.FailNow(t, "never happened: "+what)
	}
}
