// SPDX-License-Identifier: MIT

package holdover

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/holdover-go/holdover/internal/httpfield"
)

// The key text is a method class, a scheme and a row of parts, each preceded by its
// length, so that no part can imitate the end of another:
//
//	GET https 11:example.com 08:/a/b?c=d
//
// GET stands for HEAD too. Host, path and query are taken exactly as they came
// in; two spellings of one URL are two keys, because the handler may tell them
// apart.

// appendKey appends the canonical key text of a request. It allocates nothing
// unless the policy extends keys.
func (p *rules) appendKey(dst []byte, r *http.Request, in interest) []byte {
	if r.Method == http.MethodHead {
		dst = append(dst, http.MethodGet...)
	} else {
		dst = append(dst, r.Method...)
	}
	dst = append(dst, ' ')
	dst = p.appendScheme(dst, r, in)
	dst = appendPart(dst, r.Host)

	_, target := p.target(r)
	dst = appendPart(dst, target)
	if r.URL != nil && r.RequestURI != "" && !sameTarget(r.RequestURI, r.URL) {
		dst = append(dst, " p"...)
		dst = appendPart(dst, r.URL.EscapedPath())
		dst = appendPart(dst, p.hide("?"+r.URL.RawQuery))
	}
	if p.extendsKey {
		dst = p.appendExtras(dst, r)
	}
	return dst
}

// appendScheme appends the scheme that the client used. Behind a proxy that
// isn't trusted the claim of X-Forwarded-Proto makes a key of its own, so that
// nobody is given what was stored under another's claim.
func (p *rules) appendScheme(dst []byte, r *http.Request, in interest) []byte {
	own := "http"
	if r.TLS != nil {
		own = "https"
	}
	if in&hasForwardedProto == 0 {
		return append(dst, own...)
	}
	claims := r.Header["X-Forwarded-Proto"]
	known := len(claims) == 1 && (claims[0] == "http" || claims[0] == "https")
	switch {
	case known && r.TLS == nil && p.trustsProxy(r.RemoteAddr):
		return append(dst, claims[0]...)
	case known:
		return append(append(append(dst, own...), '+'), claims[0]...)
	}
	// An odd claim changes nothing for others, whatever the handler makes of it.
	return appendPart(append(append(dst, own...), '+'), strings.Join(claims, "\n"))
}

func (p *rules) trustsProxy(remote string) bool {
	if len(p.Safety.TrustedProxies) == 0 {
		return false
	}
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, prefix := range p.Safety.TrustedProxies {
		if prefix.Contains(addr.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// appendExtras appends what the policy adds, each part with its kind.
func (p *rules) appendExtras(dst []byte, r *http.Request) []byte {
	for _, name := range p.keyFields {
		dst = append(dst, " f"...)
		values := strings.Join(r.Header[name], "\n")
		if name == "Authorization" || name == "Cookie" || p.isCredentialField(name) {
			values = digest(values)
		}
		dst = append(dst, strconv.Itoa(len(r.Header[name]))...)
		dst = appendPart(dst, values)
	}
	for _, name := range p.Key.Cookies {
		dst = append(dst, " c"...)
		dst = appendPart(dst, digest(cookieText(r.Header["Cookie"], name)))
	}
	if p.Key.Parts != nil {
		for _, part := range p.Key.Parts(r) {
			dst = append(dst, " k"...)
			dst = appendPart(dst, part)
		}
	}
	return dst
}

// cookieText is all values of a cookie, as they stand there: what net/http takes for
// invalid, the handler may still read.
func cookieText(lines []string, name string) string {
	var text strings.Builder
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			key, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if strings.Trim(key, " \t") == name { // as net/http reads it
				text.WriteString(strconv.Itoa(len(value)) + ":" + value)
			}
		}
	}
	return text.String()
}

func (p *rules) isCredentialField(name string) bool {
	return p.Fallback.Header != "" && name == http.CanonicalHeaderKey(p.Fallback.Header)
}

// digest is how credentials enter a key: 128 bits of their SHA-256.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

func appendPart(dst []byte, s string) []byte {
	if n := len(s); n < 100 { // nearly always, and quicker than strconv
		dst = append(dst, ' ', byte('0'+n/10), byte('0'+n%10), ':')
	} else {
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(n), 10)
		dst = append(dst, ':')
	}
	return append(dst, s...)
}

// appendBody adds the digest of a request body to the key, and of what it is said to be.
func appendBody(dst []byte, body []byte, h http.Header) []byte {
	var text []byte
	for _, name := range [...]string{"Content-Type", "Content-Encoding"} {
		text = appendPart(text, strings.Join(h[name], "\n"))
	}
	return appendPart(append(dst, " b"...), digest(string(append(text, body...))))
}

