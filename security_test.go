// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// echo answers with what f says of the request, to be stored.
func echo(f func(r *http.Request) string) *origin {
	return newOrigin(func(w http.ResponseWriter, r *http.Request) {
		answer(200, f(r), "Cache-Control", "max-age=60")(w, r)
	})
}

// What a client claims about the scheme makes a key of its own, unless a trusted
// proxy says it.
func TestSecurityForwardedProto(t *testing.T) {
	proto := func(r *http.Request) string { return "links to " + r.Header.Get("X-Forwarded-Proto") }
	t.Run("poisoning", func(t *testing.T) {
		for _, claim := range []string{"https", "http"} {
			h := newCache(t, holdover.Config{}).Handler(echo(proto))
			get(h, "X-Forwarded-Proto", claim)
			require.Equal(t, "links to ", get(h).Body.String(), claim)
			require.Equal(t, "links to "+claim, get(h, "X-Forwarded-Proto", claim).Body.String())
		}
	})
	t.Run("odd claims", func(t *testing.T) {
		for _, claim := range []string{"HTTPS", "https, http", "javascript", "http+https", " https"} {
			h := newCache(t, holdover.Config{}).Handler(echo(proto))
			get(h, "X-Forwarded-Proto", claim)
			require.Equal(t, "links to ", get(h).Body.String(), claim)
		}
	})
	t.Run("over TLS", func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(echo(proto))
		const url = "https://example.com/page"
		ask(h, "GET", url, "X-Forwarded-Proto", "http")
		require.Equal(t, "links to ", ask(h, "GET", url).Body.String())
	})
	t.Run("trusted", func(t *testing.T) {
		policy := holdover.Policy{Safety: holdover.Safety{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}
		o := echo(proto)
		h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
		get(h, "X-Forwarded-Proto", "https") // httptest's peer is 192.0.2.1
		r := request("GET", page1, "X-Forwarded-Proto", "https")
		r.RemoteAddr = "198.51.100.1:1"
		h.ServeHTTP(&reusedWriter{h: http.Header{}}, r)
		require.EqualValues(t, 2, o.calls.Load(), "another's claim doesn't reach what a proxy vouched for")
		require.Equal(t, "links to https", get(h, "X-Forwarded-Proto", "https").Body.String())
		require.EqualValues(t, 2, o.calls.Load())
	})
}

// A field that the policy names is part of the key, so that nobody's X-Forwarded-Host
// poisons what others are given.
func TestSecurityForwardedHost(t *testing.T) {
	o := echo(func(r *http.Request) string { return strings.Join(r.Header["X-Forwarded-Host"], "|") })
	policy := holdover.Policy{Key: holdover.Key{Fields: []string{"x-forwarded-host"}}}
	h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
	for range 2 {
		require.Equal(t, "evil.example", get(h, "X-Forwarded-Host", "evil.example").Body.String())
		require.Equal(t, "", get(h).Body.String())
		require.Equal(t, "", get(h, "X-Forwarded-Host", "").Body.String())
		require.Equal(t, "a|b", get(h, "X-Forwarded-Host", "a", "X-Forwarded-Host", "b").Body.String())
		require.Equal(t, "a\nb", get(h, "X-Forwarded-Host", "a\nb").Body.String())
	}
	require.EqualValues(t, 5, o.calls.Load())
}

