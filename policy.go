// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"
)

// Policy says what may be stored, for how long, when a stale response may be
// given and what counts as a failure. The zero value is useful: a shared cache
// that stores what the origin allows and answers stale where the origin allows.
//
// Durations: 0 means the default, a negative value means off. What a response
// says about itself wins over the policy unless a field says otherwise.
type Policy struct {
	// Profile decides how much is reused: Safe (default) or RFC.
	Profile Profile

	// Methods that are answered from the cache. Default: GET and HEAD, which
	// go together. For a further method, such as POST, up to 64 KiB of the
	// request's body become part of the key; a request with more bypasses. A
	// method named here counts as safe: it invalidates nothing.
	Methods []string

	Freshness Freshness
	Grace     Grace
	Origin    Origin
	Key       Key
	Safety    Safety

	// TargetedFields are the names of the targeted fields that are meant for this
	// cache (RFC 9213 §2.2), the most specific first, such as "CDN-Cache-Control".
	// The first of them that a response has, and that is valid and not empty,
	// counts in place of Cache-Control and Expires; it is passed on like any other.
	// Default: none in the profile Safe, CDN-Cache-Control in RFC. A list takes the
	// place of the default; an empty one that isn't nil turns targeted fields off.
	TargetedFields []string

	// Outcome says what failures and denials do to what is stored.
	// Default: Resilient.
	Outcome Outcome

	// Allow is what the outcome policy AllowAll answers while the origin
	// fails. Default: 200 with no body.
	Allow Answer

	// Fallback lets clients on an allow list pass while the origin fails.
	Fallback Fallback

	// Tags returns further tags (cache groups) of a response, beside those
	// that it names itself in Cache-Groups (RFC 9875). It is called for every
	// response that may be stored and must not keep its arguments.
	Tags func(r *http.Request, status int, header http.Header) []string

	// TagFields are response fields that hold tags separated by blanks or
	// commas, such as "Surrogate-Key" or "Cache-Tag".
	TagFields []string

	// Bypass sends a request straight to the handler. Identity that outer
	// middleware keeps only in the request's context is invisible to the
	// cache: name it here or in Key.Parts, or one user sees another's page.
	Bypass func(*http.Request) bool

	// HoldBack keeps a response back until it is complete, up to the size
	// of 64 KiB, also where no stored copy could replace it, so that one
	// that breaks off becomes an honest 502 instead of half a body; for at most
	// Origin.HardTimeout, and not event streams. Under AllowAll and with a Fallback
	// it is always on.
	HoldBack bool
}

// Profile is how much of what RFC 9111 allows is done. Both conform to it.
type Profile uint8

const (
	// Safe reuses nothing that operators come to regret. Responses that set cookies
	// are not stored (see Safety.SetCookie); a heuristic lifetime is kept from requests
	// with credentials; an explicit stale-while-revalidate or stale-if-error counts
	// beside s-maxage; and no targeted field is taken as meant for this cache.
	Safe Profile = iota
	// RFC reuses all that RFC 9111 lets a shared cache reuse. Responses are stored
	// with their cookies (§7.3); heuristic lifetimes (§4.2.2) apply whatever the request
	// carried, as far as §3.5 allows for Authorization; s-maxage forbids every stale use (§5.2.2.10);
	// CDN-Cache-Control counts (RFC 9213); and in selecting fields whose syntax isn't
	// known, blanks around commas don't tell requests apart (§4.1).
	RFC
)

// String returns the name as it stands in flags: safe or rfc.
func (p Profile) String() string {
	switch p {
	case Safe:
		return "safe"
	case RFC:
		return "rfc"
	}
	return fmt.Sprintf("Profile(%d)", uint8(p))
}

// ParseProfile reads safe or rfc.
func ParseProfile(name string) (Profile, error) {
	switch name {
	case "safe":
		return Safe, nil
	case "rfc":
		return RFC, nil
	}
	return Safe, &ConfigError{Field: "Policy.Profile", Err: fmt.Errorf("%q is neither safe nor rfc, in lower case", name)}
}

