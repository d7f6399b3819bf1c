// SPDX-License-Identifier: MIT

package conformance

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A fake is a cache that does one thing wrong.
type fake func(next http.Handler) http.Handler

// forwards has no store at all.
func forwards(next http.Handler) http.Handler { return next }

// hoards answers everything with the first answer to the URL.
func hoards(next http.Handler) http.Handler {
	var mu sync.Mutex
	stored := make(map[string]got)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		url := r.URL.RequestURI()
		old, hit := stored[url]
		if !hit {
			rec := newRecorder(r.Method, func(string) {})
			next.ServeHTTP(rec, r)
			old = rec.end(false)
			stored[url] = old
		}
		maps.Copy(w.Header(), old.header)
		if hit {
			w.Header().Set("Age", "0")
		}
		w.WriteHeader(old.status)
		_, _ = w.Write(old.body)
	})
}

// wrapping makes a fake that changes what one request gets.
func wrapping(f func(next http.Handler, w http.ResponseWriter, r *http.Request)) fake {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(next, w, r) })
	}
}

// outcome plays a case with a fake.
func outcome(t *testing.T, f fake, tr Transport, c Case) (wrong []string) {
	target := Target{Profile: Safe, New: func(_ *testing.T, next http.Handler) http.Handler { return f(next) }}
	if tr == Direct {
		synctest.Test(t, func(t *testing.T) { wrong = play(t, target, tr, c) })
		return wrong
	}
	return play(t, target, tr, c)
}

func TestWrongCachesFail(t *testing.T) {
	twice := []Step{{Origin: Answer{Header: Lines{"Cache-Control: max-age=60"}}}, {Want: Want{By: Stored}}}
	never := []Step{{Origin: Answer{Header: Lines{"Cache-Control: no-store"}}}, {}}
	once := []Step{{}}
	tests := map[string]struct {
		cache fake
		steps []Step
		wrong string
	}{
		"stores nothing":     {forwards, twice, "want 0 calls of the origin, got 1"},
		"stores everything":  {hoards, never, "want 1 calls of the origin, got 0"},
		"serves another URL": {ignoringQuery(hoards), []Step{{}, {Request: Request{Target: "/?b"}}}, "it sent nothing"},
		"no Age":             {without("Age", hoards), twice, "Age: want one integer"},
		"two Dates": {wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = []string{"a", "b"}
			next.ServeHTTP(w, r)
		}), once, "Date: want at most one"},
		"another status": {wrapping(func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
		}), []Step{{Want: Want{By: Anyone, Status: 200}}}, "want status 200, got 404"},
		"wrong body": {edited(forwards, func(g *got) { g.body = append(g.body, '!') }), once, "want body"},
		"a whole of what broke off": {wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			defer func() { _ = recover() }()
			next.ServeHTTP(w, r)
		}), []Step{{Origin: Answer{Fail: Aborts, After: 5}, Want: Want{Aborted: true}}}, "aborted is false, want true"},
		"a whole where it may be an error": {forwards, []Step{{Want: Want{Broken: true}}}, "want an answer that breaks off"},
		"breaks off": {wrapping(func(http.Handler, http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}), []Step{{Want: Want{By: Anyone}}}, "aborted is true, want false"},
		"asks twice": {wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(newRecorder("GET", func(string) {}), r.Clone(r.Context()))
			next.ServeHTTP(w, r)
		}), once, "want 1 calls of the origin, got 2"},
		"a condition of its own": {sending("If-None-Match", `"x"`), once, "saw a condition"},
		"no condition":           {forwards, []Step{{Want: Want{By: Validated}}}, "saw no condition"},
		"the wrong condition":    {sending("If-None-Match", `"x"`), []Step{{Want: Want{By: Validated, Sees: Checks{Is("If-None-Match", `"1"`)}}}}, `saw: If-None-Match: want "\"1\"", got`},
		"1xx swallowed":          {hoards, []Step{{Origin: Answer{Early: []Early{{103, nil}}}, Want: Want{Early: []Early{{103, nil}}}}}, "want 1 1xx responses"},
		"another 1xx":            {forwards, []Step{{Origin: Answer{Early: []Early{{103, Lines{"Link: a"}}}}, Want: Want{Early: []Early{{103, Lines{"Link: b"}}}}}}, `Link: want "b", got ["a"]`},
		"trailers lost":          {hoards, []Step{{Origin: Answer{Trailer: Lines{"X-Sum: 1"}}, Want: Want{Trailer: Checks{Is("X-Sum", "1")}}}}, "trailer X-Sum"},
		"a field lost":           {without("X-A", forwards), []Step{{Origin: Answer{Header: Lines{"X-A: 1"}}, Want: Want{Header: Checks{Has("X-A")}}}}, "X-A: want a value"},
		"another variant": {hoards, []Step{
			{Request: Request{Header: Lines{"Accept: a"}}, Origin: Answer{Header: Lines{"Vary: Accept"}}},
			{Request: Request{Header: Lines{"Accept: b"}}, Want: Want{By: Stored}},
		}, "it sent nothing"},
		"not collapsed": {forwards, []Step{{Request: Request{Times: 3}}}, "want 1 calls of the origin, got 3"},
	}
	var all sync.WaitGroup
	for name, tt := range tests {
		for _, tr := range Transports {
			all.Go(func() {
				t.Run(name+"/"+string(tr), func(t *testing.T) {
					wrong := outcome(t, tt.cache, tr, Case{ID: "x", Steps: tt.steps})
					require.Contains(t, strings.Join(wrong, "\n"), tt.wrong)
				})
			})
		}
	}
	all.Wait()
}

