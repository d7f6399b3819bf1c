// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"github.com/holdover-go/holdover"
)

// defaultTimeout is the library's, for what bypasses the cache.
const defaultTimeout = 30 * time.Second

// newOrigin returns the handler that asks the origin.
func newOrigin(origin *url.URL, cached []string, transport http.RoundTripper, logger *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:       rewriteFor(origin, cached),
		Transport:     transport,
		FlushInterval: -1, // a cache has no reason to hold an answer up
		// Tells "could not be reached" from the origin's own 502.
		ErrorHandler: holdover.ErrorHandler,
		ErrorLog:     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// rewriteFor addresses requests to the origin under the host name of its URL, as
// one that serves several names expects. The client's Host goes along as
// X-Forwarded-Host. It is part of the cache key, so nobody can make the cache
// store an answer to a Host of his under another one.
func rewriteFor(origin *url.URL, cached []string) func(*httputil.ProxyRequest) {
	return func(p *httputil.ProxyRequest) {
		p.SetURL(origin)
		// As it came: what the cache tells apart is what the origin is asked.
		p.Out.URL.RawQuery = p.In.URL.RawQuery
		p.SetXForwarded()
		keepForwardedProto(p)
		addVia(p)
		removeUnkeyed(p.Out, cached)
	}
}

// keepForwardedProto passes on the scheme that a TLS terminator in front of this
// proxy names. Anyone can claim it, but the cache key holds it too.
func keepForwardedProto(p *httputil.ProxyRequest) {
	proto := p.In.Header["X-Forwarded-Proto"]
	if len(proto) == 1 && (proto[0] == "http" || proto[0] == "https") {
		p.Out.Header["X-Forwarded-Proto"] = proto[:1:1]
	}
}

// addVia names this gateway to the origin, as RFC 9110 §7.6.3 demands. (nginx compresses
// for such requests only with "gzip_proxied any".)
func addVia(p *httputil.ProxyRequest) {
	received := fmt.Sprintf("%d.%d holdover", p.In.ProtoMajor, p.In.ProtoMinor)
	p.Out.Header["Via"] = append(slices.Clone(p.In.Header["Via"]), received)
}

// unkeyed are fields that make many origins answer for another address than the
// request's. They aren't part of the cache key: one client could choose what
// the cache answers all others.
var unkeyed = [...]string{
	"X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Scheme", "X-Forwarded-Server",
	"X-Forwarded-Ssl", "X-Forwarded-Path", "X-Host", "X-Original-Host", "X-Original-Url", "X-Rewrite-Url",
}

// override are fields by which a request becomes another one in many frameworks. What
// is answered from the cache can't be.
var override = [...]string{"X-Http-Method", "X-Http-Method-Override", "X-Method-Override"}

func removeUnkeyed(r *http.Request, cached []string) {
	for _, name := range unkeyed {
		delete(r.Header, name)
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead || slices.Contains(cached, r.Method) {
		for _, name := range override {
			delete(r.Header, name)
		}
	}
}

// newTransport dials the origin directly, whatever HTTP_PROXY says, and leaves
// content codings alone: they are between origin and client.
func newTransport(timeout time.Duration) *http.Transport {
	if timeout == 0 {
		timeout = defaultTimeout
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       55 * time.Second, // most origins hang up after 60 s
		ExpectContinueTimeout: time.Second,
		// The cache bounds its own fetches. This bounds what bypasses it.
		ResponseHeaderTimeout: timeout + time.Second,
	}
}