// No part of a key can be made to look like the end of another.
func TestSecurityKeyParts(t *testing.T) {
	policy := holdover.Policy{Key: holdover.Key{
		Fields: []string{"X-A", "X-B"}, Cookies: []string{"c"},
		Parts: func(r *http.Request) []string { return r.Header["X-Part"] },
	}}
	whole := func(r *http.Request) string {
		return fmt.Sprint(r.Host, r.RequestURI, r.URL.Path, r.Header["X-A"], "b", r.Header["X-B"], "c", r.Header["Cookie"], "p", r.Header["X-Part"])
	}
	h := newCache(t, holdover.Config{Policy: policy}).Handler(echo(whole))
	requests := [][]string{
		{}, {"X-A", "1"}, {"X-B", "1"}, {"X-A", "1", "X-A", "2"}, {"X-A", "1\n2"}, {"X-A", "1 f1 1:2"}, {"X-A", " f1 1:1"},
		{"X-Part", "a", "X-Part", "b"}, {"X-Part", "ab"}, {"X-Part", "a k 1:b"}, {"X-Part", "", "X-Part", "ab"}, {"X-Part", "ab", "X-Part", ""},
		{"Cookie", "c=1"}, {"Cookie", "c=1; c=2"}, {"Cookie", "c=12"}, {"Cookie", "c=2"},
		{"X-A", "1", "X-B", "2"}, {"X-A", "2", "X-B", "1"}, {"X-A", "1", "X-Part", "a"},
	}
	for range 2 {
		for _, fields := range requests {
			r := request("GET", page1, fields...)
			require.Equal(t, whole(r), get(h, fields...).Body.String())
		}
	}
	for _, host := range []string{"example.com 5:/page", "example.com", "example.co", "11:example.com"} {
		r := request("GET", page1)
		r.Host = host
		w := &reusedWriter{h: http.Header{}}
		h.ServeHTTP(w, r)
		require.Equal(t, len(whole(r)), w.n, host)
	}
}

// A method of one letter doesn't share the keys of GET.
func TestSecurityMethodClass(t *testing.T) {
	policy := holdover.Policy{Methods: []string{"GET", "G", "POST"}}
	h := newCache(t, holdover.Config{Policy: policy}).Handler(echo(func(r *http.Request) string { return r.Method }))
	for range 2 {
		for _, method := range []string{"GET", "G", "POST"} {
			require.Equal(t, method, ask(h, method, page1).Body.String())
		}
	}
}

// Mounts that see the same path keep their pages apart; request targets in absolute
// form mean the host that they name.
func TestSecurityMountsAndTargets(t *testing.T) {
	c := newCache(t, holdover.Config{})
	mux := http.NewServeMux()
	for _, prefix := range []string{"/a", "/b"} {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, c.Handler(echo(func(r *http.Request) string { return prefix + r.URL.Path }))))
	}
	for range 2 {
		require.Equal(t, "/a/x", ask(mux, "GET", "http://example.com/a/x").Body.String())
		require.Equal(t, "/b/x", ask(mux, "GET", "http://example.com/b/x").Body.String())
	}
	rewritten := func(to string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r2 := r.Clone(r.Context())
			r2.URL.Path = to
			next.ServeHTTP(w, r2)
		})
	}
	h := c.Handler(echo(func(r *http.Request) string { return r.URL.Path }))
	for range 2 {
		require.Equal(t, "/one", get(rewritten("/one", h)).Body.String())
		require.Equal(t, "/two", get(rewritten("/two", h)).Body.String())
		require.Equal(t, "/page", get(h).Body.String())
	}
	hosts := c.Handler(echo(func(r *http.Request) string { return r.Host }))
	for range 2 {
		require.Equal(t, "one.example", ask(hosts, "GET", "absolute http://one.example/x").Body.String())
		require.Equal(t, "two.example", ask(hosts, "GET", "absolute http://two.example/x").Body.String())
		require.Equal(t, "one.example", ask(hosts, "GET", "http://one.example/x").Body.String())
	}
}

