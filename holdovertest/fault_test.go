// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

const long = "0123456789"

// works is a handler with a field, a page and an informational response.
var works = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	w.WriteHeader(http.StatusEarlyHints)
	w.WriteHeader(http.StatusCreated)
	w.Header().Set("Late", "doesn't count")
	_, _ = io.WriteString(w, long[:3])
	flushed(w)
	_, _ = io.WriteString(w, long[3:])
})

// everywhere runs a test on the virtual clock in process and over real connections.
func everywhere(t *testing.T, test func(t *testing.T, serve func(http.Handler) (url string, rt http.RoundTripper))) {
	t.Helper()
	t.Run("in process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			test(t, func(h http.Handler) (string, http.RoundTripper) { return "http://a.example", holdovertest.InProcess(h) })
		})
	})
	t.Run("over a connection", func(t *testing.T) {
		test(t, func(h http.Handler) (string, http.RoundTripper) { return overConnections(t, h) })
	})
}

// Faults that answer at once, or not at all.
func TestFaults(t *testing.T) {
	refused := func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, fmt.Sprint(errors.Is(err, syscall.ECONNREFUSED)), http.StatusGatewayTimeout)
	}
	for name, c := range map[string]struct {
		fault  holdovertest.Fault
		status int // 0: no header comes
		length int64
		body   string
		broke  error
	}{
		"none":                     {nil, 201, -1, long, nil},
		"a chain of none":          {holdovertest.Chain(), 201, -1, long, nil},
		"status":                   {holdovertest.Status(503, "Retry-After", "10", "Content-Type", "text/plain; charset=utf-8"), 503, 41, "503 Service Unavailable, by holdovertest\n", nil},
		"no content":               {holdovertest.Status(204), 204, 0, "", nil},
		"reset":                    {holdovertest.Reset(), 0, 0, "", nil},
		"panic":                    {holdovertest.Panic("boom"), 0, 0, "", nil},
		"deaf":                     {holdovertest.Deaf(time.Millisecond), 0, 0, "", nil},
		"unreachable":              {holdovertest.Unreachable(refused), 504, 5, "true\n", nil},
		"unreachable, unreported":  {holdovertest.Unreachable(nil), 502, 0, "", nil},
		"delay":                    {holdovertest.Delay(time.Millisecond), 201, -1, long, nil},
		"no delay":                 {holdovertest.Delay(0), 201, -1, long, nil},
		"delayed status":           {holdovertest.Chain(holdovertest.Delay(time.Millisecond), holdovertest.Status(500)), 500, 43, "500 Internal Server Error, by holdovertest\n", nil},
		"drip":                     {holdovertest.Drip(3, time.Millisecond), 201, 10, long, nil},
		"drip all at once":         {holdovertest.Drip(100, 0), 201, 10, long, nil},
		"truncated":                {holdovertest.Truncate(0.5), 201, 10, long[:5], io.ErrUnexpectedEOF},
		"truncated at once":        {holdovertest.Truncate(0), 201, 10, "", io.ErrUnexpectedEOF},
		"truncated in the end":     {holdovertest.Truncate(1), 201, 10, long[:9], io.ErrUnexpectedEOF},
		"chunked":                  {holdovertest.TruncateChunked(0.5), 201, -1, long[:5], io.ErrUnexpectedEOF},
		"chunked, only the end":    {holdovertest.TruncateChunked(1), 201, -1, long, io.ErrUnexpectedEOF},
		"a truncated, dripped one": {holdovertest.Chain(holdovertest.Truncate(0.3), holdovertest.Drip(1, 0)), 201, 10, long[:3], io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, serve func(http.Handler) (string, http.RoundTripper)) {
				o := holdovertest.NewOrigin(works)
				o.Behave(c.fault)
				url, rt := serve(o)
				g := send(rt, get(url))
				require.Equal(t, c.status == 0, g.Failed, g.failed)
				if g.Failed {
					return
				}
				require.Equal(t, c.status, g.Status)
				require.Equal(t, c.length, g.Length)
				require.Equal(t, c.body, g.Body)
				require.Equal(t, c.broke, g.Broke)
				if c.body != "" {
					require.Equal(t, "text/plain; charset=utf-8", g.Header.Get("Content-Type"))
				}
				require.NotContains(t, g.Header, "Late")
				if g.Status == 201 {
					require.Equal(t, []int{103}, g.Early)
					require.Equal(t, "max-age=60", g.Header.Get("Cache-Control"))
				}
			})
		})
	}
}

