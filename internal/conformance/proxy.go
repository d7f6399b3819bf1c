// SPDX-License-Identifier: MIT

package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"testing"
)

// callKey is the context key under which a call travels through the reverse proxy,
// up to its transport; to the origin it goes by number, in this field.
type callKey struct{}

const callField = "Conformance-Call"

// newReverseProxy puts a real server in front of the origin and a reverse proxy in
// front of that. A call counts where the cache hands it over; what it carries is what
// reaches the server, if it does.
func newReverseProxy(t *testing.T, o *origin) http.Handler {
	s := httptest.NewUnstartedServer(http.HandlerFunc(o.serveBehind))
	s.Config.ErrorLog = quiet()
	s.Start()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.Close()
	})
	address, _ := url.Parse(s.URL)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(address)
			p.Out.Host = p.In.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery
		},
		Transport:     &faulty{origin: transport},
		FlushInterval: -1,
		ErrorHandler:  o.errorHandler,
		ErrorLog:      quiet(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.busy.Add(1)
		defer o.busy.Add(-1)
		c := o.begin(r)
		r = r.WithContext(context.WithValue(r.Context(), callKey{}, c))
		proxy.ServeHTTP(w, r)
	})
}

// faulty is a transport that doesn't get through where the case says so. It keeps no
// connection from one call to the next, else a request could be sent a second time.
type faulty struct{ origin *http.Transport }

// nobody is a transport whose connections are all refused.
var nobody = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_ = l.Close()
	return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
}}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	c := r.Context().Value(callKey{}).(*call)
	switch c.answer.Fail {
	case Unreachable:
		return nobody.RoundTrip(r)
	case TimesOut:
		return nil, os.ErrDeadlineExceeded
	}
	f.origin.CloseIdleConnections()
	r = r.Clone(r.Context())
	r.Header.Set(callField, fmt.Sprintf("%d %d", c.step, c.n))
	return f.origin.RoundTrip(r)
}

// serveBehind is the origin as a server of its own.
func (o *origin) serveBehind(w http.ResponseWriter, r *http.Request) {
	var step, n int
	if _, err := fmt.Sscanf(r.Header.Get(callField), "%d %d", &step, &n); err != nil {
		panic(err)
	}
	delete(r.Header, callField)
	o.mu.Lock()
	c := o.calls[step-1][n-1]
	c.saw(r)
	o.mu.Unlock()
	if c.answer.Fail == Closes {
		panic(http.ErrAbortHandler)
	}
	o.answer(w, r, c)
}
