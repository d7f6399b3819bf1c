// SPDX-License-Identifier: MIT

package holdover_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// letIn is a policy with an allow list that holds "gold" and "silver", and the list.
func letIn(t *testing.T) (holdover.Policy, *holdover.AllowList) {
	list, err := holdover.NewAllowList("gold", "silver")
	require.NoError(t, err)
	return holdover.Policy{Fallback: holdover.Fallback{
		List: list, Header: "X-App-Id", Answer: holdover.Answer{Status: 202, Body: []byte("let in")},
	}}, list
}

// Members pass in every kind of outage that counts, others never.
func TestFallbackAdmitsMembersOnly(t *testing.T) {
	counts := map[string]bool{
		"504": true, "transport error": true, "timeout": true, "panic": true, "abort": true, "goexit": true, "truncation": true,
		"500": false, "502": false, "503": false, "503 with max-age": false, "429": false, "408": false,
	}
	strangers := map[string][]string{
		"none": nil, "unknown": {"X-App-Id", "lead"}, "empty": {"X-App-Id", ""}, "letter case": {"X-App-Id", "Gold"},
		"two": {"X-App-Id", "gold", "X-App-Id", "silver"}, "list": {"X-App-Id", "gold, silver"}, "blank": {"X-App-Id", " gold"},
		"other field": {"X-Other", "gold"}, "encoded": {"X-App-Id", "%67old"},
	}
	for name, grants := range counts {
		t.Run(name, func(t *testing.T) {
			for who, fields := range strangers {
				synctest.Test(t, func(t *testing.T) {
					policy, _ := letIn(t)
					h := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(failures[name]))
					tried(h, "X-App-Id", "gold") // members pass before and after: nothing of theirs is given away
					w, _, _ := tried(h, fields...)
					require.NotEqual(t, 202, w.Code, who)
					require.NotContains(t, w.Body.String(), "let in")
				})
			}
			synctest.Test(t, func(t *testing.T) {
				var ev events
				policy, _ := letIn(t)
				c := newCache(t, holdover.Config{Policy: policy, OnEvent: ev.add})
				h := c.Handler(newOrigin(failures[name]))
				for range 3 {
					w, _, _ := tried(h, "X-App-Id", "gold")
					require.Equal(t, grants, w.Code == 202, w.Code)
				}
				audits := ev.of(holdover.EventGrant)
				require.Equal(t, grants, len(audits) > 0)
				require.EqualValues(t, len(audits), c.Stats().Grants)
				for _, a := range audits {
					require.Equal(t, "/page", a.Path)
					require.NotContains(t, fmt.Sprintf("%+v", a), "gold", "credentials don't stand in audits")
				}
			})
		})
	}
}

func TestFallbackStatuses(t *testing.T) {
	policy, _ := letIn(t)
	policy.Fallback.Statuses = []int{503}
	o := newOrigin(failures["503"])
	h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
	require.Equal(t, 202, get(h, "X-App-Id", "gold").Code)
	o.set(failures["504"])
	require.Equal(t, 504, ask(h, "GET", "http://example.com/2", "X-App-Id", "gold").Code, "not listed")
}

// The credential is found decoded, where the policy says.
func TestFallbackCredentialSources(t *testing.T) {
	list, err := holdover.NewAllowList("a b&c")
	require.NoError(t, err)
	query := holdover.Fallback{List: list, Query: "app_id"}
	custom := holdover.Fallback{List: list, Credential: func(r *http.Request) string { _, p, _ := r.BasicAuth(); return p }}
	for _, tt := range []struct {
		f      holdover.Fallback
		url    string
		fields []string
		want   int
	}{
		{query, "http://x.example/?app_id=a+b%26c", nil, 200},
		{query, "http://x.example/?app_id=a%20b%26c&z", nil, 200},
		{query, "http://x.example/?app_id=a+b&c", nil, 504},
		{query, "http://x.example/?app_id=a+b%26c&app_id=x", nil, 504},
		{query, "http://x.example/", nil, 504},
		{custom, "http://x.example/", []string{"Authorization", "Basic dTphIGImYw=="}, 200},
		{custom, "http://x.example/", []string{"Authorization", "Basic dTp4"}, 504},
	} {
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Fallback: tt.f}}).Handler(newOrigin(failures["504"]))
		require.Equal(t, tt.want, ask(h, "GET", tt.url, tt.fields...).Code, tt.url)
	}
}

// A grant lasts for its TTL, all grants of an outage for Max, and a success ends them.
func TestFallbackGrantsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy, _ := letIn(t)
		policy.Fallback.TTL, policy.Fallback.Max = 10*time.Second, time.Minute
		o := newOrigin(failures["504"])
		h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
		began := time.Now()
		for time.Since(began) < 55*time.Second {
			require.Equal(t, 202, get(h, "X-App-Id", "gold").Code, time.Since(began))
			time.Sleep(time.Second)
		}
		require.LessOrEqual(t, o.calls.Load(), int64(7), "within a grant the origin isn't asked")
		require.GreaterOrEqual(t, o.calls.Load(), int64(5), "after each it is")
		time.Sleep(10 * time.Second)
		for range 3 {
			require.Equal(t, 504, get(h, "X-App-Id", "gold").Code, "too long an outage")
			require.Equal(t, 504, get(h, "X-App-Id", "silver").Code, "for everybody")
			require.Equal(t, 504, ask(h, "GET", "http://example.com/other", "X-App-Id", "gold").Code, "for each key")
			time.Sleep(10 * time.Second)
		}
		o.set(answer(200, "well"))
		require.Equal(t, "well", get(h, "X-App-Id", "gold").Body.String())
		o.set(failures["504"])
		require.Equal(t, 202, get(h, "X-App-Id", "gold").Code, "a new outage")
	})
}

func TestFallbackSuccessEndsGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy, _ := letIn(t)
		o := newOrigin(failures["504"])
		h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
		require.Equal(t, 202, get(h, "X-App-Id", "gold").Code)
		time.Sleep(time.Second)
		o.set(answer(200, "well"))
		require.Equal(t, 202, get(h, "X-App-Id", "gold").Code, "the grant still lasts")
		require.Equal(t, 200, ask(h, "GET", "http://example.com/other").Code, "somebody else finds the origin back")
		require.Equal(t, "well", get(h, "X-App-Id", "gold").Body.String())
	})
}

// A denial by an origin that is back counts at once.
func TestFallbackDenialByTheOriginCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policy, _ := letIn(t)
		o := newOrigin(answer(403, "no"))
		h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
		require.Equal(t, 403, get(h, "X-App-Id", "gold").Code)
	})
}

// The list is live: removed members lose their grants, new ones pass at once.
func TestFallbackListIsLive(t *testing.T) {
	policy, list := letIn(t)
	h := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(failures["504"]))
	require.Equal(t, 202, get(h, "X-App-Id", "gold").Code)
	require.NoError(t, list.Replace([]string{"tin"}))
	require.Equal(t, 504, get(h, "X-App-Id", "gold").Code)
	require.Equal(t, 202, get(h, "X-App-Id", "tin").Code)
	require.NoError(t, list.Replace(nil))
	require.Equal(t, 504, get(h, "X-App-Id", "tin").Code)
}

// A stored response outranks the fallback.
func TestFallbackComesAfterStale(t *testing.T) {
	policy, _ := letIn(t)
	o := newOrigin(answer(200, "good", "Cache-Control", "max-age=0, stale-if-error=60"))
	h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
	get(h)
	o.set(failures["504"])
	require.Equal(t, "good", get(h, "X-App-Id", "gold").Body.String())
}

// A failure that is stored for a while answers strangers, not members.
func TestFallbackOutranksStoredFailure(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{
		"explicit": answer(504, "bad", "Cache-Control", "max-age=40"), "by rule": answer(504, "bad"),
	} {
		t.Run(name, func(t *testing.T) {
			policy, _ := letIn(t)
			policy.Freshness.StatusTTL = holdover.StatusTTL{504: {TTL: 40 * time.Second}}
			h := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(failure))
			for range 3 {
				require.Equal(t, 504, get(h, "X-App-Id", "lead").Code)
				require.Equal(t, 202, get(h, "X-App-Id", "gold").Code)
				require.Equal(t, 202, get(h, "X-App-Id", "silver").Code)
			}
		})
	}
}