// A client whose connection is reset learns it by an RST.
func TestResetIsAnRST(t *testing.T) {
	o := holdovertest.NewOrigin(works)
	o.Behave(holdovertest.Reset())
	url, rt := overConnections(t, o)
	require.ErrorIs(t, send(rt, get(url)).failed, syscall.ECONNRESET)

	for _, proto := range []int{1, 2} {
		s := httptest.NewUnstartedServer(o)
		s.EnableHTTP2 = proto == 2
		s.StartTLS()
		defer s.Close()
		err := send(s.Client().Transport, get(s.URL)).failed
		require.Error(t, err)
		require.Equal(t, proto == 1, errors.Is(err, syscall.ECONNRESET), "over HTTP/2 the stream is reset")
	}

	direct := holdovertest.Reset()(works)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { direct.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
}

// Faults that last until the client leaves.
func TestFaultsThatHang(t *testing.T) {
	for name, c := range map[string]struct {
		fault holdovertest.Fault
		body  string // comes before
	}{
		"hang":             {holdovertest.Hang(), ""},
		"delay":            {holdovertest.Delay(time.Hour), ""},
		"stall":            {holdovertest.Stall(0.5), long[:5]},
		"stall in the end": {holdovertest.Stall(1), long[:9]},
		"drip":             {holdovertest.Drip(4, time.Hour), ""},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, serve func(http.Handler) (string, http.RoundTripper)) {
				for _, method := range []string{"GET", "POST"} {
					o := holdovertest.NewOrigin(works)
					o.Behave(c.fault)
					url, rt := serve(o)
					ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
					defer cancel()
					body := ""
					if method == "POST" && name != "delay" { // net/http hears of nothing before it is read
						body = "some"
					}
					g := send(rt, request(ctx, method, url, body))
					err := g.failed
					if !g.Failed {
						err = g.Broke
					}
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.Equal(t, c.body, g.Body)
					require.Eventually(t, func() bool { return o.Running() == 0 }, 5*time.Second, time.Millisecond, "the handler ends with the client")
					require.True(t, o.Requests()[0].Cancelled)
				}
			})
		})
	}
}

// A handler that is deaf goes on when the client has left.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(works)
		o.Behave(holdovertest.Deaf(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, send(holdovertest.InProcess(o), request(ctx, "GET", "http://a.example/", "")).failed, context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(t, 1, o.Running())
		time.Sleep(time.Minute)
		require.Zero(t, o.Running())
		require.Equal(t, time.Minute, o.Requests()[0].Took)
	})
}

// When things happen, by the virtual clock.
func TestFaultsTakeTheirTime(t *testing.T) {
	for name, c := range map[string]struct {
		fault        holdovertest.Fault
		header, body time.Duration
	}{
		"delay":            {holdovertest.Delay(time.Second), time.Second, time.Second},
		"drip":             {holdovertest.Drip(4, time.Second), 0, 3 * time.Second},
		"deaf":             {holdovertest.Deaf(time.Second), time.Second, time.Second},
		"a delay of drips": {holdovertest.Chain(holdovertest.Delay(time.Minute), holdovertest.Drip(10, time.Second)), time.Minute, time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				resp, err := holdovertest.InProcess(c.fault(works)).RoundTrip(get("http://a.example/"))
				require.Equal(t, c.header, time.Since(began))
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					require.NoError(t, err)
				}
				require.Equal(t, c.body, time.Since(began))
			})
		})
	}
}

