// SPDX-License-Identifier: MIT

package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type direct struct {
	handler http.Handler
	mu      sync.Mutex
	misuses []string
}

func openDirect(t *testing.T, target Target, o *origin) wire {
	handler := target.New(t, o)
	t.Cleanup(func() { close(o.over) }) // before the cache is closed
	return &direct{handler: handler}
}

func (*direct) renew() {}

func (*direct) settle(func() int, int) { synctest.Wait() }

func (d *direct) send(ctx context.Context, r Request, b blanks) got {
	ctx, cancel := context.WithCancel(ctx)
	req := httptest.NewRequestWithContext(ctx, r.method(), Direct.base()+r.target(), strings.NewReader(r.Body))
	if r.Body == "" {
		req.Body = http.NoBody
	}
	if r.Host != "" {
		req.Host = r.Host
	}
	req.RequestURI = r.target() // as over a connection
	b.set(req.Header, r.Header)
	w := newRecorder(r.method(), d.misused)
	ended := make(chan got, 1)
	go func() {
		defer cancel() // as the server does
		g := serve(d.handler, w, req)
		if ctx.Err() != nil { // it ended because the client had
			g = got{hung: true, err: context.Cause(ctx)}
		}
		ended <- g
	}()
	select {
	case g := <-ended:
		return g
	case <-ctx.Done():
		select {
		case g := <-ended: // whose end has cancelled the context
			return g
		default:
		}
	}
	// The client is gone. The handler may still need a moment to notice.
	select {
	case <-ended:
	case <-time.After(time.Minute):
	}
	return got{hung: true, err: context.Cause(ctx)}
}

func (d *direct) misused(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.misuses = append(d.misuses, what)
}

func (d *direct) misuse() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.misuses)
}

// serve calls the handler and catches its panic, as the server does.
func serve(h http.Handler, w *recorder, r *http.Request) (g got) {
	returned := false
	defer func() {
		value := recover()
		g = w.end(!returned)
		if value != nil {
			g.err = fmt.Errorf("panic: %v", value)
		}
	}()
	h.ServeHTTP(w, r)
	returned = true
	return g
}
