// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// tripper answers requests after a while, as a transport.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// after answers by the handler when the time has passed.
func after(d time.Duration, h http.Handler) tripper {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(d):
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// run loads for a time.
func run(t *testing.T, l *holdovertest.Load, d time.Duration) []holdovertest.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.NoError(t, l.Run(ctx))
	return l.Answers()
}

func TestLoadKeepsItsRate(t *testing.T) {
	for name, took := range map[string]time.Duration{
		"while answers are quick": 0,
		"while answers are slow":  900 * time.Millisecond,
		"while none comes":        time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &holdovertest.Load{
					Transport: after(took, holdovertest.Pages("")),
					URL:       "http://cache.example", Paths: []string{"/a", "/b"}, PerSecond: 50,
				}
				from := time.Now()
				all := run(t, l, 10*time.Second-time.Millisecond)
				require.Len(t, all, 500)
				for second := range 10 {
					part := l.Between(from.Add(time.Duration(second)*time.Second), from.Add(time.Duration(second+1)*time.Second))
					require.Len(t, part, 50)
				}
				paths := map[string]int{}
				for _, a := range all {
					paths[a.Path]++
					require.Equal(t, min(took, time.Second), a.Took)
				}
				require.Equal(t, map[string]int{"/a": 250, "/b": 250}, paths)
			})
		})
	}
}

func TestAnswerOfARightPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Cache-Status"] = []string{"a; hit; ttl=3", "b; fwd=stale; ttl=-1"}
			holdovertest.Pages("").ServeHTTP(w, r)
		})
		l := &holdovertest.Load{Transport: after(time.Millisecond, h), URL: "http://cache.example"}
		begun := time.Now()
		require.Equal(t, holdovertest.Answer{
			Path: "/p", Begun: begun, Took: time.Millisecond, Status: 200,
			Made:        time.Unix(0, begun.Add(time.Millisecond).UnixNano()),
			CacheStatus: "a; hit; ttl=3, b; fwd=stale; ttl=-1",
		}, l.Ask(t.Context(), "/p"))
		require.Empty(t, l.Answers())
	})
}

func TestAnswerOfNoPage(t *testing.T) {
	gone := errors.New("gone")
	for name, c := range map[string]struct {
		transport http.RoundTripper
		status    int
		err       error
	}{
		"an error status": {after(0, http.NotFoundHandler()), 404, holdovertest.ErrStatus},
		"a redirect":      {after(0, http.RedirectHandler("/q", http.StatusFound)), 302, holdovertest.ErrStatus},
		"nothing": {tripper(func(*http.Request) (*http.Response, error) {
			return nil, gone
		}), 0, gone},
		"too late": {after(time.Minute, holdovertest.Pages("")), 0, context.DeadlineExceeded},
		"half": {tripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader("/p"), broken{gone}))}, nil
		}), 200, gone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &holdovertest.Load{Transport: c.transport, URL: "http://cache.example"}
				a := l.Ask(t.Context(), "/p")
				require.Equal(t, c.status, a.Status)
				require.ErrorIs(t, a.Err, c.err)
				require.Zero(t, a.Age())
			})
		})
	}
}

// broken is a body that breaks off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestEmptyAnswerIsNoPage(t *testing.T) {
	empty := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	l := &holdovertest.Load{Transport: after(0, empty), URL: "http://cache.example"}
	a := l.Ask(t.Context(), "/p")
	require.Equal(t, 200, a.Status)
	require.ErrorIs(t, a.Err, holdovertest.ErrWrongPage)
	require.ErrorContains(t, a.Err, "empty")
}

func TestLoadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most, now atomic.Int64
		slow := tripper(func(r *http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Minute) // whatever its context says
			return nil, io.ErrUnexpectedEOF
		})
		l := &holdovertest.Load{Transport: slow, URL: "http://cache.example", Paths: []string{"/"}, MaxWaiting: 7}
		all := run(t, l, time.Second-time.Millisecond)
		require.Len(t, all, 100)
		require.EqualValues(t, 7, most.Load())
		var refused int
		for _, a := range all {
			if errors.Is(a.Err, holdovertest.ErrOverload) {
				refused++
			}
		}
		require.Equal(t, 93, refused)
	})
}

func TestLoadEditsAndReads(t *testing.T) {
	user := holdovertest.PageUser(func(r *http.Request) string { return r.Header.Get("X-User") })
	l := &holdovertest.Load{
		Transport: after(0, holdovertest.Pages("private", user)),
		URL:       "http://cache.example",
		Request:   func(r *http.Request) { r.Header.Set("X-User", "ann") },
		Read:      func(path, body string) (time.Time, error) { return holdovertest.ReadPageOf("ann", path, body) },
	}
	require.NoError(t, l.Ask(t.Context(), "/p").Err)
}

func TestLoadNamesMistakes(t *testing.T) {
	err := (&holdovertest.Load{URL: "127.0.0.1:80", PerSecond: -1, Patience: -1, MaxWaiting: -1}).Run(t.Context())
	for _, field := range []string{"URL", "Paths", "PerSecond", "Patience", "MaxWaiting"} {
		require.ErrorContains(t, err, "Load."+field)
	}
}

// A rate at which no request is ever sent, or all are at once, is a mistake too: Run wouldn't end.
func TestLoadRefusesOddRates(t *testing.T) {
	for _, rate := range []float64{1e-10, math.Inf(1), math.Inf(-1), math.NaN()} {
		l := &holdovertest.Load{
			Transport: after(0, holdovertest.Pages("")), URL: "http://cache.example", Paths: []string{"/"}, PerSecond: rate,
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		require.ErrorContains(t, l.Run(ctx), "Load.PerSecond", rate)
	}
}

// What it is for: an outage on the virtual clock.
func TestLoadThroughACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := holdovertest.NewOrigin(holdovertest.Pages("max-age=1, stale-if-error=600"))
		load := &holdovertest.Load{
			Transport: cached(t, holdover.Config{}, origin),
			URL:       "http://www.example", Paths: []string{"/a", "/b", "/c"},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- load.Run(ctx) }()
		time.Sleep(10 * time.Second)
		origin.Behave(holdovertest.Status(503))
		failing := time.Now()
		time.Sleep(10 * time.Second)
		stop()
		require.NoError(t, <-ended)

		well := holdovertest.NewReport(time.Time{}, time.Second, load.Between(time.Time{}, failing))
		require.Equal(t, 1000, well.Answers)
		require.Zero(t, well.Failed+well.Stale)
		broken := holdovertest.NewReport(failing, time.Second, load.Between(failing, time.Now()))
		require.InDelta(t, 1000, broken.Answers, 1)
		require.Zero(t, broken.Failed+broken.Untold)
		require.Greater(t, broken.Stale, 900)
		require.LessOrEqual(t, len(origin.Requests().Between(failing, time.Now())), 15, "it is spared")
	})
}

func TestLoadOverConnections(t *testing.T) {
	server := httptest.NewServer(holdovertest.Pages(""))
	defer server.Close()
	l := &holdovertest.Load{URL: server.URL, Paths: []string{"/a"}, PerSecond: 200, Patience: 20 * time.Second}
	all := run(t, l, 100*time.Millisecond)
	require.NotEmpty(t, all)
	for _, a := range all {
		require.NoError(t, a.Err)
	}
	require.NoError(t, l.Ask(t.Context(), "/a").Err)
}
