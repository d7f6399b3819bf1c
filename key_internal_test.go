// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func keyOf(p *rules, r *http.Request) string {
	return string(p.appendKey(nil, r, fieldsOfInterest(r.Header)))
}

// asking is a request as a server makes it, for a target as it came in.
func asking(t testing.TB, method, host, target string, pairs ...string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	require.NoError(t, err)
	r := &http.Request{Method: method, Host: host, RequestURI: target, URL: u, Header: http.Header{}, RemoteAddr: "192.0.2.1:1234"}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	return r
}

func TestKeyText(t *testing.T) {
	p := compiled(t, Policy{})
	r := asking(t, "GET", "example.com", "/a/b?c=d")
	require.Equal(t, "GET http 11:example.com 08:/a/b?c=d", keyOf(p, r))
	r.Method = "HEAD"
	require.Equal(t, "GET http 11:example.com 08:/a/b?c=d", keyOf(p, r))
	r.TLS = &tls.ConnectionState{}
	require.Equal(t, "GET https 11:example.com 08:/a/b?c=d", keyOf(p, r))
	long := "/" + strings.Repeat("x", 150)
	require.Equal(t, "GET http 01:h 151:"+long, keyOf(p, asking(t, "GET", "h", long)))
}

// A request made by hand has no request target.
func TestKeyWithoutRequestTarget(t *testing.T) {
	p := compiled(t, Policy{})
	byHand, err := http.NewRequest("GET", "http://example.com/a%2Fb?c", nil)
	require.NoError(t, err)
	require.Equal(t, keyOf(p, asking(t, "GET", "example.com", "/a%2Fb?c")), keyOf(p, byHand))
	byHand.URL = nil
	require.NotPanics(t, func() { keyOf(p, byHand) })
}

// Nothing is folded: the handler may tell all of these apart.
func TestKeysAreExact(t *testing.T) {
	p := compiled(t, Policy{})
	seen := map[string]string{}
	for _, r := range []*http.Request{
		asking(t, "GET", "example.com", "/"),
		asking(t, "POST", "example.com", "/"),
		asking(t, "GET", "Example.com", "/"),
		asking(t, "GET", "example.com:80", "/"),
		asking(t, "GET", "example.com", "//"),
		asking(t, "GET", "example.com", "/?"),
		asking(t, "GET", "example.com", "/a/../"),
		asking(t, "GET", "example.com", "/%61"),
		asking(t, "GET", "example.com", "/a"),
		asking(t, "GET", "example.com", "/a?b&c"),
		asking(t, "GET", "example.com", "/a?c&b"),
		asking(t, "GET", "example.com", "/a%3Fb&c"),
		asking(t, "GET", "example.com", "http://example.com/"),
	} {
		key := keyOf(p, r)
		require.NotContains(t, seen, key, "%s %s%s", r.Method, r.Host, r.RequestURI)
		seen[key] = r.RequestURI
	}
}

func TestKeyScheme(t *testing.T) {
	trusting := compiled(t, Policy{Safety: Safety{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}})
	careful := compiled(t, Policy{})
	for _, tt := range []struct {
		name              string
		claims            []string
		remote            string
		trusting, careful string
	}{
		{"none", nil, "192.0.2.1:1", "http", "http"},
		{"https", []string{"https"}, "192.0.2.1:1", "https", "http+https"},
		{"http", []string{"http"}, "192.0.2.1:1", "http", "http+http"},
		{"a stranger's", []string{"https"}, "198.51.100.1:1", "http+https", "http+https"},
		{"a mapped address", []string{"https"}, "[::ffff:192.0.2.1]:1", "https", "http+https"},
		{"an address that can't be read", []string{"https"}, "@", "http+https", "http+https"},
		// Whatever the handler makes of an odd claim, others don't get it.
		{"another case", []string{"HTTPS"}, "192.0.2.1:1", "http+ 05:HTTPS", "http+ 05:HTTPS"},
		{"a list", []string{"https,http"}, "192.0.2.1:1", "http+ 10:https,http", "http+ 10:https,http"},
		{"two lines", []string{"https", "http"}, "192.0.2.1:1", "http+ 10:https\nhttp", "http+ 10:https\nhttp"},
		{"an imitation", []string{"https 01:x"}, "192.0.2.1:1", "http+ 10:https 01:x", "http+ 10:https 01:x"},
		{"an empty line", []string{""}, "192.0.2.1:1", "http+ 00:", "http+ 00:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := asking(t, "GET", "h", "/")
			r.RemoteAddr = tt.remote
			if tt.claims != nil {
				r.Header["X-Forwarded-Proto"] = tt.claims
			}
			require.Equal(t, "GET "+tt.trusting+" 01:h 01:/", keyOf(trusting, r))
			require.Equal(t, "GET "+tt.careful+" 01:h 01:/", keyOf(careful, r))
		})
	}
}