// Freshness says how long a response is fresh where the origin is silent.
// Nothing here applies against the origin's prohibition (no-store, private), nor to
// a response whose request carried Cookie or Authorization, see Safety; but for the
// heuristic in the profile RFC.
type Freshness struct {
	// StatusTTL gives lifetimes by status. See ParseStatusTTL for the text form.
	StatusTTL StatusTTL

	// DefaultTTL is the lifetime of responses with a heuristically cacheable
	// status (RFC 9110 §15.1) that no other rule covers. Default: none.
	DefaultTTL time.Duration

	// HeuristicFraction of the time since Last-Modified is taken as lifetime
	// (RFC 9111 §4.2.2). Default: 0.1; negative: off.
	HeuristicFraction float64

	// HeuristicMax bounds a heuristic lifetime. Default: 24 h.
	HeuristicMax time.Duration

	// Jitter shortens every lifetime by a random part of up to this share of it, so
	// that what was stored together isn't fetched again together. From 0, the default,
	// to below 1.
	Jitter float64
}

// Grace gives the windows in which a stale response may be used where the
// origin gave none. They never apply against must-revalidate, proxy-revalidate,
// s-maxage or no-cache.
type Grace struct {
	// StaleWhileRevalidate (RFC 5861 §3): answer stale, revalidate behind.
	// Default: none.
	StaleWhileRevalidate time.Duration

	// StaleIfError (RFC 5861 §4): answer stale when the origin fails.
	// Default: none.
	StaleIfError time.Duration

	// Keep is how long a stale response is kept for revalidation, and for
	// answering while the origin can't be reached (RFC 9111 §4.2.4), which
	// is a transport error or a timeout, never a status. Default: 1 h.
	Keep time.Duration
}

// Origin says how the handler is called and what counts as its failure.
type Origin struct {
	// EarlyRevalidation makes requests that hit a response shortly before its lifetime
	// ends fetch a new one behind, so that hardly anybody meets it stale: the likelier
	// the nearer the end is, and the earlier the longer the last fetch took (XFetch:
	// Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
	// Prevention", 2015). It is the factor β there, 1 being usual. Default: none.
	EarlyRevalidation float64

	// SoftTimeout is how long a request with a usable stale copy waits for
	// a newer one. The fetch goes on behind. Default: twice what fetches of this
	// key usually take, from 500 ms to 5 s, and 500 ms where the last one took longer
	// than that. What is usual grows at most twofold with each fetch. Where visitors
	// aren't so patient, set it.
	SoftTimeout time.Duration

	// HardTimeout bounds the wait for the final header, and then, while the
	// response is being stored, the gap between two writes. A request that waited for
	// another's response, which turned out to be for that one alone, has as long for
	// its own. A deadline of the request's context, and http.Server.WriteTimeout, bound
	// the waits too. Default: 30 s.
	HardTimeout time.Duration

	// ErrorStatuses are failures of the origin. 408 and 429 are always
	// treated as throttling. Default: 500, 502, 503 and 504.
	ErrorStatuses []int

	// Scope names the origin that a request goes to: failures of one key
	// slow down the fetches of all keys in its scope. Default: one scope for
	// each handler that is wrapped.
	Scope func(*http.Request) string

	// FetchRate bounds the fetches per second and scope, of one wrapped handler in one
	// process, for which a stored response can be given meanwhile: those that requests
	// wait for and those behind stale answers together. They are evenly spaced. A key
	// whose turn has not come is answered stale, within its windows, and fetched behind
	// when it has. Default: 100 for fetches that no request waits for, the others
	// unbounded. Negative: all unbounded.
	FetchRate float64
}

// Key says what belongs to the cache key beside method, scheme, host, path and
// query. The values of Authorization and Cookie enter it as a digest only.
type Key struct {
	// Fields are request fields whose values are part of the key.
	Fields []string

	// Cookies are names of cookies whose values are part of the key.
	Cookies []string

	// Parts returns further parts, such as a tenant. It names the identity
	// that outer middleware keeps in the request's context.
	Parts func(*http.Request) []string

	// Target rewrites path and query for the key, for example to leave out
	// parameters that the handler ignores. The handler sees the request
	// unchanged. What it ignores must really not matter to the answer.
	Target func(*http.Request) string
}

// SetCookie says what happens to a response that sets cookies.
type SetCookie uint8

