// SPDX-License-Identifier: MIT

package holdover_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func TestHTTPUpgradeIsPassedThrough(t *testing.T) {
	h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}))
	s, _ := server(t, h, 1)
	for range 2 {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
		_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		in := bufio.NewReader(conn)
		res, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
		require.Empty(t, res.Header["Cache-Status"])
		_, _ = io.WriteString(conn, "hello\n")
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "echo hello\n", line)
	}
}

// Upgrade counts only where Connection names it (RFC 9110 §7.8), and the offer of HTTP/2
// not at all: such requests are answered from the cache like others.
func TestHTTPUpgradesThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		fields []string
		passed bool
	}{
		"offer of HTTP/2":   {[]string{"Upgrade", "h2c", "Connection", "Upgrade, HTTP2-Settings", "Http2-Settings", "AAMAAABkAAQAAP__"}, false},
		"not in Connection": {[]string{"Upgrade", "websocket"}, false},
		"other Connection":  {[]string{"Upgrade", "websocket", "Connection", "keep-alive"}, false},
		"websocket":         {[]string{"Upgrade", "websocket", "Connection", "Upgrade"}, true},
		"in a list":         {[]string{"Upgrade", "h2c, websocket", "Connection", "keep-alive, upgrade"}, true},
		"two lines":         {[]string{"Upgrade", "h2c", "Upgrade", "websocket", "Connection", "x", "Connection", "upgrade"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(answer(200, "x", "Cache-Control", "max-age=60"))
			h := newCache(t, holdover.Config{}).Handler(o)
			get(h)
			status := get(h, tt.fields...).Header()["Cache-Status"]
			if tt.passed {
				require.Empty(t, status)
				require.EqualValues(t, 2, o.calls.Load())
				return
			}
			require.Len(t, status, 1)
			require.Contains(t, status[0], "; hit")
		})
	}
}

// An event stream reaches its client at once, and its handler ends with the client,
// whether the client said that it wants one or not.
func TestHTTPEventStream(t *testing.T) {
	for name, fields := range map[string][]string{
		"asked for": {"Accept", "text/event-stream"}, "in a list": {"Accept", "text/html, Text/Event-Stream;q=0.5"}, "unasked": nil,
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				ended := make(chan struct{})
				next := make(chan int)
				h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(ended)
					w.Header().Set("Content-Type", "text/event-stream")
					for {
						select {
						case <-r.Context().Done():
							return
						case n := <-next:
							_, _ = fmt.Fprintf(w, "data: %d\n\n", n)
							time.Sleep(10 * time.Millisecond) // whoever copies has done so
							w.(http.Flusher).Flush()
						}
					}
				}))
				s, client := server(t, h, proto)
				req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
				require.NoError(t, err)
				setFields(req.Header, fields)
				go func() { next <- 0 }()
				res, err := client.Do(req)
				require.NoError(t, err)
				in := bufio.NewReader(res.Body)
				for n := range 3 {
					line, err := in.ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, fmt.Sprintf("data: %d\n", n), line)
					_, _ = in.ReadString('\n')
					if n < 2 {
						next <- n + 1
					}
				}
				res.Body.Close()
				after(t, ended, "the handler's end")
			})
		})
	}
}

func TestHTTPInterimResponses(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.Header().Set("X-Interim", "yes")
			w.WriteHeader(http.StatusEarlyHints)
			clear(w.Header())
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, "hello")
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		s, client := server(t, h, proto)
		for i := range 2 {
			var interims []string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				require.Empty(t, h["Cache-Status"])
				interims = append(interims, fmt.Sprint(code, h.Get("Link")))
				return nil
			}}
			req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", s.URL, nil)
			require.NoError(t, err)
			res, err := client.Do(req)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			res.Body.Close()
			require.Equal(t, "hello", string(body))
			require.Empty(t, res.Header["X-Interim"])
			require.Empty(t, res.Header["Link"])
			if i == 0 {
				require.Equal(t, []string{"103</style.css>; rel=preload"}, interims)
			} else {
				require.Empty(t, interims, "not stored")
			}
		}
		require.EqualValues(t, 1, o.calls.Load())
	})
}