// Over TLS a claim changes nothing but the key, also one that says the same.
func TestKeySchemeOverTLS(t *testing.T) {
	p := compiled(t, Policy{Safety: Safety{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}})
	for claim, want := range map[string]string{"": "https", "https": "https+https", "http": "https+http", "ftp": "https+ 03:ftp"} {
		r := asking(t, "GET", "h", "/")
		r.TLS = &tls.ConnectionState{}
		if claim != "" {
			r.Header.Set("X-Forwarded-Proto", claim)
		}
		require.Equal(t, "GET "+want+" 01:h 01:/", keyOf(p, r))
	}
}

// Behind http.StripPrefix two mounts see the same path of different URLs, and
// behind a rewrite different paths of the same URL.
func TestKeyHoldsThePathSeen(t *testing.T) {
	p := compiled(t, Policy{})
	rewritten := func(target, path, raw string) string {
		r := asking(t, "GET", "h", target)
		r.URL.Path, r.URL.RawPath = path, raw
		return keyOf(p, r)
	}
	keys := []string{
		rewritten("/a/x", "/a/x", ""), rewritten("/a/x", "/x", ""), rewritten("/b/x", "/x", ""),
		rewritten("/a%2Fx", "/a/x", "/a%2Fx"), rewritten("/a%2Fx", "/x", ""), rewritten("/a/b%2Fx", "/b/x", "/b%2Fx"),
	}
	for i, a := range keys {
		for _, b := range keys[:i] {
			require.NotEqual(t, a, b)
		}
	}
}

// Middleware that sets only URL.Path leaves a RawPath that no longer fits.
func TestKeySeesARewriteThatLeftRawPath(t *testing.T) {
	p := compiled(t, Policy{})
	seen := map[string]bool{}
	for _, tenant := range []string{"", "/one", "/two"} {
		r := asking(t, "GET", "h", "/a%2Fb")
		require.NotEmpty(t, r.URL.RawPath)
		r.URL.Path = tenant + r.URL.Path
		key := keyOf(p, r)
		require.NotContains(t, seen, key, "%q", tenant)
		seen[key] = true
	}
}

func TestKeyHoldsCredentialsAsDigests(t *testing.T) {
	const secret = "s3cr3t-and-long-enough-to-be-found"
	list, err := NewAllowList(secret)
	require.NoError(t, err)
	p := compiled(t, Policy{
		Key:      Key{Fields: []string{"authorization", "Cookie", "X-Token", "X-Open"}, Cookies: []string{"session"}},
		Fallback: Fallback{List: list, Header: "x-token"},
	})
	r := asking(t, "GET", "h", "/", "Authorization", "Bearer "+secret, "Cookie", "session="+secret, "X-Token", secret, "X-Open", "plain")
	key := keyOf(p, r)
	require.NotContains(t, key, secret)
	require.Contains(t, key, "plain")

	for _, name := range []string{"Authorization", "Cookie", "X-Token", "X-Open"} {
		other := r.Clone(t.Context())
		other.Header.Set(name, r.Header.Get(name)+"x")
		require.NotEqual(t, key, keyOf(p, other), name)
		other.Header.Del(name)
		require.NotEqual(t, key, keyOf(p, other), name)
		other.Header[name] = []string{""}
		without := keyOf(p, other)
		other.Header.Del(name)
		require.NotEqual(t, without, keyOf(p, other), "%s: empty and absent", name)
	}
}

// What Go's cookie parser doesn't like, the handler's parser may.
func TestKeyTellsAllCookieValuesApart(t *testing.T) {
	p := compiled(t, Policy{Key: Key{Cookies: []string{"session"}}})
	seen := map[string]string{}
	for _, cookies := range []string{
		"", "session=", "session=a", "session=b", "session=\xc3\xbc1", "session=\xc3\xbc2", `session=a"b`, `session=a\b`,
		"session=a; session=b", "session=b; session=a", "session=ab",
	} {
		r := asking(t, "GET", "h", "/")
		if cookies != "" {
			r.Header.Set("Cookie", cookies)
		}
		key := keyOf(p, r)
		require.NotContains(t, seen, key, "%q like %q", cookies, seen[key])
		seen[key] = cookies
	}
	r := asking(t, "GET", "h", "/", "Cookie", "other=1; session=a; another=2")
	require.Equal(t, "session=a", seen[keyOf(p, r)], "other cookies don't count")
}