// Whatever one client asks for itself leaves the others their fresh page, their stale
// one, what is being stored, and the sharing.
func TestSecurityDirectivesHarmNobodyElse(t *testing.T) {
	hostile := [][]string{
		{"Cache-Control", "no-store"}, {"Cache-Control", "no-cache"}, {"Cache-Control", "max-age=0"}, {"Pragma", "no-cache"},
		{"Cache-Control", "only-if-cached"}, {"Cache-Control", "min-fresh=999999"}, {"Cache-Control", "no-store, max-age=bad, \""},
		{"Authorization", "Bearer a"}, {"Cookie", "a=1"}, {"Range", "bytes=0-0"}, {"If-None-Match", "*"}, {"If-Match", `"x"`},
		{"Expect", "nothing"}, {"Accept", "text/event-stream"}, {"Upgrade", "h2c", "Connection", "Upgrade"},
		{"Cache-Control", "no-store", "Cookie", "a=1"}, {"If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"},
	}
	phases := map[string]struct {
		control string
		before  time.Duration // since it was stored; 0 = nothing is
		want    int64         // calls for the innocent
	}{
		"nothing stored": {"max-age=60", 0, 1},
		"fresh":          {"max-age=60", time.Second, 0},
		"stale":          {"max-age=60", 2 * time.Minute, 1},
		"behind":         {"max-age=60, stale-while-revalidate=600", 2 * time.Minute, 1},
	}
	for name, phase := range phases {
		for _, fields := range hostile {
			for _, method := range []string{"GET", "HEAD"} {
				t.Run(fmt.Sprint(name, method, fields), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						o := newOrigin(slowly(100*time.Millisecond, answer(200, digits, "Cache-Control", phase.control, "Etag", `"v2"`)))
						h := newCache(t, holdover.Config{}).Handler(o)
						if phase.before > 0 {
							get(h)
							time.Sleep(phase.before)
						}
						for range 5 {
							ask(h, method, page1, fields...)
							time.Sleep(50 * time.Millisecond)
						}
						time.Sleep(time.Second)
						before := o.calls.Load()
						together(20, func(int) {
							w := get(h)
							require.Equal(t, 200, w.Code)
							require.Equal(t, digits, w.Body.String())
						})
						time.Sleep(time.Second)
						require.LessOrEqual(t, o.calls.Load()-before, phase.want, "collapsed and stored")
						before = o.calls.Load()
						require.Equal(t, digits, get(h).Body.String())
						require.Equal(t, before, o.calls.Load(), "stored")
					})
				})
			}
		}
	}
}

// A flood of variants is bounded: it evicts variants, not other pages, and every answer
// is right.
func TestSecurityVaryFlood(t *testing.T) {
	const slots = 8
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		answer(200, r.Header.Get("X-V"), "Cache-Control", "max-age=60", "Vary", "X-V")(w, r)
	})
	c := newCache(t, holdover.Config{MaxVariants: slots})
	h := c.Handler(o)
	for range 2 {
		for i := range 200 {
			require.Equal(t, fmt.Sprint(i), get(h, "X-V", fmt.Sprint(i)).Body.String())
		}
	}
	hits := 0
	for i := range 200 {
		if strings.Contains(get(h, "X-V", fmt.Sprint(i)).Header().Get("Cache-Status"), "hit") {
			hits++
		}
	}
	require.LessOrEqual(t, hits, slots)
}

// Huge keys and floods of fields are answered, and hold nothing.
func TestSecurityHugeRequests(t *testing.T) {
	o := newOrigin(answer(200, "well", "Cache-Control", "max-age=60", "Vary", "X-Big, Accept-Encoding"))
	h := newCache(t, holdover.Config{}).Handler(o)
	for _, n := range []int{1 << 10, 31 << 10, 33 << 10, 70 << 10, 1 << 20} {
		big := strings.Repeat("x", n)
		for range 2 {
			require.Equal(t, "well", ask(h, "GET", page1+"?"+big).Body.String())
			require.Equal(t, "well", get(h, "X-Big", big).Body.String())
			require.Equal(t, "well", get(h, "Accept-Encoding", strings.Repeat("gzip;q=0.5,", n/10)).Body.String())
			require.Equal(t, "well", get(h, "Cache-Control", strings.Repeat("max-age=1,", n/10)).Body.String())
			require.NotZero(t, get(h, "Range", "bytes="+strings.Repeat("0-0,", n/4)+"1-1").Code)
			require.NotZero(t, get(h, "If-None-Match", strings.Repeat(`"a",`, n/4)).Code)
			require.Equal(t, "well", ask(h, "GET", page1, "Cookie", big).Body.String())
		}
	}
}

