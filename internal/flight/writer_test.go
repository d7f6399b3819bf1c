// SPDX-License-Identifier: MIT

package flight_test

import (
	"errors"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// What a flight makes of a handler's calls is compared with what net/http sends.
func TestWriterLikeNetHTTP(t *testing.T) {
	page := "<!DOCTYPE html><title>x</title>" + strings.Repeat("x", 600)
	pieces := func(lens ...int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			rest := page
			for _, n := range lens {
				_, _ = io.WriteString(w, rest[:n])
				rest = rest[n:]
			}
			_, _ = io.WriteString(w, rest)
		}
	}
	for name, h := range map[string]func(w http.ResponseWriter){
		"nothing":              func(http.ResponseWriter) {},
		"status only":          func(w http.ResponseWriter) { w.WriteHeader(404) },
		"first status counts":  func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(200) },
		"sniffed":              pieces(),
		"sniffed over writes":  pieces(1, 3, 7),
		"empty write first":    pieces(0, 5),
		"large first write":    pieces(600),
		"short":                func(w http.ResponseWriter) { _, _ = io.WriteString(w, "\n"); _, _ = io.WriteString(w, "<html>") },
		"flushed before":       func(w http.ResponseWriter) { w.(http.Flusher).Flush(); pieces()(w) },
		"flushed between":      func(w http.ResponseWriter) { _, _ = io.WriteString(w, "\n"); w.(http.Flusher).Flush(); pieces()(w) },
		"typed":                func(w http.ResponseWriter) { w.Header().Set("Content-Type", "a/b"); pieces(3)(w) },
		"not typed on purpose": func(w http.ResponseWriter) { w.Header()["Content-Type"] = nil; pieces(3)(w) },
		"encoded":              func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "br"); pieces(3)(w) },
		"no content":           func(w http.ResponseWriter) { w.WriteHeader(204); pieces(3)(w) },
		"header set too late": func(w http.ResponseWriter) {
			w.Header().Set("X-A", "1")
			w.Header().Add("X-B", "1")
			w.WriteHeader(201)
			w.Header().Set("X-A", "2")
			w.Header()["X-B"][0] = "2"
			w.Header().Set("X-C", "2")
			_, _ = io.WriteString(w, "b")
		},
		"length agrees":      func(w http.ResponseWriter) { w.Header().Set("Content-Length", "5"); _, _ = io.WriteString(w, "12345") },
		"length is nonsense": func(w http.ResponseWriter) { w.Header().Set("Content-Length", "x"); _, _ = io.WriteString(w, "12345") },
	} {
		t.Run(name, func(t *testing.T) {
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { h(w) })
			server := httptest.NewUnstartedServer(handler)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			want, err := server.Client().Get(server.URL)
			require.NoError(t, err)
			defer want.Body.Close()
			body, err := io.ReadAll(want.Body)
			require.NoError(t, err)

			g := newRig(t)
			_, r := g.start(flight.Config{}, handler.ServeHTTP)
			defer r.Leave()
			got, state, _ := readAll(r, 0)
			require.Equal(t, flight.Complete, state.Phase)
			require.Equal(t, want.StatusCode, state.Status)
			require.Equal(t, string(body), string(got))
			for _, field := range []string{"Content-Type", "X-A", "X-B", "X-C"} {
				require.Equal(t, want.Header.Get(field), state.Header.Get(field), field)
			}
			if given := state.Header.Get("Content-Length"); given != "" {
				require.Equal(t, want.Header.Get("Content-Length"), given)
			}
		})
	}
}

