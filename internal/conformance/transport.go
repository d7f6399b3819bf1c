// SPDX-License-Identifier: MIT

package conformance

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// Transport is a way between client, cache and origin.
type Transport string

// The transports.
const (
	// Direct calls the handler with a recorder inside a synctest bubble, where time
	// costs nothing.
	Direct Transport = "direct"
	// HTTP1 is a real server and client over TCP.
	HTTP1 Transport = "http1"
	// HTTP2 is the same over TLS.
	HTTP2 Transport = "http2"
	// Proxy is HTTP1 with httputil.ReverseProxy as handler and a real origin behind
	// it, so that failures of the origin are real.
	Proxy Transport = "proxy"
)

// Transports are all of them.
var Transports = [...]Transport{Direct, HTTP1, HTTP2, Proxy}

// wire is an opened transport.
type wire interface {
	// send sends a request and waits for the end of the answer.
	send(ctx context.Context, r Request, b blanks) got
	// renew makes the next requests use new connections, so that no client and no
	// reverse proxy repeats one because its old connection was closed.
	renew()
	// settle waits until all has happened that isn't waiting for time to pass,
	// and at least so many calls of the origin, if they come at all.
	settle(calls func() int, atLeast int)
	// misuse is what the cache did that no handler may do.
	misuse() []string
}

// got is what a client saw of an answer.
type got struct {
	status  int
	header  http.Header
	early   []interim
	body    []byte
	trailer http.Header
	aborted bool  // broken off, before or after the header
	hung    bool  // no end of it in all the time that a client has
	err     error // of the transport, for the transcript
}

type interim struct {
	status int
	header http.Header
}

// base is what every URL begins with.
func (tr Transport) base() string {
	if tr == HTTP2 {
		return "https://example.com"
	}
	return "http://example.com"
}

// patience is how long a client waits: longer than any timeout of a cache where time
// is free.
func (tr Transport) patience() time.Duration {
	if tr == Direct {
		return 5 * time.Minute
	}
	return 20 * time.Second
}

func (tr Transport) open(t *testing.T, target Target, o *origin) wire {
	switch tr {
	case Direct:
		return openDirect(t, target, o)
	case HTTP1, HTTP2:
		handler := target.New(t, o)
		t.Cleanup(func() { close(o.over) }) // before the cache is closed
		return openNetwork(t, handler, tr == HTTP2, o)
	default:
		handler := target.New(t, newReverseProxy(t, o))
		t.Cleanup(func() { close(o.over) })
		return openNetwork(t, handler, false, o)
	}
}

// method and path of a request, with their defaults.
func (r Request) method() string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

func (r Request) target() string {
	if r.Target == "" {
		return "/"
	}
	return r.Target
}