// Many small ranges are no lever: the answer isn't larger than a few bodies.
func TestSecurityRangeAmplification(t *testing.T) {
	body := strings.Repeat("x", 10<<10)
	h := newCache(t, holdover.Config{}).Handler(newOrigin(answer(200, body, "Cache-Control", "max-age=60", "Content-Type", "text/plain")))
	get(h)
	for _, spec := range []string{strings.Repeat("0-,", 1000) + "0-", strings.Repeat("0-0,", 5000) + "1-1"} {
		require.Less(t, get(h, "Range", "bytes="+spec).Body.Len(), 4*len(body)+4096)
	}
}

// Credentials are in no key, event or error.
func TestSecurityCredentialsStayOut(t *testing.T) {
	var ev events
	policy := holdover.Policy{Key: holdover.Key{Fields: []string{"Authorization"}, Cookies: []string{"sid"}}}
	c := newCache(t, holdover.Config{Policy: policy, OnEvent: ev.add})
	tried(c.Handler(newOrigin(failures["panic"])), "Authorization", "Bearer hunter2", "Cookie", "sid=hunter2")
	require.NoError(t, c.Close())
	require.NotEmpty(t, ev.list)
	for _, e := range ev.list {
		e.Stack = nil
		require.NotContains(t, fmt.Sprintf("%+v", e), "hunter2")
	}
}

// Wrong configurations are refused, and the error names the field.
func TestSecurityConfigErrorsNameTheField(t *testing.T) {
	policies := map[string]holdover.Policy{
		"Policy.Methods[0]":                  {Methods: []string{"CONNECT"}},
		"Policy.Methods[1]":                  {Methods: []string{"GET", "P OST"}},
		"Policy.Methods[2]":                  {Methods: []string{"GET", "POST", "POST"}},
		"Policy.Freshness.HeuristicFraction": {Freshness: holdover.Freshness{HeuristicFraction: 1.5}},
		"Policy.Freshness.StatusTTL[206]":    {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{206: {TTL: 1}}}},
		"Policy.Freshness.StatusTTL[416]":    {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{416: {TTL: 1}}}},
		"Policy.Freshness.StatusTTL[404]":    {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{404: {TTL: -1}}}},
		"Policy.Origin.ErrorStatuses[1]":     {Origin: holdover.Origin{ErrorStatuses: []int{500, 200}}},
		"Policy.Key.Fields[0]":               {Key: holdover.Key{Fields: []string{"X Y"}}},
		"Policy.Key.Cookies[0]":              {Key: holdover.Key{Cookies: []string{""}}},
		"Policy.Safety.TrustedProxies[0]":    {Safety: holdover.Safety{TrustedProxies: []netip.Prefix{{}}}},
		"Policy.Safety.Trusted":              {Safety: holdover.Safety{RequestDirectives: holdover.HonourTrusted}},
		"Policy.Safety.RequestDirectives":    {Safety: holdover.Safety{RequestDirectives: 9}},
		"Policy.Safety.SetCookie":            {Safety: holdover.Safety{SetCookie: 9}},
		"Policy.Safety.MaxBody":              {Safety: holdover.Safety{MaxBody: -1}},
		"Policy.TagFields[0]":                {TagFields: []string{"a:b"}},
		"Policy.Outcome":                     {Outcome: 9},
		"Policy.Allow":                       {Allow: holdover.Answer{Body: []byte("x")}},
		"Policy.Allow.Status":                {Outcome: holdover.AllowAll, Allow: holdover.Answer{Status: 304}},
	}
	for field, p := range policies {
		_, err := holdover.New(holdover.Config{Policy: p})
		problem, found := errors.AsType[*holdover.ConfigError](err)
		require.True(t, found, field)
		require.Equal(t, field, problem.Field)
		_, err = newCache(t, holdover.Config{}).With(p)
		require.ErrorContains(t, err, field)
	}
	for field, cfg := range map[string]holdover.Config{
		"StoreTimeout": {StoreTimeout: -1}, "MaxLife": {MaxLife: -1}, "CloseTimeout": {CloseTimeout: -1}, "MaxInFlight": {MaxInFlight: -1},
		"MaxVariants": {MaxVariants: -1}, "MaxAbandoned": {MaxAbandoned: -1},
	} {
		_, err := holdover.New(cfg)
		problem, found := errors.AsType[*holdover.ConfigError](err)
		require.True(t, found, field)
		require.Equal(t, field, problem.Field)
	}
	_, err := holdover.New(holdover.Config{MaxLife: -1, Policy: holdover.Policy{Outcome: 9, Methods: []string{"CONNECT"}}})
	for _, field := range []string{"MaxLife", "Policy.Outcome", "Policy.Methods[0]"} {
		require.ErrorContains(t, err, field, "all problems at once")
	}
}