// What hangs is a failure of the case, where time is free.
func TestHangingCacheFails(t *testing.T) {
	hangs := wrapping(func(_ http.Handler, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	wrong := outcome(t, hangs, Direct, Case{Steps: []Step{{Want: Want{By: Anyone}}}})
	require.Contains(t, strings.Join(wrong, "\n"), "it never ended")
}

func TestMisuseOfTheWriterFails(t *testing.T) {
	twice := wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
	})
	late := wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		go func() {
			time.Sleep(time.Second)
			_, _ = io.WriteString(w, "late")
		}()
	})
	for what, cache := range map[string]fake{"WriteHeader for a second time": twice, "Write after ServeHTTP returned": late} {
		wrong := outcome(t, cache, Direct, Case{Steps: []Step{{Pass: time.Minute}}})
		require.Contains(t, wrong, what)
	}
}

// A handler without a cache passes what only asks for the origin's answers.
func TestRightAnswersPass(t *testing.T) {
	steps := []Step{
		{Origin: Answer{Header: Lines{"X-A: {start}", "Age: 5"}}, Want: Want{Header: Checks{Is("X-A", "{start}"), Between("Age", 5, 5), No("X-B"), Is("Content-Type", "text/plain")}}},
		{Request: Request{Method: "POST", Target: "/a?b", Body: "c"}, Origin: Answer{Status: 201, Body: "d"}, Want: Want{Status: 201, Body: "d"}},
		{Request: Request{Method: "HEAD"}},
		{Origin: Answer{Status: 204}},
		{Origin: Answer{Status: 304, Header: Lines{"Etag: \"1\""}}, Request: Request{Header: Lines{"If-None-Match: \"1\""}}, Want: Want{Sees: Checks{Is("If-None-Match", `"1"`)}, Header: Checks{Is("Etag", `"1"`)}}},
		{Origin: Answer{Chunks: true, Trailer: Lines{"X-Sum: 1"}, Early: []Early{{103, Lines{"Link: a"}}}}, Want: Want{Trailer: Checks{Is("X-Sum", "1")}, Early: []Early{{103, Lines{"Link: a"}}}, Header: Checks{No("Content-Length"), No("Link")}}},
		{Origin: Answer{Fail: Short, After: 3}, Want: Want{Aborted: true}},
		{Origin: Answer{Fail: Aborts}, Want: Want{By: Anyone, Broken: true}},
		{Origin: Answer{Fail: Panics}, Want: Want{By: Anyone, Broken: true}},
		{Origin: Answer{Fail: Closes}, Want: Want{By: Anyone, Calls: "1", Status: 502}},
		{Origin: Answer{Fail: Unreachable}, Want: Want{By: Anyone, Calls: "1", Status: 502}},
		{Origin: Answer{Fail: TimesOut}, Want: Want{By: Anyone, Calls: "1", Status: 502}},
		{Origin: Answer{Fail: Hangs}, Request: Request{Leaves: 50 * time.Millisecond}},
		{Origin: Answer{Pause: 20 * time.Millisecond, Delay: 20 * time.Millisecond}},
		{Request: Request{Times: 3}, Also: []Other{{Request: Request{Target: "/b", After: time.Millisecond}}}, Origin: Answer{Body: "x"}, Then: []Answer{{Body: "x"}}, Want: Want{Calls: "4"}},
	}
	for _, tr := range Transports {
		t.Run(string(tr), func(t *testing.T) {
			require.Empty(t, strings.Join(outcome(t, forwards, tr, Case{ID: "x", Steps: steps}), "\n"))
		})
	}
}

func ignoringQuery(f fake) fake {
	return func(next http.Handler) http.Handler {
		inner := f(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			r.URL.RawQuery = ""
			inner.ServeHTTP(w, r)
		})
	}
}

func sending(name, value string) fake {
	return wrapping(func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Set(name, value)
		next.ServeHTTP(w, r)
	})
}

// without removes a field of the answer.
func without(name string, f fake) fake {
	return edited(f, func(g *got) { g.header.Del(name) })
}

// edited changes an answer.
func edited(f fake, change func(*got)) fake {
	return func(next http.Handler) http.Handler {
		inner := f(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := newRecorder(r.Method, func(string) {})
			inner.ServeHTTP(rec, r)
			g := rec.end(false)
			g.header.Del("Content-Length")
			change(&g)
			maps.Copy(w.Header(), g.header)
			w.WriteHeader(g.status)
			_, _ = w.Write(g.body)
		})
	}
}
