// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// The program that the README begins with.
func Example() {
	cache, err := holdover.New(holdover.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60, stale-if-error=86400")
		fmt.Fprintln(w, "hello")
	})
	err = http.ListenAndServe("127.0.0.1:8080", cache.Handler(page))
	log.Println(err, cache.Close())
}

// What is wrong with a configuration comes back in one error, each problem with its field.
func ExampleNew() {
	_, err := holdover.New(holdover.Config{
		MaxVariants: -1,
		Policy: holdover.Policy{
			Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{206: {TTL: time.Minute}}},
		},
	})
	fmt.Println(err)
	// Output:
	// holdover: MaxVariants: -1 is not a number of variants
	// holdover: Policy.Freshness.StatusTTL[206]: 206 answers one particular request and can't be given a lifetime
}

// The response says how long it is fresh, and how long it is good if the handler fails.
func ExampleCache_Handler() {
	cache := mustNew(holdover.Config{})
	defer cache.Close()
	broken := false
	site := cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken {
			panic("the handler has a bug")
		}
		w.Header().Set("Cache-Control", "max-age=0, stale-if-error=600")
		fmt.Fprint(w, "hello")
	}))

	show(site, "/")
	broken = true
	show(site, "/")
	// Output:
	// 200 hello (holdover; fwd=uri-miss; stored)
	// 200 hello (holdover; fwd=stale; detail=stale-if-error)
}

// Lifetimes by status, where the response itself gives none.
func ExamplePolicy() {
	statuses, err := holdover.ParseStatusTTL("404=30; 503=5s")
	if err != nil {
		log.Fatal(err)
	}
	cache := mustNew(holdover.Config{Policy: holdover.Policy{
		Freshness: holdover.Freshness{StatusTTL: statuses},
		Grace:     holdover.Grace{StaleIfError: time.Hour},
	}})
	defer cache.Close()
	site := cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
	}))

	show(site, "/nothing-here")
	show(site, "/nothing-here")
	// Output:
	// 404 (holdover; fwd=uri-miss; stored)
	// 404 (holdover; hit)
}

// One route under a policy of its own. Store, fetches, purges and counters are shared.
func ExampleCache_With() {
	cache := mustNew(holdover.Config{})
	defer cache.Close()

	policy := cache.Policy() // a copy, to start from
	policy.Freshness.DefaultTTL = 10 * time.Second
	feed, err := cache.With(policy)
	if err != nil {
		log.Fatal(err)
	}

	silent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	mux := http.NewServeMux()
	mux.Handle("/feed", feed.Handler(silent))
	mux.Handle("/", cache.Handler(silent)) // nothing gives it a lifetime
	for range 2 {
		show(mux, "/feed")
		show(mux, "/")
	}
	// Output:
	// 200 hello (holdover; fwd=uri-miss; stored)
	// 200 hello (holdover; fwd=uri-miss; detail=no-lifetime)
	// 200 hello (holdover; hit)
	// 200 hello (holdover; fwd=uri-miss; detail=no-lifetime)
}

// A purge takes effect at once, for one URL, for everything with a tag, or for all.
func ExampleCache_Purge() {
	cache := mustNew(holdover.Config{Policy: holdover.Policy{TagFields: []string{"Surrogate-Key"}}})
	defer cache.Close()
	shop := cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Surrogate-Key", "book-7 books")
		fmt.Fprint(w, "a book")
	}))

	show(shop, "/books/7")
	show(shop, "/books/7")
	fmt.Println(cache.Purge(context.Background(), holdover.PurgeRequest{Tag: "books"}))
	show(shop, "/books/7")
	fmt.Println(cache.Purge(context.Background(), holdover.PurgeRequest{URL: "http://example.com/books/7"}))
	show(shop, "/books/7")
	fmt.Println(cache.Purge(context.Background(), holdover.PurgeRequest{}))
	// Output:
	// 200 a book (holdover; fwd=uri-miss; stored)
	// 200 a book (holdover; hit)
	// <nil>
	// 200 a book (holdover; fwd=uri-miss; stored)
	// <nil>
	// 200 a book (holdover; fwd=uri-miss; stored)
	// bad purge request: exactly one of url, tag and all must be given, not 0
}