// appendSelected appends the text of what a request selects a variant by.
func (p *rules) appendSelected(dst []byte, names []string, h http.Header, host string) []byte {
	return httpfield.AppendSelected(dst, names, h, host, httpfield.Syntax(p.Profile == RFC))
}

// appendVariant makes the key of a variant out of the primary key. The
// generation ties it to one vary record: a new record makes all of them unreachable.
func appendVariant(dst, primary []byte, generation string, slot uint64) []byte {
	dst = append(dst, primary...)
	dst = append(dst, generation...)
	return strconv.AppendUint(dst, slot, 16)
}

// generationText is the part of a variant's key that is the same for all variants.
func generationText(generation uint64) string {
	return " v" + strconv.FormatUint(generation, 16) + "."
}

// variantSlot spreads the selected values over the slots of a URL. The random
// generation keeps clients from choosing values that meet in one slot.
func variantSlot(generation uint64, selected []byte, slots int) uint64 {
	h := generation ^ uint64(len(selected))
	for len(selected) >= 8 {
		h = mix(h ^ binary.LittleEndian.Uint64(selected))
		selected = selected[8:]
	}
	for _, c := range selected {
		h = mix(h ^ uint64(c))
	}
	n, _ := bits.Mul64(h, uint64(slots)) // what % gives, in a fifth of the time
	return n
}

// mix is the finalizer of splitmix64: every bit of h changes half of the result's.
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}

// target returns what a key and a purge know a URL by: host, and path and query as
// they came in, or as the policy rewrites them.
func (p *rules) target(r *http.Request) (host, target string) {
	if p.Key.Target != nil {
		return r.Host, p.Key.Target(r)
	}
	target = r.RequestURI
	if target == "" && r.URL != nil { // a request made by hand
		target = r.URL.RequestURI()
	}
	return r.Host, p.hide(target)
}

// hide takes a declared credential out of a target's query.
func (p *rules) hide(target string) string {
	if p.Fallback.Query == "" {
		return target
	}
	return hideCredential(target, p.Fallback.Query)
}

// sameTarget reports whether path and query that the middleware sees are those of the
// request target. They aren't behind http.StripPrefix, where two mounts may see the
// same path, nor behind middleware that rewrites the URL.
func sameTarget(target string, u *url.URL) bool {
	// Nearly always the path stands in the target just as it is seen, perhaps behind
	// scheme and host (RFC 9112 §3.2.2).
	if n := len(u.Scheme) + len("://") + len(u.Host); u.Host != "" && n < len(target) && target[n] == '/' &&
		target[0] != '/' && target[n-len(u.Host):n] == u.Host {
		target = target[n:]
	}
	if n := len(u.Path); n > 0 && u.Path[0] == '/' && u.RawPath == "" && strings.HasPrefix(target, u.Path) &&
		(n == len(target) || target[n] == '?') && strings.IndexByte(u.Path, '%') < 0 {
		return sameQuery(target[n:], u)
	}
	if scheme, absolute, is := strings.Cut(target, "://"); is && target[0] != '/' && !strings.Contains(scheme, ":") {
		if i := strings.IndexAny(absolute, "/?"); i >= 0 { // RFC 9112 §3.2.2
			target = absolute[i:]
		} else {
			target = ""
		}
	} else if target != "" && target != "*" && target[0] != '/' {
		return false // no form of a target that has a path (RFC 9112 §3.2)
	}
	n := strings.IndexByte(target, '?')
	if n < 0 {
		n = len(target)
	}
	return samePath(target[:n], u) && sameQuery(target[n:], u)
}

// sameQuery compares what follows the path, with its question mark.
func sameQuery(rest string, u *url.URL) bool {
	if rest == "" {
		return u.RawQuery == ""
	}
	return rest[1:] == u.RawQuery
}

// samePath compares a path of the target with the one seen, decoding on the way.
func samePath(path string, u *url.URL) bool {
	if u.RawPath != "" && path != u.RawPath {
		return false
	}
	seen, at := u.Path, 0
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) {
			c = unhex(path[i+1])<<4 | unhex(path[i+2])
			i += 2
		}
		if at == len(seen) || seen[at] != c {
			return false
		}
		at++
	}
	return at == len(seen)
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// hideCredential puts a digest in the place of a credential in the query: credentials
// are never stored.
func hideCredential(target, name string) string {
	path, query, given := strings.Cut(target, "?")
	if !given {
		return target
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil && plain == name {
			pairs[i] = key + "=" + digest(value)
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

// rewrites reports whether keys hold another target than the request's.
func (p *rules) rewrites() bool { return p.Key.Target != nil || p.Fallback.Query != "" }
