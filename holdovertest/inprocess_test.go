// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

// got is what a client got of an answer.
type got struct {
	Status  int
	Header  http.Header // with the Date only as far as there is one
	Length  int64
	Body    string
	Trailer http.Header
	Early   []int // informational responses
	Failed  bool  // no header came
	Broke   error // why the body ended

	failed error
}

// send sends a request and reads the whole answer.
func send(rt http.RoundTripper, req *http.Request) (g got) {
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			g.Early = append(g.Early, code)
			return nil
		},
	}))
	resp, err := rt.RoundTrip(req)
	if err != nil {
		g.Failed, g.failed = true, err
		return g
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	g.Status, g.Header, g.Length, g.Body, g.Trailer, g.Broke = resp.StatusCode, resp.Header, resp.ContentLength, string(body), resp.Trailer, err
	if date := g.Header.Get("Date"); date != "" {
		_, err := http.ParseTime(date)
		g.Header.Set("Date", fmt.Sprint(err))
	}
	return g
}

func request(ctx context.Context, method, url, body string) *http.Request {
	var from io.Reader
	if body != "" {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, from)
	if err != nil {
		panic(err)
	}
	return r
}

func get(url string) *http.Request { return request(context.Background(), "GET", url, "") }

// overConnections serves a handler over real connections and returns the URL and the
// transport of a client.
func overConnections(t *testing.T, h http.Handler) (string, http.RoundTripper) {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // panics that are wanted
	s.Start()
	t.Cleanup(s.Close)
	tr := s.Client().Transport.(*http.Transport)
	tr.DisableCompression = true
	t.Cleanup(tr.CloseIdleConnections)
	return s.URL, tr
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

// flushed sends what was written.
func flushed(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// handlers are those whose answers must be the same in process and over a connection.
var handlers = map[string]http.HandlerFunc{
	"nothing":      func(http.ResponseWriter, *http.Request) {},
	"empty write":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) },
	"text":         text("hello"),
	"html":         text("<html>hello"),
	"long":         text(strings.Repeat("hello ", 100_000)),
	"echo":         func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
	"not found":    http.NotFound,
	"redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"odd status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
	"no content":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"not modified": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	"fields": func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Add("Set-Cookie", "a=1")
		h.Add("Set-Cookie", "b=2")
		h["Date"] = nil
		h.Set("Content-Type", "application/json")
		h.Set("Bad Name", "dropped")
		_, _ = io.WriteString(w, "{}")
		h.Set("Late", "dropped")
	},
	"flushed": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "one ")
		flushed(w)
		_, _ = io.WriteString(w, "two")
	},
	"trailer": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("Sum", "4")
	},
	"early hints": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "page")
	},
	"unread request": text("early"),
	"closes": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "bye")
	},
	"panics":           func(http.ResponseWriter, *http.Request) { panic("boom") },
	"panics at length": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "unsent"); panic("boom") },
	"exits":            func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
	"aborts":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"hijacks": func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		_ = c.Close()
	},
	"bad status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) },
	"panics midway": reading(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		flushed(w)
		panic("boom")
	}),
	"breaks off": reading(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		flushed(w)
		panic(http.ErrAbortHandler)
	}),
	"too short": reading(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}),
	"too long": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		_, err := io.WriteString(w, "four")
		w.Header().Set("X-Error", fmt.Sprint(err))
	},
	"request": func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		_, server := r.Context().Value(http.ServerContextKey).(*http.Server)
		_, local := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintln(w, r.Method, r.RequestURI, r.URL, r.Proto, r.ContentLength, r.TransferEncoding, r.Close, r.TLS, host, err, server, local)
		fmt.Fprintln(w, r.Header, r.Host != "", r.Body == http.NoBody, r.Response, r.Pattern)
	},
}

// reading reads the whole request first: a socket that is closed with unread data sends an
// RST, which may overtake the answer.
func reading(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}
}

// In process a client gets what it gets over a connection.
func TestInProcessIsLikeAConnection(t *testing.T) {
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				url, over := overConnections(t, h)
				body := ""
				if method == "POST" {
					body = strings.Repeat("body ", 100)
				}
				want := send(over, request(t.Context(), method, url+"/a%20b/../c?d=e&f", body))
				in := send(holdovertest.InProcess(h), request(t.Context(), method, url+"/a%20b/../c?d=e&f", body))
				failed := in.failed
				want.failed, in.failed = nil, nil
				require.Equal(t, want, in, method)
				if in.Failed {
					require.ErrorIs(t, failed, syscall.ECONNRESET)
				}
			}
		})
	}
}

func TestInProcessTellsOfPanics(t *testing.T) {
	_, err := holdovertest.InProcess(handlers["panics"]).RoundTrip(get("http://a.example/"))
	require.ErrorContains(t, err, "the handler panicked: boom")
	require.ErrorIs(t, err, syscall.ECONNRESET)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.False(t, timeout.Timeout())
}

// The handler sees nothing of the client's context but its end.
func TestInProcessKeepsValuesApart(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "secret")
	g := send(holdovertest.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Context().Value(key{}), httptrace.ContextClientTrace(r.Context()) == nil)
	})), request(ctx, "GET", "http://a.example/", ""))
	require.Equal(t, "<nil> true", g.Body)
}

func TestInProcessByHTTPS(t *testing.T) {
	resp, err := holdovertest.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.HandshakeComplete)
	})).RoundTrip(get("https://a.example/"))
	require.NoError(t, err)
	require.True(t, resp.TLS.HandshakeComplete)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "true", string(body))
}

// A reverse proxy in front of an origin in process behaves as in front of any other.
func TestInProcessBehindAReverseProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(handlers["early hints"])
		target, err := url.Parse("http://origin.example")
		require.NoError(t, err)
		var failed error
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.Transport = holdovertest.InProcess(o)
		proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) { failed = err; w.WriteHeader(502) }
		proxy.ErrorLog = log.New(io.Discard, "", 0)
		client := holdovertest.InProcess(proxy)
		g := send(client, get("http://a.example/page"))
		require.Equal(t, "page", g.Body)
		require.Equal(t, []int{103, 102}, g.Early)
		require.Equal(t, "a.example", o.Requests()[0].Host)

		o.Behave(holdovertest.Reset())
		require.Equal(t, 502, send(client, get("http://a.example/page")).Status)
		require.ErrorIs(t, failed, syscall.ECONNRESET)
		o.Behave(holdovertest.Truncate(0.5))
		require.ErrorIs(t, send(client, get("http://a.example/page")).failed, syscall.ECONNRESET, "half of a short page was still in a buffer")
	})
}

func BenchmarkInProcess(b *testing.B) {
	rt := holdovertest.InProcess(text("page"))
	for b.Loop() {
		resp, err := rt.RoundTrip(get("http://a.example/"))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

func TestInProcessContinues(t *testing.T) {
	continued := false
	r := request(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got100Continue: func() { continued = true },
	}), "POST", "http://a.example/", "body")
	r.Header.Set("Expect", "100-continue")
	resp, err := holdovertest.InProcess(handlers["echo"]).RoundTrip(r)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(body))
	require.True(t, continued)
}
