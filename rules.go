// SPDX-License-Identifier: MIT

package holdover

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
)

// Defaults of a Policy and a Config.
const (
	defaultKeep         = time.Hour
	defaultHardTimeout  = 30 * time.Second
	minSoftTimeout      = 500 * time.Millisecond
	maxSoftTimeout      = 5 * time.Second
	defaultHeuristic    = 0.1
	defaultHeuristicMax = 24 * time.Hour
	defaultMaxBody      = 8 << 20
	minHoldBack         = 64 << 10
	maxKeyBody          = 64 << 10 // of a request body that enters the key
	defaultGrantTTL     = time.Minute
	defaultGrantMax     = time.Hour

	// forever stands for "off" where a duration bounds a wait.
	forever = time.Duration(1<<63 - 1)
)

// rules is a Policy made ready for use: validated, with its defaults filled in, and
// immutable.
type rules struct {
	Policy

	setCookie     SetCookie // never SetCookieByProfile
	targeted      []string
	getHead       bool
	otherMethods  []string
	errorStatus   map[int]bool
	fallbackOn    map[int]bool
	swr, sie      time.Duration // 0 = none
	keep          time.Duration // 0 = none
	heuristic     float64       // 0 = off
	heuristicMax  time.Duration
	softTimeout   time.Duration // 0 = learned, forever = off
	hardTimeout   time.Duration // forever = off
	maxBody       int64
	keyFields     []string
	keysAuthority bool // the key holds Authorization: responses are one credential's own
	keysCookie    bool // the same for Cookie
	extendsKey    bool
	tagFields     []string
	backoff       backoff.Config
	allow         Answer
}