func TestContentLength(t *testing.T) {
	for name, c := range map[string]struct {
		writes []string
		errs   []error
		phase  flight.Phase
		body   string
		keep   bool // what may be stored
	}{
		"agrees":              {[]string{"12", "345"}, []error{nil, nil}, flight.Complete, "12345", true},
		"too little":          {[]string{"12"}, []error{nil}, flight.Failed, "12", false},
		"nothing":             {nil, nil, flight.Failed, "", false},
		"too much at once":    {[]string{"123456"}, []error{http.ErrContentLength}, flight.Failed, "", false},
		"too much in the end": {[]string{"12345", "6"}, []error{nil, http.ErrContentLength}, flight.Complete, "12345", false},
		"over the end":        {[]string{"123", "456"}, []error{nil, http.ErrContentLength}, flight.Failed, "123", false},
	} {
		for _, typed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				g := newRig(t)
				var errs []error
				f, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", "5")
					if typed {
						w.Header().Set("Content-Type", "text/plain")
					}
					for _, s := range c.writes {
						_, err := io.WriteString(w, s)
						errs = append(errs, err)
					}
				})
				<-f.Returned()
				require.Equal(t, c.errs, errs)
				got, state, _ := readAll(r, 0)
				require.Equal(t, c.phase, state.Phase)
				require.EqualValues(t, len(c.body), state.Buffered)
				r.Leave()
				if c.phase == flight.Failed {
					require.Equal(t, flight.Truncated, state.Failure.Cause)
					require.Zero(t, g.commits.Load())
					return
				}
				require.Equal(t, c.body, string(got))
				require.Equal(t, c.keep, g.result.Load().Keep)
				require.Equal(t, c.keep, g.result.Load().Body != nil)
			})
		}
	}
}

func TestNoBody(t *testing.T) {
	for name, c := range map[string]struct {
		head   bool
		status int
		err    error
	}{
		"HEAD":         {true, 200, nil},
		"no content":   {false, 204, http.ErrBodyNotAllowed},
		"not modified": {false, 304, http.ErrBodyNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			var empty, err error
			_, r := g.start(flight.Config{Head: c.head}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "9")
				w.WriteHeader(c.status)
				_, empty = w.Write(nil)
				_, err = io.WriteString(w, "<html>")
			})
			defer r.Leave()
			body, state, _ := readAll(r, 0)
			require.Equal(t, flight.Complete, state.Phase, "the length is that of another response")
			require.Empty(t, body)
			require.ErrorIs(t, err, c.err)
			require.NoError(t, empty, "as in net/http")
			require.Equal(t, "9", state.Header.Get("Content-Length"))
			require.Equal(t, c.head, state.Header.Get("Content-Type") == "text/html; charset=utf-8")
			require.Empty(t, g.result.Load().Body)
		})
	}
}

func TestTrailers(t *testing.T) {
	g := newRig(t)
	_, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Trailer", "x-sum, X-Absent")
		w.Header().Add("Trailer", "X-Other,")
		_, _ = io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "1")
		w.Header()["X-Other"] = []string{"a", "b"}
		w.Header().Set("X-Undeclared", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	})
	defer r.Leave()
	state, _ := r.Wait(nil, untilHeader)
	require.NotContains(t, state.Header, "X-Sum")
	state, _ = r.Wait(nil, untilEnd)
	require.Equal(t, http.Header{
		"X-Sum": {"1"}, "X-Other": {"a", "b"}, http.TrailerPrefix + "X-Late": {"2"},
	}, state.Trailer)
	require.NotContains(t, state.Header, "X-Sum", "the header is that of WriteHeader")
}

func TestNoTrailers(t *testing.T) {
	g := newRig(t)
	_, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = write(w, 1) })
	defer r.Leave()
	state, _ := r.Wait(nil, untilEnd)
	require.Nil(t, state.Trailer)
}

func TestInterims(t *testing.T) {
	g := newRig(t)
	f, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(103)
		w.Header().Set("Link", "</b>")
		w.WriteHeader(103)
		clear(w.Header())
		w.WriteHeader(201)
		w.WriteHeader(103) // too late
	})
	<-f.Returned()
	list := r.Interims()
	require.Len(t, list, 2)
	require.Equal(t, flight.Interim{Status: 103, Header: http.Header{"Link": {"</a>"}}}, list[0])
	require.Equal(t, "</b>", list[1].Header.Get("Link"))
	require.Empty(t, r.Interims())
	state := f.State()
	require.Equal(t, 201, state.Status)
	require.NotContains(t, state.Header, "Link")
	require.Equal(t, 2, state.Interims)
	r.Leave()
}

func TestInterimsAreBounded(t *testing.T) {
	g := newRig(t)
	f, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			w.WriteHeader(100)
		}
	})
	<-f.Returned()
	require.LessOrEqual(t, len(r.Interims()), 64)
	r.Leave()
}

