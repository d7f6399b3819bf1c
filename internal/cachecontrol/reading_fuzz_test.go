// SPDX-License-Identifier: MIT

package cachecontrol_test

import (
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
)

// A second reader of Cache-Control, written from the grammar alone, that the
// package's own is compared with. It is slow and says what is wanted:
//
//	Cache-Control   = #cache-directive                          RFC 9111 §5.2
//	cache-directive = token [ "=" ( token / quoted-string ) ]   RFC 9110 §5.6
//
// On garbage the grammar says nothing, and there both are held to this:
//
//   - Blanks and semicolons separate as commas do, and quotes that don't pair within
//     their line are ordinary characters: an error hides no directive.
//   - In a response, what doesn't follow the grammar protects if its name protects
//     (max-age then is stale at once), and permits nothing.
//   - In a request it is ignored, but that a flag counts whatever stands behind its
//     name.
//   - A quoted-pair or a tab where numbers or field names are wanted, as in
//     max-age="6\0", is valid, but nobody sends it: it makes the argument unreadable.
const (
	tokenForm    = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
	quotedForm   = `"(?:[^"\\]|\\.)*"`
	wellFormed   = `"(?:[^\x00-\x08\x0a-\x1f"\\\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"` // RFC 9110 §5.6.4
	argumentForm = `(` + tokenForm + `)|(` + wellFormed + `)`
)

var (
	directiveText = regexp.MustCompile(`^(` + tokenForm + `)(?:=(?:` + argumentForm + `))?$`)
	leadingToken  = regexp.MustCompile(`^(?:` + tokenForm + `)?`)
	quotedText    = regexp.MustCompile(`(?s)` + quotedForm)
	wordText      = regexp.MustCompile(`(?s)(?:` + quotedForm + `|[^ \t,;"])+`)
	wordOfGarbage = regexp.MustCompile(`[^ \t,;]+`)
	digitsOnly    = regexp.MustCompile(`^[0-9]+$`)
)

// said is one directive.
type said struct {
	name, argument string
	bare           bool // nothing stands behind the name
	named          bool // nothing, or "="
	readable       bool // it follows the grammar, and has an argument without quoted-pairs and tabs
}

func read(lines []string) (all []said) {
	for _, line := range lines {
		words := wordText
		if strings.Contains(quotedText.ReplaceAllString(line, ""), `"`) {
			words = wordOfGarbage
		}
		for _, word := range words.FindAllString(line, -1) {
			all = append(all, readWord(word))
		}
	}
	return all
}

func readWord(word string) said {
	name := leadingToken.FindString(word)
	rest := word[len(name):]
	d := said{name: strings.ToLower(name), bare: rest == "", named: rest == "" || rest[0] == '='}
	if m := directiveText.FindStringSubmatch(word); m != nil && !d.bare {
		d.argument = m[2] + strings.Trim(m[3], `"`)
		d.readable = !strings.ContainsAny(d.argument, "\\\t")
	}
	return d
}

// seconds reads delta-seconds (RFC 9111 §1.2.2).
func (d said) seconds() (time.Duration, bool) {
	if !d.readable || !digitsOnly.MatchString(d.argument) {
		return 0, false
	}
	n, _ := new(big.Int).SetString(d.argument, 10)
	if n.Cmp(big.NewInt(1<<31-1)) > 0 {
		return most, true
	}
	return time.Duration(n.Int64()) * time.Second, true
}

// fieldNames reads the names of a qualified form. It reports false where the form
// must count as unqualified.
func (d said) fieldNames() (names []string, ok bool) {
	if !d.readable {
		return nil, false
	}
	for name := range strings.SplitSeq(d.argument, ",") {
		name = strings.Trim(name, " \t")
		switch strings.ToLower(name) {
		case "0", "1", "true", "false", "yes", "no": // a truth value, not a field
			return nil, false
		}
		if leadingToken.FindString(name) != name || name == "" {
			return nil, false
		}
		names = append(names, http.CanonicalHeaderKey(name))
	}
	return names, true
}

func lower(d *time.Duration, to time.Duration) {
	if *d == absent || to < *d {
		*d = to
	}
}

// wantResponse reads what can't be understood in the most restrictive way.
func wantResponse(lines []string) cachecontrol.Response {
	w := response(nil)
	for _, d := range read(lines) {
		n, readable := d.seconds()
		names, qualified := d.fieldNames()
		switch d.name {
		case "no-store":
			w.NoStore = true
		case "must-revalidate":
			w.MustRevalidate = true
		case "proxy-revalidate":
			w.ProxyRevalidate = true
		case "no-transform":
			w.NoTransform = true
		case "public": // what permits must be plain
			w.Public = w.Public || d.named
		case "immutable":
			w.Immutable = w.Immutable || d.named
		case "must-understand": // it may lift a no-store
			w.MustUnderstand = w.MustUnderstand || d.named
		case "no-cache":
			w.NoCache = w.NoCache || !qualified
			w.NoCacheFields = append(w.NoCacheFields, names...)
		case "private":
			w.Private = w.Private || !qualified
			w.PrivateFields = append(w.PrivateFields, names...)
		case "max-age": // not readable is stale at once, as n is 0
			lower(&w.MaxAge, n)
		case "s-maxage":
			lower(&w.SMaxAge, n)
		case "stale-while-revalidate":
			if readable {
				lower(&w.StaleWhileRevalidate, n)
			}
		case "stale-if-error":
			if readable {
				lower(&w.StaleIfError, n)
			}
		}
	}
	w.NoCacheFields = settle(w.NoCache, w.NoCacheFields)
	w.PrivateFields = settle(w.Private, w.PrivateFields)
	return w
}

