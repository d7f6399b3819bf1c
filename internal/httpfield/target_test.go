// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestNormalizeTarget(t *testing.T) {
	cases := []struct{ host, target, want string }{
		{"example.com", "/", "example.com/"},
		{"EXAMPLE.com", "/Path?Q=A", "example.com/Path?Q=A"}, // RFC 9110 §4.2.3
		{"example.com:80", "/", "example.com/"},
		{"example.com:443", "/", "example.com/"},
		{"example.com:", "/", "example.com/"},
		{"example.com:8080", "/", "example.com:8080/"},
		{"[::1]:443", "/", "[::1]/"},
		{"[2001:DB8::80]", "/", "[2001:db8::80]/"},
		{"2001:db8::80", "/", "2001:db8::80/"},
		{"h", "", "h/"},
		{"h", "?a=1", "h/?a=1"},
		{"h", "*", "h*"},
		{"h", "a/b", "h/a/b"},
		{"h", "/a#frag", "h/a"},
		{"h", "/a?b=1#c?d", "h/a?b=1"},
		{"h", "http://other:8080/a?b", "h/a?b"}, // RFC 9112 §3.2.2
		{"h", "http://other", "h/"},
		{"h", "http://other?b", "h/?b"},
		{"h", "/go?to=http://other/a", "h/go?to=http://other/a"},
		{"h", "//other/a", "h//other/a"},
		{"h", "/%41%7a%2D%2e%5F%7E%30", "h/Az-._~0"}, // RFC 3986 §6.2.2.2
		{"h", "/%2f%3F%25", "h/%2F%3F%25"},           // RFC 3986 §6.2.2.1
		{"h", "/%2541", "h/%2541"},
		{"h", "/%", "h/%25"},
		{"h", "/%4", "h/%254"},
		{"h", "/%zz%4g", "h/%25zz%254g"},
		{"h", "/é |\"", "h/%C3%A9%20%7C%22"},
		{"h", "/a!$&'()*+,;=:@[]", "h/a!$&'()*+,;=:@[]"},
		{"h", "/a/../b/./c", "h/a/../b/./c"},
		{"h", "/?b=2&a=1&b=%31", "h/?b=2&a=1&b=1"},
		{"h", "/a%3db?c%3dd", "h/a%3Db?c%3Dd"},
	}
	for _, c := range cases {
		got := httpfield.NormalizeTarget([]byte("k:"), c.host, c.target)
		require.Equal(t, "k:"+c.want, string(got), "%s %s", c.host, c.target)
	}
}

// The form is stable, and names the same resource as the original.
func FuzzNormalizeTarget(f *testing.F) {
	for _, s := range []string{"/", "/a%20b?c=%c3", "http://x:80/a", "*", "%", "/%%34%31", "://", "?x://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		once := string(httpfield.NormalizeTarget(nil, "", target))
		require.Equal(t, once, string(httpfield.NormalizeTarget(nil, "", once)))
		if u, err := url.ParseRequestURI(target); err == nil && strings.HasPrefix(target, "/") && !strings.Contains(target, "#") {
			again, err := url.ParseRequestURI(once)
			require.NoError(t, err)
			require.Equal(t, u.Path, again.Path)
		}
	})
}