// compile validates a policy, naming every problem by its field.
func compile(p Policy, maxLife time.Duration) (*rules, error) {
	r := &rules{Policy: clonePolicy(p)}
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, &ConfigError{Field: "Policy." + field, Err: fmt.Errorf(format, args...)})
	}
	r.compileProfile(bad)
	r.compileMethods(bad)
	r.compileTimes(bad)
	r.compileKey(bad)
	r.compileOutcome(bad)
	if maxLife > 0 && r.Freshness.DefaultTTL > maxLife {
		bad("Freshness.DefaultTTL", "%v is longer than anything is stored (Config.MaxLife, %v)", r.Freshness.DefaultTTL, maxLife)
	}
	errs = append(errs, r.Freshness.StatusTTL.validate("Policy.Freshness.StatusTTL", maxLife)...)
	errs = append(errs, r.compileFallback()...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

func clonePolicy(p Policy) Policy {
	p.Methods = slices.Clone(p.Methods)
	p.Freshness.StatusTTL = maps.Clone(p.Freshness.StatusTTL)
	p.Origin.ErrorStatuses = slices.Clone(p.Origin.ErrorStatuses)
	p.Key.Fields = slices.Clone(p.Key.Fields)
	p.Key.Cookies = slices.Clone(p.Key.Cookies)
	p.Safety.TrustedProxies = slices.Clone(p.Safety.TrustedProxies)
	p.TagFields = slices.Clone(p.TagFields)
	p.TargetedFields = slices.Clone(p.TargetedFields)
	p.Fallback.Statuses = slices.Clone(p.Fallback.Statuses)
	p.Allow = p.Allow.clone()
	p.Fallback.Answer = p.Fallback.Answer.clone()
	return p
}

// compileProfile resolves what the profile decides.
func (r *rules) compileProfile(bad report) {
	if r.Profile > RFC {
		bad("Profile", "unknown value %d", r.Profile)
	}
	switch r.setCookie = r.Safety.SetCookie; {
	case r.setCookie > StoreSetCookie:
		bad("Safety.SetCookie", "unknown value %d", r.setCookie)
	case r.setCookie == SetCookieByProfile && r.Profile == RFC:
		r.setCookie = StoreSetCookie
	case r.setCookie == SetCookieByProfile:
		r.setCookie = RefuseSetCookie
	}
	for i, name := range r.TargetedFields {
		name = textproto.CanonicalMIMEHeaderKey(name)
		switch {
		case !isToken(name):
			bad(fmt.Sprintf("TargetedFields[%d]", i), "%q is not a field name", name)
		case name == "Cache-Control" || name == "Expires":
			bad(fmt.Sprintf("TargetedFields[%d]", i), "%s must not be named: it counts anyway, where no targeted field does", name)
		case !strings.HasSuffix(name, "-Cache-Control"):
			bad(fmt.Sprintf("TargetedFields[%d]", i), "%q is no targeted field: their names end in -Cache-Control (RFC 9213 §2)", name)
		case slices.Contains(r.targeted, name):
			bad(fmt.Sprintf("TargetedFields[%d]", i), "%q stands twice", name)
		}
		r.targeted = append(r.targeted, name)
	}
	if r.TargetedFields == nil && r.Profile == RFC {
		r.targeted = []string{"Cdn-Cache-Control"}
	}
}

type report func(field, format string, args ...any)

func (r *rules) compileMethods(bad report) {
	if len(r.Methods) == 0 {
		r.getHead = true
	}
	for i, m := range r.Methods {
		switch {
		case m == http.MethodGet || m == http.MethodHead:
			r.getHead = true
		case !isToken(m) || m == http.MethodConnect || m == http.MethodTrace || m == http.MethodOptions:
			bad(fmt.Sprintf("Methods[%d]", i), "%q can't be answered from a cache", m)
		case m != strings.ToUpper(m):
			bad(fmt.Sprintf("Methods[%d]", i), "%q is not %q: methods tell upper from lower case", m, strings.ToUpper(m))
		case slices.Contains(r.otherMethods, m):
			bad(fmt.Sprintf("Methods[%d]", i), "%q stands twice", m)
		default:
			r.otherMethods = append(r.otherMethods, m)
		}
	}
}

func (r *rules) compileTimes(bad report) {
	r.swr = max(r.Grace.StaleWhileRevalidate, 0)
	r.sie = max(r.Grace.StaleIfError, 0)
	r.keep = orDefault(r.Grace.Keep, defaultKeep, 0)
	r.softTimeout = orDefault(r.Origin.SoftTimeout, 0, forever)
	r.hardTimeout = orDefault(r.Origin.HardTimeout, defaultHardTimeout, forever)
	if r.softTimeout != forever && r.softTimeout > r.hardTimeout {
		bad("Origin.SoftTimeout", "%v is longer than the hard timeout of %v", r.softTimeout, r.hardTimeout)
	}
	r.heuristicMax = orDefault(r.Freshness.HeuristicMax, defaultHeuristicMax, 0)
	switch f := r.Freshness.HeuristicFraction; {
	case f != f || f > 1:
		bad("Freshness.HeuristicFraction", "%v is not at most 1", f)
	case f == 0:
		r.heuristic = defaultHeuristic
	case f > 0:
		r.heuristic = f
	}
	if b := r.Origin.EarlyRevalidation; !(b >= 0 && b <= maxEarly) {
		bad("Origin.EarlyRevalidation", "%v is not from 0 to %v", b, maxEarly)
	}
	if j := r.Freshness.Jitter; !(j >= 0 && j < 1) {
		bad("Freshness.Jitter", "%v is not from 0 to below 1", j)
	}
	if rate := r.Origin.FetchRate; rate != rate {
		bad("Origin.FetchRate", "%v is not a number of fetches per second", rate)
	}
	r.backoff = backoff.Config{Total: r.Origin.FetchRate, Background: min(r.Origin.FetchRate, 0)}.WithDefaults()
	switch r.maxBody = r.Safety.MaxBody; {
	case r.maxBody == 0:
		r.maxBody = defaultMaxBody
	case r.maxBody < 0 || r.maxBody > 1<<30:
		bad("Safety.MaxBody", "%d bytes is not between 1 and 1 GiB", r.maxBody)
	}
	r.errorStatus = map[int]bool{}
	for i, s := range r.Origin.ErrorStatuses {
		if s < 400 || s > 599 {
			bad(fmt.Sprintf("Origin.ErrorStatuses[%d]", i), "%d is not an error status", s)
		}
		r.errorStatus[s] = true
	}
	if len(r.Origin.ErrorStatuses) == 0 {
		for _, s := range [...]int{500, 502, 503, 504} {
			r.errorStatus[s] = true
		}
	}
}

// orDefault resolves 0 = default, negative = off.
func orDefault(d, def, off time.Duration) time.Duration {
	switch {
	case d == 0:
		return def
	case d < 0:
		return off
	}
	return d
}

func (r *rules) compileKey(bad report) {
	for i, name := range r.Key.Fields {
		if !isToken(name) {
			bad(fmt.Sprintf("Key.Fields[%d]", i), "%q is not a field name", name)
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		r.keysAuthority = r.keysAuthority || name == "Authorization"
		r.keysCookie = r.keysCookie || name == "Cookie"
		r.keyFields = append(r.keyFields, name)
	}
	for i, name := range r.Key.Cookies {
		if !isToken(name) {
			bad(fmt.Sprintf("Key.Cookies[%d]", i), "%q is not a cookie name", name)
		}
	}
	for i, name := range r.TagFields {
		if !isToken(name) {
			bad(fmt.Sprintf("TagFields[%d]", i), "%q is not a field name", name)
		}
		r.tagFields = append(r.tagFields, textproto.CanonicalMIMEHeaderKey(name))
	}
	for i, prefix := range r.Safety.TrustedProxies {
		if !prefix.IsValid() {
			bad(fmt.Sprintf("Safety.TrustedProxies[%d]", i), "not a prefix")
		}
	}
	if r.Safety.RequestDirectives == HonourTrusted && r.Safety.Trusted == nil {
		bad("Safety.Trusted", "is nil, so that HonourTrusted trusts nobody; use IgnoreDirectives")
	}
	if r.Safety.RequestDirectives != HonourTrusted && r.Safety.Trusted != nil {
		bad("Safety.Trusted", "has no effect unless RequestDirectives is HonourTrusted")
	}
	if r.Safety.RequestDirectives > HonourTrusted {
		bad("Safety.RequestDirectives", "unknown value %d", r.Safety.RequestDirectives)
	}
	r.extendsKey = len(r.keyFields) > 0 || len(r.Key.Cookies) > 0 || r.Key.Parts != nil || r.Key.Target != nil
}

func (r *rules) compileOutcome(bad report) {
	if r.Outcome > None {
		bad("Outcome", "unknown value %d", r.Outcome)
	}
	r.allow = r.Allow.withDefaults()
	if part, err := r.allow.check(); err != nil {
		bad("Allow."+part, "%w", err)
	}
	if r.Outcome != AllowAll && r.Allow.given() {
		bad("Allow", "is given only under the outcome policy AllowAll, which is not set")
	}
}

func errUnknownOutcome(name string) error {
	return fmt.Errorf("%q is none of strict, resilient, allow, none", name)
}

// isToken reports whether s is a token of RFC 9110 §5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f {
			return false
		}
		switch c {
		case '"', '(', ')', ',', '/', ':', ';', '<', '=', '>', '?', '@', '[', '\\', ']', '{', '}':
			return false
		}
	}
	return s != ""
}

// classOf sorts a final status into the four outcomes.
func (r *rules) classOf(status int) outcome {
	switch {
	case r.errorStatus[status]:
		return failed
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return denied
	}
	return ok
}

// outcome is the one classification of final answers, used everywhere.
type outcome uint8

const (
	ok outcome = iota
	denied
	failed
	throttled
)