// Who is on the list passes while the backend fails. Nobody else does.
func ExampleFallback() {
	list, err := holdover.NewAllowList("vera")
	if err != nil {
		log.Fatal(err)
	}
	cache := mustNew(holdover.Config{Policy: holdover.Policy{
		Key: holdover.Key{Fields: []string{"X-Api-Key"}}, // each client has a verdict of its own
		Fallback: holdover.Fallback{
			List:   list,
			Header: "X-Api-Key",
			Answer: holdover.Answer{Status: http.StatusNoContent},
			TTL:    30 * time.Second,
			Max:    10 * time.Minute,
		},
	}})
	defer cache.Close()
	gate := cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no answer from the backend", http.StatusGatewayTimeout)
	}))

	show(gate, "/may-i-pass", "X-Api-Key", "vera")
	show(gate, "/may-i-pass", "X-Api-Key", "mallory")
	// Output:
	// 204 (holdover; fwd=uri-miss; fwd-status=504; detail=fallback)
	// 504 no answer from the backend (holdover; fwd=uri-miss; detail=error-status)
}

// The hook is told of every decision. Here it writes down what failed and what was done
// about it.
func ExampleEvent() {
	cache := mustNew(holdover.Config{OnEvent: func(e holdover.Event) {
		switch e.Kind {
		case holdover.EventFetch:
			fmt.Println(e.Kind, e.Path, e.Reason)
		case holdover.EventAnswer:
			fmt.Println(e.Kind, e.Path, e.Status, e.Reason, e.Stale)
		}
	}})
	defer cache.Close()
	status := http.StatusOK
	site := cache.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0, stale-if-error=600")
		w.WriteHeader(status)
	}))

	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	status = http.StatusInternalServerError
	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Unordered output:
	// fetch / ok
	// answer / 200 uri-miss false
	// fetch / error-status
	// answer / 200 stale-if-error true
}

// A reverse proxy tells the cache that its origin can't be reached. Then a stored response
// may be used for as long as Grace.Keep says, without any header that allows it.
func ExampleErrorHandler() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0")
		w.Header().Set("ETag", `"1"`)
		fmt.Fprint(w, "hello")
	}))
	target, err := url.Parse(origin.URL)
	if err != nil {
		log.Fatal(err)
	}
	cache := mustNew(holdover.Config{})
	defer cache.Close()
	proxy := cache.Handler(&httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: holdover.ErrorHandler,
	})

	show(proxy, "/")
	origin.Close()
	show(proxy, "/")
	show(proxy, "/never-seen")
	// Output:
	// 200 hello (holdover; fwd=uri-miss; stored)
	// 200 hello (holdover; fwd=stale; fwd-status=502; detail=disconnected)
	// 502 Bad Gateway (holdover; fwd=uri-miss; detail=transport-error)
}

// What outer middleware stores in the context is invisible to the cache: who the user
// is must be named, or one user sees another's page.
func ExampleKey() {
	cache := mustNew(holdover.Config{Policy: holdover.Policy{
		Key: holdover.Key{Parts: func(r *http.Request) []string { return []string{userOf(r)} }},
	}})
	defer cache.Close()
	greeting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, "hello "+userOf(r))
	})
	site := signIn(cache.Handler(greeting))

	show(site, "/", "Session", "ann")
	show(site, "/", "Session", "bob")
	show(site, "/", "Session", "ann")
	// Output:
	// 200 hello ann (holdover; fwd=uri-miss; stored)
	// 200 hello bob (holdover; fwd=uri-miss; stored)
	// 200 hello ann (holdover; hit)
}

type userKey struct{}

func userOf(r *http.Request) string {
	user, _ := r.Context().Value(userKey{}).(string)
	return user
}

// signIn stands for middleware that keeps the user only in the context.
func signIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := context.WithValue(r.Context(), userKey{}, r.Header.Get("Session"))
		next.ServeHTTP(w, r.WithContext(user))
	})
}

func mustNew(cfg holdover.Config) *holdover.Cache {
	cache, err := holdover.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return cache
}

// show makes a request and prints the answer: status, body and Cache-Status, without
// the remaining lifetime, which may differ by a second.
func show(h http.Handler, target string, fields ...string) {
	r := httptest.NewRequest(http.MethodGet, "http://example.com"+target, nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Body))
	fmt.Printf("%s (%s)\n", answer, withoutTTL(w.Header().Get("Cache-Status")))
}

func withoutTTL(status string) string {
	parameters := strings.Split(status, "; ")
	kept := parameters[:0]
	for _, p := range parameters {
		if !strings.HasPrefix(p, "ttl=") {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "; ")
}

// The README's first program is the one that is compiled here.
func TestReadmeBeginsWithExample(t *testing.T) {
	body := func(file, begin string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), begin)
		require.True(t, found, file)
		body, _, found := strings.Cut(rest, "\n}\n")
		require.True(t, found, file)
		return body
	}
	require.Equal(t, body("example_test.go", "\nfunc Example() {"), body("README.md", "\nfunc main() {"))
}
