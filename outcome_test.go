// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// byCredential is the policy of an authorization cache: verdicts are kept per credential.
func byCredential(o holdover.Outcome) holdover.Policy {
	return holdover.Policy{
		Outcome: o, Key: holdover.Key{Fields: []string{"Authorization"}},
		Grace: holdover.Grace{StaleIfError: time.Hour},
		Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{
			200: {TTL: time.Second}, 401: {TTL: time.Second}, 403: {TTL: time.Second},
		}},
	}
}

var bearer = []string{"Authorization", "Bearer a"}

// What a stored verdict is worth while the origin fails, for each outcome policy.
func TestOutcomeTable(t *testing.T) {
	denial, good := answer(403, "no"), answer(200, "yes")
	type row struct{ fresh, afterGood, afterDenial int } // the status given while the origin fails
	tests := map[holdover.Outcome]struct {
		row
		goodThenDenial, denialThenGood int
	}{
		holdover.Resilient: {row{503, 200, 403}, 403, 200},
		holdover.Strict:    {row{503, 503, 503}, 503, 503},
		holdover.AllowAll:  {row{200, 200, 403}, 403, 200},
		holdover.None:      {row{503, 503, 503}, 503, 503},
	}
	for outcome, tt := range tests {
		for name, c := range map[string]struct {
			before []http.HandlerFunc
			want   int
		}{
			"nothing known": {nil, tt.fresh}, "good": {[]http.HandlerFunc{good}, tt.afterGood},
			"denied":            {[]http.HandlerFunc{denial}, tt.afterDenial},
			"good, then denied": {[]http.HandlerFunc{good, denial}, tt.goodThenDenial},
			"denied, then good": {[]http.HandlerFunc{denial, good}, tt.denialThenGood},
		} {
			t.Run(fmt.Sprint(outcome, "/", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(nil)
					h := newCache(t, holdover.Config{Policy: byCredential(outcome)}).Handler(o)
					for _, f := range c.before {
						o.set(f)
						w, _, _ := tried(h, bearer...)
						require.NotEqual(t, 503, w.Code)
						time.Sleep(2 * time.Second)
					}
					o.set(answer(503, "bad"))
					for range 3 {
						w, _, _ := tried(h, bearer...)
						require.Equal(t, c.want, w.Code)
						time.Sleep(2 * time.Second)
					}
				})
			})
		}
	}
}

// A failure destroys nothing that is needed while it lasts, in any policy that stores.
func TestOutcomeFailuresKeepWhatIsStored(t *testing.T) {
	for _, outcome := range []holdover.Outcome{holdover.Resilient, holdover.Strict, holdover.AllowAll} {
		for name, failure := range failures {
			t.Run(fmt.Sprint(outcome, "/", name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1, stale-if-error=600", "Etag", `"1"`))
					h := newCache(t, holdover.Config{Policy: holdover.Policy{Outcome: outcome}}).Handler(o)
					get(h)
					time.Sleep(2 * time.Second)
					o.set(failure)
					w, value, returned := tried(h)
					shown := value != nil || !returned || w.Code >= 400
					require.Equal(t, outcome == holdover.Strict, shown, "strict shows every failure: %d", w.Code)
					time.Sleep(time.Minute)
					o.set(func(w http.ResponseWriter, r *http.Request) {
						require.Equal(t, `"1"`, r.Header.Get("If-None-Match"), "the copy survived")
						w.WriteHeader(http.StatusNotModified)
					})
					w, _, _ = tried(h)
					require.Equal(t, "good", w.Body.String())
				})
			})
		}
	}
}

// Strict shows a failure even while the stored response is fresh for others.
func TestOutcomeStrictStoresOnlyGood(t *testing.T) {
	for _, status := range []int{401, 403, 500, 503, 429, 408} {
		o := newOrigin(answer(status, "bad", "Cache-Control", "max-age=60"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Outcome: holdover.Strict}}).Handler(o)
		get(h)
		require.Equal(t, status, get(h).Code)
		require.EqualValues(t, 2, o.calls.Load(), status)
	}
}

func TestOutcomeStrictDropsOnDenial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1", "Etag", `"1"`))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Outcome: holdover.Strict}}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(answer(403, "no"))
		require.Equal(t, 403, get(h).Code)
		o.set(func(w http.ResponseWriter, r *http.Request) {
			require.Empty(t, r.Header["If-None-Match"])
			_, _ = io.WriteString(w, "again")
		})
		require.Equal(t, "again", get(h).Body.String())
	})
}

// None looks nothing up, stores nothing, and deletes what another policy has stored.
func TestOutcomeNone(t *testing.T) {
	o := newOrigin(answer(200, "1", "Cache-Control", "max-age=60"))
	c := newCache(t, holdover.Config{})
	none, err := c.With(holdover.Policy{Outcome: holdover.None})
	require.NoError(t, err)
	h, off := c.Handler(o), none.Handler(o)
	get(h)
	require.Equal(t, "1", get(h).Body.String())
	o.set(answer(200, "2", "Cache-Control", "max-age=60"))
	require.Equal(t, "2", get(off).Body.String())
	o.set(answer(200, "3", "Cache-Control", "max-age=60"))
	require.Equal(t, "3", get(off).Body.String())
	require.Equal(t, "3", get(h).Body.String(), "deleted")
}