// What the caller does with a policy after New or With changes nothing.
func TestSecurityPoliciesAreCopied(t *testing.T) {
	policy := holdover.Policy{
		Key:       holdover.Key{Fields: []string{"X-A"}},
		Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{200: {TTL: time.Minute}}},
	}
	c := newCache(t, holdover.Config{Policy: policy})
	o := newOrigin(answer(200, "x"))
	h := c.Handler(o)
	policy.Key.Fields[0] = "X-B"
	delete(policy.Freshness.StatusTTL, 200)
	got := c.Policy()
	got.Key.Fields[0] = "X-C"
	clear(got.Freshness.StatusTTL)
	get(h, "X-A", "1")
	get(h, "X-A", "1", "X-B", "2", "X-C", "3")
	require.EqualValues(t, 1, o.calls.Load())
	get(h, "X-A", "2")
	require.EqualValues(t, 2, o.calls.Load())
	require.Equal(t, []string{"X-A"}, c.Policy().Key.Fields)
}

// writtenDown is a store that finds nothing and remembers every byte it is given.
type writtenDown struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *writtenDown) Get(context.Context, string) (*store.Entry, error) {
	return nil, store.ErrNotFound
}

func (s *writtenDown) Set(_ context.Context, key string, e *store.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(key + "\n" + string(e.Bytes()) + "\n")
	return nil
}

func (s *writtenDown) Delete(context.Context, string) error { return nil }

// Credentials of requests are in no store, whatever selects by them or holds them.
func TestSecurityCredentialsAreNotStored(t *testing.T) {
	list, err := holdover.NewAllowList("hunter2")
	require.NoError(t, err)
	vary := func(name string) []string { return []string{"Cache-Control", "public, max-age=60", "Vary", name} }
	for name, tt := range map[string]struct {
		policy  holdover.Policy
		url     string
		request []string
		answer  []string
	}{
		"Vary: Cookie":        {holdover.Policy{}, page1, []string{"Cookie", "sid=hunter2"}, vary("Cookie")},
		"Vary: Authorization": {holdover.Policy{}, page1, []string{"Authorization", "Bearer hunter2"}, vary("authorization")},
		"among others":        {holdover.Policy{}, page1, []string{"Cookie", "sid=hunter2"}, vary("Accept, cookie, Host")},
		"key field":           {holdover.Policy{Key: holdover.Key{Fields: []string{"Authorization"}}}, page1, []string{"Authorization", "hunter2"}, vary("")},
		"key cookie":          {holdover.Policy{Key: holdover.Key{Cookies: []string{"sid"}}}, page1, []string{"Cookie", "sid=hunter2"}, vary("")},
		"query":               {holdover.Policy{Fallback: holdover.Fallback{List: list, Query: "key"}}, page1 + "?a=1&key=hunter2", nil, vary("")},
		"query, spelt":        {holdover.Policy{Fallback: holdover.Fallback{List: list, Query: "key"}}, page1 + "?%6bey=hunter2&key=hunter2", nil, vary("")},
		"query, absolute":     {holdover.Policy{Fallback: holdover.Fallback{List: list, Query: "key"}}, "absolute " + page1 + "?key=hunter2", nil, vary("")},
	} {
		t.Run(name, func(t *testing.T) {
			s := &writtenDown{}
			c := newCache(t, holdover.Config{Store: s, Policy: tt.policy})
			h := c.Handler(answer(200, "x", tt.answer...))
			for _, mounted := range []http.Handler{h, http.StripPrefix("/pa", h)} { // at /page, and at ge
				require.Equal(t, "x", ask(mounted, "GET", tt.url, tt.request...).Body.String())
			}
			require.NoError(t, c.Close(), "which writes what is queued")
			require.Contains(t, s.text.String(), "/page", "stored")
			require.NotContains(t, s.text.String(), "hunter2")
		})
	}
}