func TestHTTPTrailers(t *testing.T) {
	for name, pause := range map[string]time.Duration{"complete at once": 0, "slow": 30 * time.Millisecond} {
		for _, cacheControl := range []string{"max-age=60", "no-store"} {
			t.Run(name+" "+cacheControl, func(t *testing.T) {
				overBoth(t, func(t *testing.T, proto int) {
					h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Cache-Control", cacheControl)
						w.Header().Set("Trailer", "X-Sum")
						_, _ = io.WriteString(w, "hello")
						if pause > 0 {
							w.(http.Flusher).Flush()
							time.Sleep(pause)
						}
						w.Header().Set("X-Sum", "5d41")
						w.Header().Set(http.TrailerPrefix+"X-More", "1")
					}))
					s, client := server(t, h, proto)
					res, err := over(t, client, "GET", s.URL)
					require.NoError(t, err)
					require.Equal(t, "hello", res.body)
					require.Equal(t, "5d41", res.Trailer.Get("X-Sum"))
					require.Equal(t, "1", res.Trailer.Get("X-More"))
					res, err = over(t, client, "GET", s.URL)
					require.NoError(t, err)
					require.Equal(t, "hello", res.body)
					require.Empty(t, res.Header["X-Sum"], "not stored as a field")
				})
			})
		}
	}
}

// What was written becomes visible with Flush, also if that comes later.
func TestHTTPFlushAfterWrite(t *testing.T) {
	for _, cacheControl := range []string{"max-age=60", "no-store"} {
		t.Run(cacheControl, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				seen := make(chan struct{})
				h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", cacheControl)
					for range 3 {
						_, _ = io.WriteString(w, "part\n")
						time.Sleep(20 * time.Millisecond)
						if err := http.NewResponseController(w).Flush(); err != nil {
							return
						}
						select {
						case <-seen:
						case <-time.After(3 * time.Second):
							return
						}
					}
					_, _ = io.WriteString(w, "end\n")
				}))
				s, client := server(t, h, proto)
				res, err := client.Get(s.URL)
				require.NoError(t, err)
				defer res.Body.Close()
				in := bufio.NewReader(res.Body)
				for range 3 {
					line, err := in.ReadString('\n')
					require.NoError(t, err)
					require.Equal(t, "part\n", line)
					select {
					case seen <- struct{}{}:
					case <-time.After(2 * time.Second):
						require.FailNow(t, "the flush was not passed on")
					}
				}
				rest, err := io.ReadAll(in)
				require.NoError(t, err)
				require.Equal(t, "end\n", string(rest))
			})
		})
	}
}

// A bare header that was flushed goes out too.
func TestHTTPFlushOfHeaderAlone(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		go1 := make(chan struct{})
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.(http.Flusher).Flush()
			<-go1
			_, _ = io.WriteString(w, "hello")
		}))
		s, client := server(t, h, proto)
		res, err := client.Get(s.URL)
		require.NoError(t, err)
		close(go1)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, "hello", string(body))
	})
}

func TestHTTPResponseController(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		var flush, read, write, duplex, hijack error
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			rc := http.NewResponseController(w)
			read, write = rc.SetReadDeadline(time.Now()), rc.SetWriteDeadline(time.Now())
			duplex = rc.EnableFullDuplex()
			_, _, hijack = rc.Hijack()
			_, _ = io.WriteString(w, "hello")
			flush = rc.Flush()
		}))
		s, client := server(t, h, proto)
		res, err := over(t, client, "GET", s.URL)
		require.NoError(t, err)
		require.Equal(t, "hello", res.body)
		require.NoError(t, flush)
		for _, err := range []error{read, write, duplex, hijack} {
			require.ErrorIs(t, err, http.ErrNotSupported)
		}
	})
}