func TestInvalidStatus(t *testing.T) {
	for _, status := range []int{0, 99, 1000, -1} {
		g := newRig(t)
		_, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		state, _ := r.Wait(nil, untilEnd)
		require.Equal(t, flight.Panicked, state.Failure.Cause)
		r.Leave()
	}
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		step := make(chan struct{})
		f, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "short")
			<-step
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, " more")
			<-step
			_ = http.NewResponseController(w).Flush()
			_ = http.NewResponseController(w).Flush()
			<-step
		})
		synctest.Wait()
		require.Equal(t, flight.Waiting, f.State().Phase, "net/http holds the first bytes too")
		step <- struct{}{}
		synctest.Wait() // the first bytes are there before the flush is noted
		p, state, _ := r.Next(0)
		require.Equal(t, "short", string(p[:5]))
		require.EqualValues(t, 5, state.Flushed)
		require.False(t, r.Due(state, 0))
		r.Advance(5)
		require.True(t, r.Due(state, 0))
		flushes := state.Flushes
		p, _, _ = r.Next(flushes)
		require.Equal(t, " more", string(p))
		r.Advance(len(p))
		step <- struct{}{}
		p, state, end := r.Next(flushes)
		require.Empty(t, p, "a flush without new bytes is told too")
		require.Equal(t, flight.Ready, end)
		require.Equal(t, flight.Header, state.Phase)
		require.True(t, r.Due(state, flushes))
		step <- struct{}{}
		_, state, _ = r.Next(math.MaxInt)
		require.Equal(t, flight.Complete, state.Phase)
		r.Leave()
	})
}

func TestFlushSendsTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, r := g.start(flight.Config{}, func(w http.ResponseWriter, req *http.Request) {
			w.(http.Flusher).Flush()
			<-req.Context().Done()
			if !errors.Is(http.NewResponseController(w).Flush(), flight.ErrEnded) {
				t.Error("a flush after the end must fail")
			}
		})
		state, _ := r.Wait(nil, untilHeader)
		require.Equal(t, 200, state.Status)
		require.NotContains(t, state.Header, "Content-Type")
		f.Cancel()
		<-f.Returned()
		r.Leave()
	})
}

// A goroutine that the handler left behind can neither harm nor add anything.
func TestWriteAfterReturn(t *testing.T) {
	g := newRig(t)
	var w http.ResponseWriter
	f, r := g.start(flight.Config{}, func(rw http.ResponseWriter, _ *http.Request) {
		w = rw
		_, _ = io.WriteString(w, "body")
	})
	<-f.Returned()
	_, err := w.Write([]byte("more"))
	require.ErrorIs(t, err, flight.ErrEnded)
	require.ErrorIs(t, http.NewResponseController(w).Flush(), flight.ErrEnded)
	w.WriteHeader(500)
	body, state, _ := readAll(r, 0)
	require.Equal(t, "body", string(body))
	require.Equal(t, 200, state.Status)
	r.Leave()
	_, err = w.Write(make([]byte, 4096))
	require.ErrorIs(t, err, flight.ErrEnded)
	require.Eventually(t, func() bool { return g.group.Running() == 0 }, 10*time.Second, time.Millisecond)
	g.whole()
}

func TestConcurrentWriters(t *testing.T) {
	g := newRig(t)
	f, r := g.start(flight.Config{Limit: 8 << 20}, func(w http.ResponseWriter, _ *http.Request) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				line := strings.Repeat(string(rune('a'+i)), 99) + "\n"
				for range 100 {
					_, _ = io.WriteString(w, line)
					w.(http.Flusher).Flush()
				}
			})
		}
		go func() { // is still at it when the handler returns
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("z", 99)+"\n")
			}
		}()
		wg.Wait()
	})
	body, state, _ := readAll(r, 0)
	require.Equal(t, flight.Complete, state.Phase)
	<-f.Returned()
	r.Leave()
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	require.GreaterOrEqual(t, len(lines), 800)
	for _, line := range lines {
		require.Equal(t, strings.Repeat(line[:1], 99), line)
	}
}

func TestSharedBufferOfHandler(t *testing.T) {
	g := newRig(t)
	_, r := g.start(flight.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		p := make([]byte, 1000)
		for i := range 10 {
			for j := range p {
				p[j] = byte('0' + i)
			}
			_, _ = w.Write(p)
		}
	})
	defer r.Leave()
	body, _, _ := readAll(r, 0)
	require.Len(t, body, 10_000)
	for i := range body {
		require.Equal(t, byte('0'+i/1000), body[i])
	}
	require.Equal(t, body, g.result.Load().Body)
	require.Equal(t, len(g.result.Load().Body), cap(g.result.Load().Body))
}
