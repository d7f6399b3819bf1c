// SPDX-License-Identifier: MIT

package conformance

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// network sends over a real connection.
type network struct {
	client *http.Client
	origin *origin
	proto  int
}

func openNetwork(t *testing.T, handler http.Handler, http2 bool, o *origin) wire {
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = quiet() // of panics that a case wants
	n := &network{origin: o, proto: 1}
	if http2 {
		n.proto = 2
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	t.Cleanup(n.renew)
	n.client = s.Client() // which reaches the server as example.com
	n.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	n.client.Transport.(*http.Transport).DisableCompression = true
	return n
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func (*network) misuse() []string { return nil }

func (n *network) renew() { n.client.CloseIdleConnections() }

// calm is how long nothing must happen for a network to be settled.
const calm = 50 * time.Millisecond

func (n *network) settle(calls func() int, atLeast int) {
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) {
		before := calls()
		time.Sleep(calm)
		if n.origin.busy.Load() == 0 && calls() == before && before >= atLeast {
			return
		}
	}
}

func (n *network) send(ctx context.Context, r Request, b blanks) (g got) {
	trace, early := traceEarly()
	ctx = httptrace.WithClientTrace(ctx, trace)
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method(), b.base+r.target(), body)
	if err != nil {
		return got{aborted: true, err: err}
	}
	req.Host = r.Host
	b.set(req.Header, r.Header)
	defer func() {
		g.early = early()
		g.hung = errors.Is(g.err, context.DeadlineExceeded)
		g.aborted = g.err != nil && !g.hung
	}()
	res, err := n.client.Do(req)
	if err != nil {
		return got{err: err}
	}
	defer res.Body.Close()
	if res.ProtoMajor != n.proto {
		return got{err: errors.New("the answer came over " + res.Proto)}
	}
	g = got{status: res.StatusCode, header: res.Header}
	g.body, g.err = io.ReadAll(res.Body)
	g.trailer = res.Trailer
	return g
}

// traceEarly collects 1xx responses.
func traceEarly() (*httptrace.ClientTrace, func() []interim) {
	var mu sync.Mutex
	var list []interim
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, interim{status, http.Header(header)})
		return nil
	}}
	return trace, func() []interim {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}
