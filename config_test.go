// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// problems returns the fields that an error names, in order.
func problems(err error) (fields []string) {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			fields = append(fields, problems(part)...)
		}
	case *holdover.ConfigError:
		fields = append(fields, e.Field)
	}
	slices.Sort(fields)
	return fields
}

func allowing(t *testing.T) *holdover.AllowList {
	t.Helper()
	list, err := holdover.NewAllowList("a-member-of-the-list")
	require.NoError(t, err)
	return list
}

func TestInvalidConfig(t *testing.T) {
	for field, cfg := range map[string]holdover.Config{
		"StoreTimeout": {StoreTimeout: -1},
		"MaxInFlight":  {MaxInFlight: -1},
		"MaxVariants":  {MaxVariants: -1},
		"MaxLife":      {MaxLife: -1},
		"MaxAbandoned": {MaxAbandoned: -1},
		"CloseTimeout": {CloseTimeout: -1},
	} {
		t.Run(field, func(t *testing.T) {
			c, err := holdover.New(cfg)
			require.Nil(t, c)
			require.Equal(t, []string{field}, problems(err))
			require.ErrorContains(t, err, "holdover: "+field+": ")
		})
	}
}

func TestInvalidPolicy(t *testing.T) {
	list := allowing(t)
	for field, p := range map[string]holdover.Policy{
		"Methods[1]":                        {Methods: []string{"GET", "CONNECT"}},
		"Methods[0]":                        {Methods: []string{"PO ST"}},
		"Methods[2]":                        {Methods: []string{"POST", "GET", "POST"}},
		"Methods[3]":                        {Methods: []string{"GET", "HEAD", "POST", "query"}},
		"Origin.SoftTimeout":                {Origin: holdover.Origin{SoftTimeout: time.Minute, HardTimeout: time.Second}},
		"Freshness.DefaultTTL":              {Freshness: holdover.Freshness{DefaultTTL: holdover.DefaultMaxLife + 1}},
		"Allow.Body":                        {Outcome: holdover.AllowAll, Allow: holdover.Answer{Status: 204, Body: []byte("x")}},
		"Allow.Header":                      {Outcome: holdover.AllowAll, Allow: holdover.Answer{Header: http.Header{"bad name": {"x"}}}},
		"Fallback.Answer.Header":            {Fallback: holdover.Fallback{List: list, Header: "X", Answer: holdover.Answer{Header: http.Header{"X": {"a\nb"}}}}},
		"Freshness.HeuristicFraction":       {Freshness: holdover.Freshness{HeuristicFraction: 1.5}},
		"Freshness.StatusTTL[206]":          {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{206: {TTL: 1}}}},
		"Freshness.StatusTTL[404]":          {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{404: {TTL: -1}}}},
		"Freshness.StatusTTL[410]":          {Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{410: {TTL: holdover.DefaultMaxLife + 1}}}},
		"Origin.ErrorStatuses[1]":           {Origin: holdover.Origin{ErrorStatuses: []int{500, 200}}},
		"Safety.MaxBody":                    {Safety: holdover.Safety{MaxBody: -1}},
		"Key.Fields[0]":                     {Key: holdover.Key{Fields: []string{"X Y"}}},
		"Key.Cookies[0]":                    {Key: holdover.Key{Cookies: []string{""}}},
		"TagFields[1]":                      {TagFields: []string{"Cache-Tag", "a,b"}},
		"Safety.TrustedProxies[0]":          {Safety: holdover.Safety{TrustedProxies: []netip.Prefix{{}}}},
		"Safety.Trusted":                    {Safety: holdover.Safety{RequestDirectives: holdover.HonourTrusted}},
		"Safety.RequestDirectives":          {Safety: holdover.Safety{RequestDirectives: 9}},
		"Safety.SetCookie":                  {Safety: holdover.Safety{SetCookie: 9}},
		"Profile":                           {Profile: 9},
		"TargetedFields[0]":                 {TargetedFields: []string{"a b"}},
		"TargetedFields[1]":                 {TargetedFields: []string{"A-Cache-Control", "cache-control"}},
		"TargetedFields[2]":                 {TargetedFields: []string{"A-Cache-Control", "B-Cache-Control", "a-cache-control"}},
		"TargetedFields[0] (typo)":          {TargetedFields: []string{"CDN-CacheControl"}},
		"Outcome":                           {Outcome: 9},
		"Allow":                             {Allow: holdover.Answer{Body: []byte("x")}},
		"Allow.Status":                      {Outcome: holdover.AllowAll, Allow: holdover.Answer{Status: 304}},
		"Fallback":                          {Fallback: holdover.Fallback{List: list}},
		"Fallback.Header":                   {Fallback: holdover.Fallback{List: list, Header: "X Y"}},
		"Fallback.Answer.Status":            {Fallback: holdover.Fallback{List: list, Query: "key", Answer: holdover.Answer{Status: 99}}},
		"Fallback.TTL":                      {Fallback: holdover.Fallback{List: list, Query: "key", TTL: -1}},
		"Fallback.Statuses[0]":              {Fallback: holdover.Fallback{List: list, Query: "key", Statuses: []int{404}}},
		"Fallback.List":                     {Fallback: holdover.Fallback{Query: "key"}},
		"Freshness.HeuristicFraction (NaN)": {Freshness: holdover.Freshness{HeuristicFraction: math.NaN()}},
	} {
		t.Run(field, func(t *testing.T) {
			field, _, _ = strings.Cut(field, " ")
			_, err := holdover.New(holdover.Config{Policy: p})
			require.Equal(t, []string{"Policy." + field}, problems(err))

			c := newCache(t, holdover.Config{})
			v, err := c.With(p)
			require.Nil(t, v)
			require.Equal(t, []string{"Policy." + field}, problems(err), "With checks the same")
		})
	}
}