// Members who wait behind a handler that hangs end with their grant, too.
func TestFallbackForThoseWhoWait(t *testing.T) {
	for name, hangs := range map[string]http.HandlerFunc{
		"obedient": failures["timeout"], "deaf": func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				policy, _ := letIn(t)
				policy.Origin.HardTimeout = 10 * time.Second
				h := newCache(t, holdover.Config{Policy: policy}).Handler(newOrigin(hangs))
				began := time.Now()
				together(9, func(i int) {
					time.Sleep(time.Duration(i) * 3 * time.Second) // before, at and after the hard timeout of the first
					who := []string{"gold", "silver", "lead"}[i%3]
					want := 202
					if who == "lead" {
						want = http.StatusGatewayTimeout
					}
					require.Equal(t, want, get(h, "X-App-Id", who).Code, "%s at %d", who, i)
				})
				require.LessOrEqual(t, time.Since(began), 40*time.Second)
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// A fallback that can never admit anybody, or never end, is an error at construction.
func TestFallbackConfigErrors(t *testing.T) {
	empty := new(holdover.AllowList)
	list, err := holdover.NewAllowList("gold")
	require.NoError(t, err)
	credential := func(*http.Request) string { return "" }
	tests := map[string]struct {
		p     holdover.Policy
		field string
	}{
		"no source":                  {holdover.Policy{Fallback: holdover.Fallback{List: list}}, "Policy.Fallback"},
		"two sources":                {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Query: "y"}}, "Policy.Fallback"},
		"three sources":              {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Query: "y", Credential: credential}}, "Policy.Fallback"},
		"source, no list":            {holdover.Policy{Fallback: holdover.Fallback{Header: "X"}}, "Policy.Fallback.List"},
		"TTL, no list":               {holdover.Policy{Fallback: holdover.Fallback{TTL: 1}}, "Policy.Fallback.List"},
		"body, no list":              {holdover.Policy{Fallback: holdover.Fallback{Answer: holdover.Answer{Body: []byte("x")}}}, "Policy.Fallback.List"},
		"bad field":                  {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X Y"}}, "Policy.Fallback.Header"},
		"endless":                    {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Max: -1}}, "Policy.Fallback.Max"},
		"grants beyond the outage's": {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", TTL: time.Hour, Max: time.Minute}}, "Policy.Fallback.TTL"},
		"endless grants":             {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", TTL: -1}}, "Policy.Fallback.TTL"},
		"denial":                     {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Statuses: []int{403}}}, "Policy.Fallback.Statuses[0]"},
		"no error status":            {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Statuses: []int{504, 200}}}, "Policy.Fallback.Statuses[1]"},
		"no failure":                 {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Statuses: []int{404}}}, "Policy.Fallback.Statuses[0]"},
		"throttled":                  {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Statuses: []int{429}}}, "Policy.Fallback.Statuses[0]"},
		"never looked at":            {holdover.Policy{Outcome: holdover.None, Fallback: holdover.Fallback{List: list, Header: "X"}}, "Policy.Fallback.List"},
		"impossible":                 {holdover.Policy{Fallback: holdover.Fallback{List: list, Header: "X", Answer: holdover.Answer{Status: 100}}}, "Policy.Fallback.Answer.Status"},
		"504 is no failure": {holdover.Policy{
			Origin: holdover.Origin{ErrorStatuses: []int{500}}, Fallback: holdover.Fallback{List: list, Header: "X", Statuses: []int{504}},
		}, "Policy.Fallback.Statuses[0]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := holdover.New(holdover.Config{Policy: tt.p})
			require.Error(t, err)
			problem, found := errors.AsType[*holdover.ConfigError](err)
			require.True(t, found)
			require.Equal(t, tt.field, problem.Field)
		})
	}
	_, err = holdover.NewAllowList()
	require.Error(t, err)
	_, err = holdover.New(holdover.Config{Policy: holdover.Policy{Fallback: holdover.Fallback{List: empty, Header: "X"}}})
	_ = err // a list that is filled later is fine, or refused: both are safe
}

// A credential in the query is in keys and purges by its digest; the URL as clients
// write it is what is purged.
func TestFallbackQueryCredentialsAreKeys(t *testing.T) {
	list, err := holdover.NewAllowList("gold")
	require.NoError(t, err)
	for purged, gone := range map[string]map[string]bool{
		page1 + "?app_id=gold&a=1":   {"gold": true},
		page1 + "?app_id=silver&a=1": {"silver": true},
		page1 + "?a=1":               {},
	} {
		t.Run(purged, func(t *testing.T) {
			c := newCache(t, holdover.Config{Policy: holdover.Policy{Fallback: holdover.Fallback{List: list, Query: "app_id"}}})
			o := counting("Cache-Control", "max-age=60")
			h := c.Handler(o)
			visit := func(who string) string { return ask(h, "GET", page1+"?app_id="+who+"&a=1").Body.String() }
			before := map[string]string{}
			for _, who := range []string{"gold", "silver"} {
				before[who] = visit(who)
				require.Equal(t, before[who], visit(who))
			}
			require.NotEqual(t, before["gold"], before["silver"])
			purge(t, c, holdover.PurgeRequest{URL: purged})
			for who, body := range before {
				require.Equal(t, gone[who], visit(who) != body, who)
			}
		})
	}
}

// Where the key is one credential's own, a denial ends what was stored for it, and no
// later failure brings that back.
func TestFallbackRevokedCredentials(t *testing.T) {
	list, err := holdover.NewAllowList("other")
	require.NoError(t, err)
	for name, p := range map[string]holdover.Policy{
		"query":     {Fallback: holdover.Fallback{List: list, Query: "app_id"}},
		"field":     {Fallback: holdover.Fallback{List: list, Header: "X-App-Id"}, Key: holdover.Key{Fields: []string{"X-App-Id"}}},
		"authority": {Key: holdover.Key{Fields: []string{"Authorization"}}},
		"cookie":    {Key: holdover.Key{Cookies: []string{"sid"}}},
		"parts":     {Key: holdover.Key{Parts: func(r *http.Request) []string { return r.Header["X-App-Id"] }}},
	} {
		for _, status := range []int{401, 403} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "secret", "Cache-Control", "public, max-age=1, stale-if-error=600"))
					h := newCache(t, holdover.Config{Policy: p, Detach: detached}).Handler(o)
					visit := func() *httptest.ResponseRecorder {
						return ask(h, "GET", page1+"?app_id=k", "X-App-Id", "k", "Authorization", "k", "Cookie", "sid=k")
					}
					require.Equal(t, "secret", visit().Body.String())
					time.Sleep(2 * time.Second)
					o.set(answer(status, "revoked"))
					require.Equal(t, status, visit().Code)
					for _, failure := range []string{"504", "transport error", "timeout"} {
						o.set(failures[failure])
						require.NotEqual(t, "secret", visit().Body.String())
					}
				})
			})
		}
	}
}