const (
	// SetCookieByProfile is RefuseSetCookie in the profile Safe and StoreSetCookie in
	// RFC.
	SetCookieByProfile SetCookie = iota
	// RefuseSetCookie passes the response on and doesn't store it.
	RefuseSetCookie
	// StripSetCookie stores it without Set-Cookie; only the client whose
	// request made the handler run gets the cookies.
	StripSetCookie
	// StoreSetCookie stores it with its cookies, as RFC 9111 §7.3 allows: everybody
	// gets the cookies of the client whose request made the handler run.
	StoreSetCookie
)

// RequestDirectives says whose Cache-Control in a request counts (RFC 9111 §5.2.1).
type RequestDirectives uint8

const (
	// HonourDirectives obeys every client.
	HonourDirectives RequestDirectives = iota
	// IgnoreDirectives obeys none.
	IgnoreDirectives
	// HonourTrusted obeys those for whom Safety.Trusted says true.
	HonourTrusted
)

// Safety bounds what clients and origins can make the cache do.
type Safety struct {
	// SetCookie: refuse, strip or store responses that set cookies. Default: by
	// Policy.Profile.
	SetCookie SetCookie

	// RequestDirectives: honour (default), ignore, or honour for the trusted.
	RequestDirectives RequestDirectives

	// Trusted says whose directives count under HonourTrusted.
	Trusted func(*http.Request) bool

	// TrustedProxies are the addresses whose X-Forwarded-Proto tells the
	// scheme. From others its value, where it is exactly http or https, is
	// only part of the key.
	TrustedProxies []netip.Prefix

	// IrrelevantCookies declares that no response depends on Cookie, unless
	// it says so in Vary. Without it, a lifetime that isn't the origin's own
	// is never given to a response whose request carried Cookie.
	IrrelevantCookies bool

	// IrrelevantCertificates declares the same of TLS client certificates, which
	// otherwise count as credentials like Cookie.
	IrrelevantCertificates bool

	// MaxBody is the length in bytes of the largest body that is stored.
	// Default: 8 MiB.
	MaxBody int64
}

// Outcome says what becomes of what is stored when the origin fails or denies.
// Every final answer is one of ok, denied (401, 403), failed (an error status,
// transport error, timeout, panic, truncation) and throttled (408, 429).
type Outcome uint8

const (
	// Resilient answers from what is stored while the origin fails; ok and
	// denied replace it, failed and throttled leave it.
	Resilient Outcome = iota
	// Strict stores only ok, drops the stored response on a denial, and
	// shows every failure. What is stored survives failures.
	Strict
	// AllowAll is Resilient, and while the origin fails everyone for whom no
	// denial is stored gets Policy.Allow. Nothing that a failure let through
	// is stored.
	AllowAll
	// None looks nothing up, stores nothing, and deletes what is stored.
	None
)

// String returns the name as it stands in flags: resilient, strict, allow, none.
func (o Outcome) String() string {
	switch o {
	case Strict:
		return "strict"
	case AllowAll:
		return "allow"
	case None:
		return "none"
	default:
		return "resilient"
	}
}

// ParseOutcome reads strict, resilient, allow or none.
func ParseOutcome(name string) (Outcome, error) {
	for _, o := range [...]Outcome{Resilient, Strict, AllowAll, None} {
		if name == o.String() {
			return o, nil
		}
	}
	return Resilient, &ConfigError{Field: "Policy.Outcome", Err: errUnknownOutcome(name)}
}

// Answer is a response that Holdover makes itself.
type Answer struct {
	Status int // default: 200
	Header http.Header
	Body   []byte
}

// Fallback lets known clients pass while the origin fails: on an error status, a
// timeout or a transport error, and only where no stored response could be given.
// It never admits a client that is not on the list.
type Fallback struct {
	// List holds the credentials; nil turns the fallback off.
	List *AllowList

	// Header or Query name where the credential stands in the request.
	// Credential finds it in any other place. Exactly one of them is set.
	Header     string
	Query      string
	Credential func(*http.Request) string

	// Answer is given in place of the origin's. Default: 200 with no body.
	Answer Answer

	// Statuses of the origin that count as its failure. Default: 504. Transport
	// errors, timeouts, panics and truncations always count.
	Statuses []int

	// TTL is how long a grant lasts before the origin is asked again for the
	// same key and credential. A success of the origin ends it. Default: 1 min.
	TTL time.Duration

	// Max is how long grants are given within one outage of the origin.
	// Default: 1 h.
	Max time.Duration
}