func TestAllProblemsAreNamedAtOnce(t *testing.T) {
	_, err := holdover.New(holdover.Config{
		StoreTimeout: -1, MaxVariants: -1,
		Policy: holdover.Policy{
			Methods: []string{"TRACE"}, Outcome: 9, Safety: holdover.Safety{MaxBody: -1},
			Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{1: {}, 304: {}}},
			Fallback:  holdover.Fallback{List: allowing(t)},
		},
	})
	require.Equal(t, []string{
		"MaxVariants", "Policy.Fallback", "Policy.Freshness.StatusTTL[1]", "Policy.Freshness.StatusTTL[304]",
		"Policy.Methods[0]", "Policy.Outcome", "Policy.Safety.MaxBody", "StoreTimeout",
	}, problems(err))
	var one *holdover.ConfigError
	require.ErrorAs(t, err, &one)
	require.Error(t, one.Unwrap())
}

func TestValidPolicies(t *testing.T) {
	off := holdover.Policy{
		Grace:     holdover.Grace{StaleWhileRevalidate: -1, StaleIfError: -1, Keep: -1},
		Origin:    holdover.Origin{SoftTimeout: -1, HardTimeout: -1, FetchRate: -1},
		Freshness: holdover.Freshness{HeuristicFraction: -1, HeuristicMax: -1, DefaultTTL: -1},
	}
	for name, p := range map[string]holdover.Policy{
		"zero": {}, "all off": off, "methods": {Methods: []string{"GET", "HEAD", "POST", "QUERY"}},
		"fallback": {Fallback: holdover.Fallback{List: allowing(t), Header: "x-key", Statuses: []int{503}}},
		"trusted":  {Safety: holdover.Safety{RequestDirectives: holdover.HonourTrusted, Trusted: func(*http.Request) bool { return true }}},
		"allow":    {Outcome: holdover.AllowAll, Allow: holdover.Answer{Status: 204}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newCache(t, holdover.Config{Policy: p}).Handler(answer(200, "x", "Cache-Control", "max-age=60"))
			require.Equal(t, 200, get(h).Code)
			require.Contains(t, get(h).Header().Get("Cache-Status"), "; hit")
		})
	}
}

// full is a policy with something in every slice and map.
func full() holdover.Policy {
	return holdover.Policy{
		Methods:   []string{"GET", "POST"},
		Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{404: {TTL: time.Second}}},
		Origin:    holdover.Origin{ErrorStatuses: []int{500, 504}},
		Key:       holdover.Key{Fields: []string{"X-Tenant"}, Cookies: []string{"lang"}},
		Safety:    holdover.Safety{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		Outcome:   holdover.AllowAll,
		Allow:     holdover.Answer{Header: http.Header{"A": {"1"}}, Body: []byte("body")},
		TagFields: []string{"Cache-Tag"},
	}
}

// spoil changes what slices and maps of a policy hold.
func spoil(p holdover.Policy) {
	p.Methods[0], p.Origin.ErrorStatuses[0], p.Key.Fields[0], p.Key.Cookies[0] = "PUT", 599, "Y", "y"
	p.Freshness.StatusTTL[404] = holdover.StatusRule{TTL: time.Hour}
	p.Safety.TrustedProxies[0] = netip.Prefix{}
	p.Allow.Header["A"][0], p.Allow.Body[0] = "2", 'B'
	p.TagFields[0] = "Z"
}