func settle(whole bool, names []string) []string {
	if whole {
		return nil
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// wantRequest ignores what can't be understood.
func wantRequest(lines []string) cachecontrol.Request {
	w := request(nil)
	for _, d := range read(lines) {
		n, readable := d.seconds()
		switch d.name {
		case "no-store":
			w.NoStore = true
		case "no-cache":
			w.NoCache = true
		case "only-if-cached":
			w.OnlyIfCached = true
		case "no-transform":
			w.NoTransform = true
		case "max-stale":
			w.AnyMaxStale = w.AnyMaxStale || d.bare
		}
		if !readable {
			continue
		}
		switch d.name {
		case "max-age":
			lower(&w.MaxAge, n)
		case "max-stale":
			lower(&w.MaxStale, n)
		case "stale-if-error":
			lower(&w.StaleIfError, n)
		case "min-fresh":
			w.MinFresh = max(w.MinFresh, n)
		}
	}
	w.AnyMaxStale = w.AnyMaxStale && w.MaxStale == absent
	return w
}

// Each string is a field; "\n" stands between its lines.
var fieldSeeds = []string{
	// bad values beside what must count
	"no-store, max-age=abc", "max-age=-60, no-store", "no-store=1", "public=1", "must-revalidate=true", "proxy-revalidate=\"a, public\"", "must-understand=1, immutable=0",
	"max-age=1.5", "max-age=60s", "max-age=+60", "max-age=", "max-age", "max-age = 60", "max-age =60", "max-age= 60", "max-age='60'", "max-age:60", `max-age="60`,
	"stale-while-revalidate", "stale-if-error", "stale-if-error=x, stale-if-error=9", "s-maxage=x, max-age=60",
	// quotes
	"no-cache=Set-Cookie,no-store", `foo="a, no-store"`, `foo="a\", no-store", max-age=60`, `foo="a, no-store`, "foo=\"a\nprivate, bar=\"b\"", `no-store"`, `"no-store"`,
	`no-cache="a, private="b`, "max-age=60, no-cache=\"a, b\nprivate=\"c", `max-age="60"`, `max-age="6\0"`, `max-age="60 "`, `max-age=""`, `a="\`, `private="a",b="c"`,
	// names
	`no-cache="set-cookie, X-A"`, `private="x-b, x-a", private="X-A"`, `no-cache="X", no-cache, private, private=X`, `no-cache="", private=""`, `no-cache="a b", private="é"`,
	"no-cache=1, private=true", `no-cache=",x,"`, `private="x\-a"`, `private="True,x"`, `private="x, "`,
	// several of one sort
	"max-age=1800, max-age=60", "max-age=60\nmax-age=1800", "public, private", "must-understand, no-store", "max-age=60\nno-store", "max-age=60, max-age=x",
	// numbers
	"max-age=2147483647", "max-age=2147483648", "max-age=4294967296", "max-age=18446744073709551616", "max-age=99999999999999999999999", "max-age=0060", "MAX-AGE=60",
	"s-maxage=0, stale-while-revalidate=5, stale-if-error=7", "max-age=٣",
	// separators
	"must-revalidate no-store", "foo=1 no-store", "max-age=60;no-store; private", " , ,\t,", ",no-cache,", "no-store\tpublic",
	// broken words
	`public"`, "immutable:1", "must-understand\x00, no-store", "no-cache=\x00", "private=a/b", "=no-store", "no-store==", "max-age=60=70", "public/", "\x00=\xff,,", `=;=""`,
	// requests
	"max-age=1, min-fresh=2, max-stale=3, stale-if-error=4", "max-stale", "max-stale=60", "max-stale, max-stale=60", "max-stale=", "max-stale=x", `max-stale"`, "max-stale=\"5\"",
	"max-age=x, min-fresh, stale-if-error, max-stale=-1, no-store", "min-fresh=5, min-fresh=9", "only-if-cached, no-transform, no-cache", "only-if-cached\"", "foo, max-bar=7", "",
}

// Both readers agree on every field, garbage included.
func FuzzResponseReading(f *testing.F) {
	for _, s := range fieldSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		require.Equal(t, wantResponse(lines), cachecontrol.ParseResponse(lines))
	})
}

func FuzzRequestReading(f *testing.F) {
	for _, s := range fieldSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		lines := strings.Split(field, "\n")
		require.Equal(t, wantRequest(lines), cachecontrol.ParseRequest(lines, nil))
	})
}
