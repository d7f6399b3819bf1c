// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// settings are the two ways to be right inside a router.
var settings = map[string]func(context.Context) context.Context{
	"held":     nil, // ServeHTTP stays until the handler returned
	"detached": detach,
}

// everywhere runs a test for each place of the cache, held and detached.
func everywhere(t *testing.T, test func(t *testing.T, serve func(http.HandlerFunc) *httptest.Server)) {
	for mount, place := range mounts {
		for name, detach := range settings {
			t.Run(mount+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, func(item http.HandlerFunc) *httptest.Server { return startServer(t, place, detach, item) })
			})
		}
	}
}

func startServer(t *testing.T, place func(*holdover.Cache, http.HandlerFunc) http.Handler,
	detach func(context.Context) context.Context, item http.HandlerFunc) *httptest.Server {
	cache, err := holdover.New(holdover.Config{
		Detach: detach,
		Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: -1}},
	})
	require.NoError(t, err)
	server := httptest.NewServer(place(cache, item))
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, cache.Close())
	})
	return server
}

// fetch returns body and header of one answer. It is safe in any goroutine.
func fetch(url string) (string, http.Header, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return "", nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), answer.Header, err
}

const (
	items   = 40
	rounds  = 6
	readers = 3 // per item
)

// slowItem reads its parameter before and after the moment at which a request that was
// answered with the stale response has ended.
func slowItem(revalidated *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		early := chi.URLParam(r, "id")
		time.Sleep(5 * time.Millisecond)
		late := chi.URLParam(r, "id")
		revalidated.Add(1)
		w.Header().Set("Cache-Control", "max-age=0, stale-while-revalidate=60")
		fmt.Fprintf(w, "%s %s", early, late)
	}
}

// Every revalidation behind an answer must see the parameters of its own request,
// whatever the router does with its context in the meantime.
//
// That this test can fail was checked by hand with a Detach that returns its
// context as it is, under "use" and "with": the race detector reports the
// pool's next user writing what the handler reads, and without it bodies such as
// "7 31" are stored and answered.
func TestParametersDontMixUp(t *testing.T) {
	everywhere(t, func(t *testing.T, serve func(http.HandlerFunc) *httptest.Server) {
		var made atomic.Int64
		server := serve(slowItem(&made))
		for range rounds {
			var requests sync.WaitGroup
			for id := range items * readers {
				requests.Go(func() {
					want := fmt.Sprint(id % items)
					body, _, err := fetch(server.URL + "/items/" + want)
					if err != nil || body != want+" "+want {
						t.Errorf("item %s: %q, %v", want, body, err)
					}
				})
			}
			requests.Wait()
		}
		require.Greater(t, made.Load(), int64(2*items), "nothing was revalidated behind answers")
	})
}

// A stale answer is complete for its client while the handler still runs.
func TestStaleAnswersDontWait(t *testing.T) {
	everywhere(t, func(t *testing.T, serve func(http.HandlerFunc) *httptest.Server) {
		var calls atomic.Int64
		proceed := make(chan struct{})
		release := sync.OnceFunc(func() { close(proceed) })
		server := serve(func(w http.ResponseWriter, r *http.Request) {
			call := calls.Add(1)
			if call > 1 {
				<-proceed
			}
			w.Header().Set("Cache-Control", "max-age=0, stale-while-revalidate=60")
			fmt.Fprintf(w, "%s made %d", chi.URLParam(r, "id"), call)
		})
		t.Cleanup(release) // before the server closes, which waits for it
		url := server.URL + "/items/a"
		_, _, err := fetch(url)
		require.NoError(t, err)
		body, header, err := fetch(url)
		require.NoError(t, err)
		require.Equal(t, "a made 1", body)
		require.Contains(t, header.Get("Cache-Status"), "holdover; hit")
		release()
		require.Eventually(t, func() bool {
			body, _, err := fetch(url)
			return err == nil && body != "a made 1" && strings.HasPrefix(body, "a made ")
		}, 5*time.Second, 10*time.Millisecond, "nothing was revalidated")
	})
}

func TestDetachCopies(t *testing.T) {
	old := chi.NewRouteContext()
	old.RoutePath, old.RouteMethod, old.RoutePatterns = "/42", "GET", []string{"/items/*"}
	old.URLParams.Add("id", "42")
	ctx := detach(context.WithValue(t.Context(), chi.RouteCtxKey, old))
	old.Reset()
	old.URLParams.Add("id", "another")
	old.RoutePatterns = append(old.RoutePatterns, "/another")
	own := chi.RouteContext(ctx)
	require.Equal(t, "42", chi.URLParamFromCtx(ctx, "id"))
	require.Equal(t, []string{"/items/*"}, own.RoutePatterns)
	require.Equal(t, "/42", own.RoutePath)
	require.Equal(t, "GET", own.RouteMethod)
	require.Equal(t, t.Context(), detach(t.Context()), "outside the router")
}

func TestUnknownMount(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), "127.0.0.1:0", "inside", io.Discard), "-mount")
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.NoError(t, run(ctx, "127.0.0.1:0", "use", io.Discard))
	require.Error(t, run(t.Context(), "256.0.0.1:0", "use", io.Discard))
}