// AllowAll is off unless named, gives its own answer to everyone, and nothing of it is
// remembered.
func TestOutcomeAllowAll(t *testing.T) {
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(failure)
				policy := holdover.Policy{Outcome: holdover.AllowAll, Allow: holdover.Answer{Status: 202, Body: []byte("go on")}}
				h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
				w, _, _ := tried(h)
				if name == "429" || name == "408" {
					require.NotEqual(t, 202, w.Code, "an origin that throttles is alive")
					return
				}
				if name == "panic midway" {
					return // bytes were sent
				}
				require.Equal(t, 202, w.Code)
				require.Equal(t, "go on", w.Body.String())
				require.Contains(t, w.Header().Get("Cache-Control"), "no-store")
				time.Sleep(time.Minute)
				o.set(answer(403, "no"))
				w, _, _ = tried(h)
				require.Equal(t, 403, w.Code, "the first word of the origin counts")
			})
		})
	}
}

// A credential that the origin denied stays denied, even where the denial has no
// lifetime of its own: nothing may let it in because the origin is down.
func TestOutcomeAllowAllRemembersDenials(t *testing.T) {
	for _, denial := range []int{401, 403} {
		synctest.Test(t, func(t *testing.T) {
			policy := holdover.Policy{Outcome: holdover.AllowAll, Key: holdover.Key{Fields: []string{"Authorization"}}}
			o := newOrigin(answer(200, "yes", "Cache-Control", "max-age=1, stale-if-error=600"))
			h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
			get(h, bearer...)
			time.Sleep(2 * time.Second)
			o.set(answer(denial, "no"))
			require.Equal(t, denial, get(h, bearer...).Code)
			time.Sleep(2 * time.Second)
			o.set(answer(503, "bad"))
			require.NotEqual(t, 200, get(h, bearer...).Code)
			require.Equal(t, 200, get(h, "Authorization", "Bearer unknown").Code)
		})
	}
}

// A credential's revoked verdict isn't brought back by an outage.
func TestOutcomeRevokedStaysRevoked(t *testing.T) {
	for _, control := range []string{"", "no-store", "max-age=1"} {
		synctest.Test(t, func(t *testing.T) {
			policy := holdover.Policy{Key: holdover.Key{Fields: []string{"Authorization"}}}
			o := newOrigin(answer(200, "yes", "Cache-Control", "max-age=1, stale-if-error=600"))
			h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
			get(h, bearer...)
			time.Sleep(2 * time.Second)
			o.set(answer(403, "no", "Cache-Control", control))
			require.Equal(t, 403, get(h, bearer...).Code)
			time.Sleep(2 * time.Second)
			o.set(answer(503, "bad"))
			require.NotEqual(t, 200, get(h, bearer...).Code)
		})
	}
}

// 499 and other statuses that no policy names are the origin's word in every place.
func TestOutcomeOneClassification(t *testing.T) {
	for _, status := range []int{400, 404, 418, 451, 499, 501, 505, 599} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1, stale-if-error=600"))
			h := newCache(t, holdover.Config{}).Handler(o)
			get(h)
			time.Sleep(2 * time.Second)
			o.set(answer(status, "word"))
			require.Equal(t, status, get(h).Code, "no failure: shown")
			time.Sleep(2 * time.Second)
			require.Equal(t, status, get(h).Code, "no failure: no back-off")
			require.EqualValues(t, 3, o.calls.Load())
		})
	}
}

// Policies that name further statuses mean all places.
func TestOutcomeErrorStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "good", "Cache-Control", "max-age=1, stale-if-error=600"))
		policy := holdover.Policy{Origin: holdover.Origin{ErrorStatuses: []int{499}}}
		h := newCache(t, holdover.Config{Policy: policy}).Handler(o)
		get(h)
		time.Sleep(2 * time.Second)
		o.set(answer(499, "closed"))
		require.Equal(t, "good", get(h).Body.String())
		time.Sleep(2 * time.Second)
		o.set(answer(500, "mine"))
		require.Equal(t, 500, get(h).Code)
	})
}

// A handler that exits its goroutine isn't taken for one that returned.
func TestOutcomeGoexitIsAFailure(t *testing.T) {
	var ev events
	c := newCache(t, holdover.Config{OnEvent: ev.add})
	h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "half")
		runtime.Goexit()
	}))
	for range 2 {
		_, _, returned := tried(h)
		require.False(t, returned)
	}
	require.NoError(t, c.Close())
	require.Empty(t, ev.of(holdover.EventStored))
	require.Len(t, ev.of(holdover.EventFetch), 2)
}