func TestPoliciesAreCopies(t *testing.T) {
	given := full()
	c := newCache(t, holdover.Config{Policy: given})
	v, err := c.With(given)
	require.NoError(t, err)
	spoil(given)
	require.Equal(t, full(), c.Policy())
	require.Equal(t, full(), v.Policy())
	spoil(c.Policy())
	spoil(v.Policy())
	require.Equal(t, full(), c.Policy())
	require.Equal(t, full(), v.Policy())

	again, err := v.With(v.Policy())
	require.NoError(t, err)
	require.Equal(t, full(), again.Policy())
}

// A view replaces the policy as a whole and shares what is stored.
func TestWithReplacesThePolicy(t *testing.T) {
	c := newCache(t, holdover.Config{Policy: holdover.Policy{Freshness: holdover.Freshness{DefaultTTL: time.Minute}}})
	v, err := c.With(holdover.Policy{Grace: holdover.Grace{StaleIfError: time.Minute}})
	require.NoError(t, err)
	require.Zero(t, v.Policy().Freshness.DefaultTTL)
	require.Zero(t, c.Policy().Grace.StaleIfError)

	silent := answer(200, "x")
	first := v.Handler(silent)
	require.NotContains(t, get(first).Header().Get("Cache-Status"), "ttl=")
	require.Contains(t, get(first).Header().Get("Cache-Status"), "fwd=")
	second := c.Handler(silent)
	ask(second, "GET", "http://example.com/other")
	require.Contains(t, ask(v.Handler(silent), "GET", "http://example.com/other").Header().Get("Cache-Status"), "; hit")
}

// detached is what tests in a bubble need: contexts of httptest hold nothing, but
// those of testing do.
func detached(ctx context.Context) context.Context { return ctx }

// The bubble itself proves that no goroutine is left.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Detach: detached})
		require.NoError(t, err)
		h := c.Handler(answer(200, "x", "Cache-Control", "max-age=1, stale-while-revalidate=60"))
		for range 5 {
			get(h)
			time.Sleep(2 * time.Second)
		}
		require.NoError(t, c.Close())
		require.NoError(t, c.Close(), "twice is fine")
	})
}

func TestCloseCancelsFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{Detach: detached})
		require.NoError(t, err)
		hanging := c.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		answered := make(chan int, 1)
		go func() { answered <- get(hanging).Code }()
		synctest.Wait()
		began := time.Now()
		require.NoError(t, c.Close())
		require.Zero(t, time.Since(began))
		require.Equal(t, http.StatusServiceUnavailable, <-answered)
	})
}

func TestCloseCountsHandlersThatIgnoreTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{CloseTimeout: 3 * time.Second, Detach: detached})
		require.NoError(t, err)
		release := make(chan struct{})
		deaf := c.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		for _, url := range []string{"http://example.com/1", "http://example.com/2"} {
			go ask(deaf, "GET", url)
		}
		synctest.Wait()
		require.Equal(t, 2, c.Stats().Running)
		began := time.Now()
		require.ErrorContains(t, c.Close(), "2 handlers are still running")
		require.Equal(t, 3*time.Second, time.Since(began))
		require.NoError(t, c.Close())
		close(release)
		synctest.Wait()
		require.Zero(t, c.Stats().Running)
	})
}

// After Close handlers run on their requests' own goroutines.
func TestAnswersAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := holdover.New(holdover.Config{})
		require.NoError(t, err)
		o := newOrigin(answer(200, "x", "Cache-Control", "max-age=60"))
		h := c.Handler(o)
		get(h)
		require.Contains(t, get(h).Header().Get("Cache-Status"), "; hit")
		require.NoError(t, c.Close())
		for range 3 {
			w := get(h)
			require.Equal(t, 200, w.Code)
			require.Equal(t, "x", w.Body.String())
			require.Contains(t, w.Header().Get("Cache-Status"), "fwd=")
		}
		require.EqualValues(t, 4, o.calls.Load())
		require.Zero(t, c.Stats().Running)
	})
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	cause := errors.New("cause")
	err := &holdover.ConfigError{Field: "Policy.X", Err: cause}
	require.Equal(t, "holdover: Policy.X: cause", err.Error())
	require.ErrorIs(t, err, cause)
	_, failed := holdover.ParseOutcome("lenient")
	require.Equal(t, []string{"Policy.Outcome"}, problems(failed))
	for _, o := range []holdover.Outcome{holdover.Resilient, holdover.Strict, holdover.AllowAll, holdover.None} {
		again, err := holdover.ParseOutcome(o.String())
		require.NoError(t, err)
		require.Equal(t, o, again)
	}
}