// Pages that never worked say nothing about the others: who asks for them again and
// again doesn't make a healthy origin look like a failing one.
func TestSecurityBrokenPagesLeaveOthersAlone(t *testing.T) {
	for name, broken := range map[string]http.HandlerFunc{"500": failures["500"], "429": failures["429"], "panic": failures["panic"]} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var version atomic.Int64
				h := newCache(t, holdover.Config{Detach: detached}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasPrefix(r.URL.Path, "/broken") {
						broken(w, r)
						return
					}
					answer(200, fmt.Sprint(version.Load()), "Cache-Control", "max-age=1, stale-if-error=600")(w, r)
				}))
				const pages = 100
				visit := func(i int) string { return ask(h, "GET", fmt.Sprint("http://example.com/", i)).Body.String() }
				for i := range pages {
					visit(i)
				}
				time.Sleep(2 * time.Second)
				version.Store(1)
				for i := range pages {
					together(4, func(n int) {
						_ = recovered(func() { ask(h, "GET", fmt.Sprintf("http://example.com/broken/%d/%d", i, n)) })
					})
					require.Equal(t, "1", visit(i), "page %d", i)
					time.Sleep(4 * time.Millisecond)
				}
			})
		})
	}
}

// Clients that open large pages and don't read them hold no room once those are
// stored: others still share and store.
func TestSecuritySlowReadersHoldNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		body := strings.Repeat("x", size-4) + "last"
		h := newCache(t, holdover.Config{MaxInFlight: size + 256<<10, Detach: detached}).
			Handler(answer(200, body, "Cache-Control", "max-age=60"))
		var slow []*stalledWriter
		wait := sync.WaitGroup{}
		for i := range 5 {
			w := &stalledWriter{h: http.Header{}, release: make(chan struct{})}
			slow = append(slow, w)
			url := fmt.Sprint("http://example.com/", i)
			wait.Go(func() { h.ServeHTTP(w, request("GET", url)) })
			synctest.Wait()
			hit := ask(h, "GET", url)
			require.Contains(t, hit.Header().Get("Cache-Status"), "; hit")
			require.Equal(t, body, hit.Body.String())
		}
		for _, w := range slow {
			close(w.release)
		}
		wait.Wait()
		for _, w := range slow {
			require.Equal(t, size, w.n, "the rest comes out of the store")
		}
	})
}

// A client that makes the handler fail for itself, and refuses what is stored, tells
// nothing of the origin: the others' pages stay fresh.
func TestRefusingTheCopyDoesNotMakeOthersStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Break") != "" {
				http.Error(w, "broken", http.StatusInternalServerError)
				return
			}
			answer(200, "hello", "Cache-Control", windowed)(w, r)
		}))
		for i := range 5 {
			ask(h, "GET", pageURL(i))
		}
		for round := range 100 {
			for i := range 5 {
				require.Equal(t, 500, ask(h, "GET", pageURL(i), "X-Break", "1", "Cache-Control", "no-cache").Code)
			}
			time.Sleep(100 * time.Millisecond)
			for i := range 5 {
				require.NotContains(t, ask(h, "GET", pageURL(i)).Header().Get("Cache-Status"), "ttl=-", "round %d", round)
			}
		}
	})
}