// What has no body has none that could be broken off.
func TestFaultsOfEmptyAnswers(t *testing.T) {
	empty := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", "y"); w.WriteHeader(404) })
	for name, f := range map[string]holdovertest.Fault{
		"truncate": holdovertest.Truncate(0.5), "chunked": holdovertest.TruncateChunked(0.5),
		"stall": holdovertest.Stall(0.5), "drip": holdovertest.Drip(1, time.Hour),
	} {
		t.Run(name, func(t *testing.T) {
			g := send(holdovertest.InProcess(f(empty)), get("http://a.example/"))
			require.Equal(t, 404, g.Status)
			require.Equal(t, "y", g.Header.Get("X"))
			require.NoError(t, g.Broke)
			g = send(holdovertest.InProcess(f(works)), request(t.Context(), "HEAD", "http://a.example/", ""))
			require.Equal(t, 201, g.Status)
			require.NoError(t, g.Broke)
			require.Equal(t, "max-age=60", g.Header.Get("Cache-Control"))
		})
	}
}

func TestFaultsRefuseMistakes(t *testing.T) {
	for name, f := range map[string]func(){
		"no final status":  func() { holdovertest.Status(103) },
		"no value":         func() { holdovertest.Status(503, strings.Fields("Retry-After")...) },
		"too much":         func() { holdovertest.Truncate(1.1) },
		"too little":       func() { holdovertest.TruncateChunked(-0.1) },
		"not a number":     func() { holdovertest.Stall(math.NaN()) },
		"no piece":         func() { holdovertest.Drip(0, time.Second) },
		"no share":         func() { holdovertest.Sometimes(1, 2, nil) },
		"none of many":     func() { holdovertest.OneOf(1) },
		"origin of nobody": func() { holdovertest.NewOrigin(nil) },
	} {
		t.Run(name, func(t *testing.T) { require.Panics(t, f) })
	}
}

// pattern asks so often and tells with which statuses it was answered.
func pattern(n int, f holdovertest.Fault) string {
	h := f(text("works"))
	var all strings.Builder
	for range n {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		fmt.Fprint(&all, w.Code/100)
	}
	return all.String()
}

func TestSometimesGoesBySeed(t *testing.T) {
	fail := holdovertest.Status(500)
	one := pattern(1000, holdovertest.Sometimes(1, 0.3, fail))
	require.Equal(t, one, pattern(1000, holdovertest.Sometimes(1, 0.3, fail)))
	require.NotEqual(t, one, pattern(1000, holdovertest.Sometimes(2, 0.3, fail)))
	require.InDelta(t, 300, strings.Count(one, "5"), 60)
	for i, more := range pattern(1000, holdovertest.Sometimes(1, 0.6, fail)) {
		if one[i] == '5' {
			require.Equal(t, '5', more, "what fails rarely fails if more does")
		}
	}
	require.Equal(t, strings.Repeat("2", 100), pattern(100, holdovertest.Sometimes(1, 0, fail)))
	require.Equal(t, strings.Repeat("5", 100), pattern(100, holdovertest.Sometimes(1, 1, fail)))

	again := holdovertest.Sometimes(1, 0.3, fail)
	require.Equal(t, pattern(100, again), pattern(100, again), "each handler begins anew")
}

func TestOneOfGoesBySeed(t *testing.T) {
	faults := []holdovertest.Fault{nil, holdovertest.Status(300), holdovertest.Status(400), holdovertest.Status(500)}
	one := pattern(1000, holdovertest.OneOf(1, faults...))
	require.Equal(t, one, pattern(1000, holdovertest.OneOf(1, faults...)))
	require.NotEqual(t, one, pattern(1000, holdovertest.OneOf(2, faults...)))
	for _, status := range []string{"2", "3", "4", "5"} {
		require.InDelta(t, 250, strings.Count(one, status), 60)
	}
}

// A fault of a test's own: informational responses without end.
func TestFaultOfATest(t *testing.T) {
	early := func(working http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				w.WriteHeader(http.StatusEarlyHints)
			}
			working.ServeHTTP(w, r)
		})
	}
	g := send(holdovertest.InProcess(holdovertest.Chain(early, holdovertest.Truncate(0.5))(works)), get("http://a.example/"))
	require.Equal(t, []int{103, 103, 103, 103}, g.Early)
	require.Equal(t, io.ErrUnexpectedEOF, g.Broke)
}
