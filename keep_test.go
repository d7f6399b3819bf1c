// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// What follows holds for both kinds of responses that are stored on their way straight
// through: to a range request that the origin answers with all of it, and to a POST.
func overKept(t *testing.T, f func(t *testing.T, method string)) {
	t.Helper()
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) { f(t, method) })
	}
}

func askKept(h http.Handler, method string, fields ...string) {
	ask(h, method, page1, append(fields, "Range", "bytes=0-3")...)
}

// A handler that stops without a word when its client leaves has made half a body.
func TestKeptWhenTheClientLeaves(t *testing.T) {
	overKept(t, func(t *testing.T, method string) {
		leave := func() {}
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Location", "/page"})
			_, _ = io.WriteString(w, "first half, ")
			leave()
			if r.Context().Err() == nil {
				_, _ = io.WriteString(w, "second half")
			}
		}))
		ctx, cancel := context.WithCancel(t.Context())
		leave = cancel
		h.ServeHTTP(quietRecorder{http.Header{}}, request(method, page1, "Range", "bytes=0-3").WithContext(ctx))
		leave = func() {}
		require.Equal(t, "first half, second half", get(h).Body.String())
	})
}

// quietRecorder swallows what a client that has left doesn't get, without an error.
type quietRecorder struct{ h http.Header }

func (q quietRecorder) Header() http.Header         { return q.h }
func (q quietRecorder) Write(p []byte) (int, error) { return len(p), nil }
func (q quietRecorder) WriteHeader(int)             {}

// RFC 9111 §4.4: what an unsafe request changes while the old version is on its way is
// invalidated too.
func TestKeptWhileThePageChanges(t *testing.T) {
	overKept(t, func(t *testing.T, method string) {
		version := "old"
		read, goOn := make(chan struct{}), make(chan struct{})
		h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				version = "new"
				return
			}
			body := version
			if body == "old" {
				close(read)
				<-goOn
			}
			answer(200, body, "Cache-Control", "max-age=60", "Content-Location", "/page")(w, r)
		}))
		done := make(chan struct{})
		go func() { askKept(h, method); close(done) }()
		after(t, read, "the old version was read")
		ask(h, "PUT", page1)
		close(goOn)
		after(t, done, "the old version went out")
		require.Equal(t, "new", get(h).Body.String())
	})
}

// What outer middleware has set never hides what the handler says, though it be the same.
func TestKeptBesideWhatOuterMiddlewareSet(t *testing.T) {
	overKept(t, func(t *testing.T, method string) {
		for name, tt := range map[string]struct {
			field, outer, own string
		}{
			"no-store, the same":   {"Cache-Control", "no-store", "no-store"},
			"Vary, the same":       {"Vary", "X-Tenant", "X-Tenant"},
			"Set-Cookie, the same": {"Set-Cookie", "a=b", "a=b"},
			"outer's lifetime":     {"Expires", "Thu, 01 Jan 2099 00:00:00 GMT", ""},
			"a targeted field":     {"Cdn-Cache-Control", "max-age=60", "no-store"},
		} {
			lifetime := "Cache-Control"
			if name == "outer's lifetime" {
				lifetime = "X-None"
			}
			policy := holdover.Policy{TargetedFields: []string{"CDN-Cache-Control"}}
			inner := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
				setFields(w.Header(), []string{"Content-Location", "/page", lifetime, "max-age=60"})
				if tt.own != "" {
					w.Header().Set(tt.field, tt.own)
				}
				_, _ = io.WriteString(w, "for "+r.Header.Get("X-Tenant"))
			}))
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(tt.field, tt.outer)
				inner.ServeHTTP(w, r)
			})
			askKept(h, method, "X-Tenant", "a")
			require.Equal(t, "for b", get(h, "X-Tenant", "b").Body.String(), name)
		}
	})
}

// Slow clients together hold no more of the memory for fetches than their part.
func TestKeptLeavesRoomToOthers(t *testing.T) {
	goOn := make(chan struct{})
	body := strings.Repeat("x", 64<<10)
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, body)
		if r.Header.Get("Range") != "" {
			<-goOn
		}
	})
	h := newCache(t, holdover.Config{MaxInFlight: 1 << 20}).Handler(o)
	done := make(chan struct{})
	for i := range 32 {
		go func() {
			defer func() { done <- struct{}{} }()
			ask(h, "GET", fmt.Sprint(page1, "?", i), "Range", "bytes=0-3")
		}()
	}
	require.Eventually(t, func() bool { return o.calls.Load() == 32 }, 5*time.Second, time.Millisecond)
	get(h)
	require.True(t, hit(get(h).Header()), "stored, though 32 clients hold what they can")
	close(goOn)
	for range 32 {
		<-done
	}
}