// Parts that look like what follows them.
var imitations = []string{
	"", " ", ":", "0", "/", "a", " 01:a", "01:a", "00:", " k 01:a", " f1 01:a", " b 01:a", " p 01:/", " v1.0", "\n", "a\nb", "http", "https",
}

// part draws an imitation or a mixture of their characters.
func part(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		return imitations[r.IntN(len(imitations))]
	}
	const alphabet = " :0123456789kfpbcv/ab"
	b := make([]byte, r.IntN(6))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// Two requests that differ in anything that belongs to the key never share one.
func TestKeysAreInjective(t *testing.T) {
	type tenant struct{}
	p := compiled(t, Policy{Key: Key{
		Fields: []string{"X-A", "X-B"},
		Parts: func(r *http.Request) []string {
			parts, _ := r.Context().Value(tenant{}).([]string)
			return parts
		},
		Target: func(r *http.Request) string { return r.URL.Opaque },
	}})
	rnd := rand.New(rand.NewPCG(5, 6))
	seen := map[string]string{}
	for range 30_000 {
		r := &http.Request{Method: "GET", Host: part(rnd), Header: http.Header{}, URL: &url.URL{Opaque: part(rnd)}}
		var what strings.Builder
		fmt.Fprintf(&what, "%q %q", r.Host, r.URL.Opaque)
		for _, name := range []string{"X-A", "X-B"} {
			for range rnd.IntN(3) {
				r.Header[name] = append(r.Header[name], strings.ReplaceAll(part(rnd), "\n", ""))
			}
			fmt.Fprintf(&what, " %q", r.Header[name])
		}
		if rnd.IntN(3) == 0 {
			claim := part(rnd)
			r.Header.Set("X-Forwarded-Proto", claim)
			fmt.Fprintf(&what, " claim %q", claim)
		}
		var parts []string
		for range rnd.IntN(3) {
			parts = append(parts, part(rnd))
		}
		fmt.Fprintf(&what, " %q", parts)
		r = r.WithContext(context.WithValue(r.Context(), tenant{}, parts))
		key := keyOf(p, r)
		body := ""
		if rnd.IntN(3) == 0 {
			body = part(rnd)
			key = string(appendBody([]byte(key), []byte(body), nil))
			fmt.Fprintf(&what, " body %q", body)
		}
		if before, known := seen[key]; known {
			require.Equal(t, before, what.String(), "share %q", key)
		}
		seen[key] = what.String()
	}
}

// A variant's key is never a primary key, and none of another generation or slot.
func TestVariantKeysAreInjective(t *testing.T) {
	p := compiled(t, Policy{Key: Key{Parts: func(*http.Request) []string { return []string{" v1.2"} }}})
	primary := []byte(keyOf(p, asking(t, "GET", "h", "/ v1.2")))
	seen := map[string]bool{string(primary): true}
	for _, generation := range []uint64{0, 1, 0x11, 1 << 63} {
		for _, slot := range []uint64{0, 1, 0x11, 4095} {
			key := string(appendVariant(nil, primary, generationText(generation), slot))
			require.NotContains(t, seen, key)
			require.True(t, strings.HasPrefix(key, string(primary)))
			seen[key] = true
		}
	}
}

func TestVariantSlotsAreSpread(t *testing.T) {
	const slots, values = 64, 64 * 200
	for _, generation := range []uint64{0, 1, rand.Uint64()} {
		var count [slots]int
		for i := range values {
			h := http.Header{"Accept-Language": {fmt.Sprintf("x-%d", i)}}
			count[variantSlot(generation, httpfield.AppendSelected(nil, []string{"Accept-Language"}, h, "", httpfield.Strict), slots)]++
		}
		chi := 0.0
		for _, n := range count {
			chi += float64((n-200)*(n-200)) / 200
		}
		// 63 degrees of freedom: mean 63, and beyond 130 once in a million times.
		require.Less(t, chi, 130.0, "generation %x", generation)
	}
}