func TestHTTPBodyBeyondMaxBody(t *testing.T) {
	const maxBody = 64 << 10
	big := strings.Repeat("0123456789abcdef", 40<<10) // 640 KiB
	for name, length := range map[string]bool{"announced": true, "chunked": false} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto int) {
				o := newOrigin(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", "max-age=60")
					if length {
						w.Header().Set("Content-Length", fmt.Sprint(len(big)))
					}
					_, _ = io.WriteString(w, big)
				})
				c := newCache(t, holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: maxBody}}})
				s, client := server(t, c.Handler(o), proto)
				for range 3 {
					res, err := over(t, client, "GET", s.URL)
					require.NoError(t, err)
					require.NoError(t, res.err)
					require.True(t, res.body == big, "whole")
				}
				require.EqualValues(t, 3, o.calls.Load())
				require.Zero(t, c.Stats().Stored)
				require.EqualValues(t, 1, c.Stats().Fetches, "learned: later ones go straight through")
			})
		})
	}
}

// Net/http's own rules for what a handler leaves out hold in a fetch as well.
func TestHTTPStoredAsSent(t *testing.T) {
	tests := map[string]struct {
		h    http.HandlerFunc
		want map[string]string
	}{
		"sniffed": {answer(200, "<html><body>x"), map[string]string{"Content-Type": "text/html; charset=utf-8", "Content-Length": "13"}},
		"typed":   {answer(200, "<html>", "Content-Type", "text/plain"), map[string]string{"Content-Type": "text/plain"}},
		"encoded": {answer(200, "\x1f\x8b", "Content-Encoding", "gzip"), map[string]string{"Content-Type": ""}},
		"no body": {answer(200, ""), map[string]string{"Content-Length": "0"}},
		"204":     {answer(204, "", "Etag", `"1"`), map[string]string{"Content-Type": "", "Content-Length": ""}},
		"set after the bytes": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.Header().Set("X-Late", "1")
		}, map[string]string{"X-Late": ""}},
		"hop by hop": {answer(200, "x", "Connection", "X-Hop", "X-Hop", "1", "Keep-Alive", "timeout=5", "Proxy-Authenticate", "Basic"), map[string]string{"X-Hop": "", "Keep-Alive": "", "Proxy-Authenticate": ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				tt.h(w, r)
			})
			s, client := server(t, newCache(t, holdover.Config{}).Handler(o), 1)
			_, err := over(t, client, "GET", s.URL)
			require.NoError(t, err)
			res, err := over(t, client, "GET", s.URL)
			require.NoError(t, err)
			require.Contains(t, res.Header.Get("Cache-Status"), "hit")
			for field, want := range tt.want {
				require.Equal(t, want, res.Header.Get(field), field)
			}
		})
	}
}

// RFC 9110 §9.3.1: a GET with content is the handler's affair.
func TestHTTPGetWithContentPasses(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		answer(200, "got "+string(b), "Cache-Control", "max-age=60")(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for i := range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", page1, strings.NewReader("x")))
		require.Equal(t, "got x", w.Body.String())
		require.Contains(t, w.Header().Get("Cache-Status"), "fwd=bypass")
		require.EqualValues(t, i+1, o.calls.Load())
	}
	require.Equal(t, "got ", get(h).Body.String())
}

// RFC 9110 §6.5: trailers come through, declared or not, also where the response is stored.
func TestHTTPTrailersOfStoredResponses(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		for _, declared := range []bool{true, false} {
			h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				name := http.TrailerPrefix + "X-Sum"
				if declared {
					name = "X-Sum"
					w.Header().Set("Trailer", name)
				}
				_, _ = io.WriteString(w, "body")
				_ = http.NewResponseController(w).Flush()
				w.Header().Set(name, "1")
			}))
			s, client := server(t, h, proto)
			res, err := over(t, client, "GET", s.URL)
			require.NoError(t, err)
			require.Equal(t, "body", res.body)
			require.Equal(t, []string{"1"}, res.Trailer["X-Sum"], "declared: %v", declared)
		}
	})
}

// Variants that are stale when they come, but can be validated, are all stored.
func TestHTTPStaleOnArrivalVariants(t *testing.T) {
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		answer(200, r.Header.Get("X-A"), "Cache-Control", "max-age=10", "Age", "10", "Vary", "X-A", "Etag", `"`+r.Header.Get("X-A")+`"`)(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for range 2 {
		for _, v := range []string{"1", "2", "3"} {
			w := get(h, "X-A", v)
			require.Equal(t, v, w.Body.String())
			require.Contains(t, w.Header().Get("Cache-Status"), "stored")
		}
	}
}