// Who finds values that meet in one slot under one generation has found nothing for
// the next.
func TestVariantSlotsDependOnTheGeneration(t *testing.T) {
	const slots = 256
	value := func(i int) []byte { return fmt.Appendf(nil, "value-%d", i) }
	var meeting []int
	for i := range 20_000 {
		if variantSlot(1, value(i), slots) == 0 {
			meeting = append(meeting, i)
		}
	}
	require.Greater(t, len(meeting), 30)
	again := map[uint64]bool{}
	for _, i := range meeting {
		again[variantSlot(2, value(i), slots)] = true
	}
	require.Greater(t, len(again), len(meeting)/2)
}

func TestVariantSlotIsWithinBounds(t *testing.T) {
	for _, slots := range []int{1, 2, 3, 4096} {
		for i := range 100 {
			require.Less(t, variantSlot(uint64(i), make([]byte, i), slots), uint64(slots))
		}
	}
}

// Middleware that rewrites the query makes other requests of it.
func TestRewrittenQueriesAreKeys(t *testing.T) {
	p := compiled(t, Policy{})
	keys := map[string]bool{}
	for _, query := range []string{"x", "x&tenant=a", "x&tenant=b", ""} {
		r := asking(t, "GET", "h", "/a?x")
		r.URL.RawQuery = query
		keys[keyOf(p, r)] = true
	}
	require.Len(t, keys, 4)
}

func TestSameTarget(t *testing.T) {
	for _, tt := range []struct {
		target, path, raw string
		want              bool
	}{
		{"/a", "/a", "", true},
		{"/a?b=/c", "/a", "", true},
		{"/a?", "/a", "", true},
		{"/a%20b", "/a b", "", true},
		{"/%c3%bc", "/ü", "", true},
		{"/a%2Fb", "/a/b", "/a%2Fb", true},
		{"http://h/a?b", "/a", "", true},
		{"//a", "//a", "", true},
		{"/a", "/b", "", false},
		{"/a", "/a/", "", false},
		{"/a/", "/a", "", false},
		{"/a", "", "", false},
		{"/a%2Fb", "/a/b", "/a/b", false},
		{"/a%2Fb", "/x", "/a%2Fb", false},
		{"/x/a%2Fb", "/a/b", "/a%2Fb", false},
	} {
		_, query, _ := strings.Cut(tt.target, "?")
		u := &url.URL{Path: tt.path, RawPath: tt.raw, RawQuery: query}
		require.Equal(t, tt.want, sameTarget(tt.target, u), "%s as %q %q", tt.target, tt.path, tt.raw)
	}
}

// Whatever url.ParseRequestURI makes of a target is the path of that target, and a
// URL that passes for it has that path and no other.
func FuzzSameTarget(f *testing.F) {
	for _, seed := range []string{"/", "/a%2Fb", "/a b", "//x", "/%C3%BC?x", "/a#b", "/a%", "http://h/x", "/a;b", "*", "/a%00", "/+%2b"} {
		f.Add(seed, seed)
	}
	f.Add("/a?b", "/a?b")
	f.Add("A://0", "0")
	f.Add("A::///", "/")
	f.Add("htt:p//h/x", "htt:p//h/x")
	f.Fuzz(func(t *testing.T, target, other string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		if target[0] == '/' && !sameTarget(target, u) {
			t.Errorf("%q is not the path of %q, %q", target, u.Path, u.RawPath)
		}
		for _, seen := range []*url.URL{
			{Path: other, RawQuery: u.RawQuery},
			{Path: other, RawPath: u.RawPath, RawQuery: u.RawQuery},
			{Path: other, RawPath: target, RawQuery: u.RawQuery},
		} {
			if sameTarget(target, seen) && seen.Path != u.Path {
				t.Errorf("%q, %q passes for %q", seen.Path, seen.RawPath, target)
			}
		}
	})
}

// A cookie that the handler reads is in the key however its name is spaced: else what
// it makes of it would be given to those without.
func TestCookieTextWithBlanks(t *testing.T) {
	for _, line := range []string{"theme =dark", "theme\t=dark", " theme =dark", "a=b; theme =dark"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", line)
		seen, err := r.Cookie("theme")
		require.NoError(t, err)
		require.Equal(t, "dark", seen.Value)
		require.Equal(t, cookieText([]string{"theme=dark"}, "theme"), cookieText([]string{line}, "theme"), line)
	}
}

func TestKeyAllocatesNothing(t *testing.T) {
	p := compiled(t, Policy{})
	r := httptest.NewRequest("GET", "http://example.com/a%20path?q=1", nil)
	buf := make([]byte, 0, 256)
	in := fieldsOfInterest(r.Header)
	require.Zero(t, testing.AllocsPerRun(100, func() { buf = p.appendKey(buf[:0], r, in) }))
}
