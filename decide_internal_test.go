// SPDX-License-Identifier: MIT

package holdover

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// compiled makes rules of a policy that must be valid.
func compiled(t testing.TB, p Policy) *rules {
	t.Helper()
	r, err := compile(p, DefaultMaxLife)
	require.NoError(t, err)
	return r
}

// wishing is a request with that Cache-Control.
func wishing(cacheControl string) wishes {
	if cacheControl == "" {
		return wishes{cc: cachecontrol.ParseRequest(nil, nil)}
	}
	return wishes{cc: cachecontrol.ParseRequest([]string{cacheControl}, nil)}
}

// aged is a stored response with max-age=60 of that age in seconds, and nothing else.
func aged(seconds float64, change ...func(*facts)) facts {
	f := facts{
		source: store.SourceMaxAge, lifetime: time.Minute,
		age: time.Duration(seconds * float64(time.Second)), swr: store.Absent, sie: store.Absent,
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func flagged(flags store.Flags) func(*facts) { return func(f *facts) { f.flags |= flags } }
func from(s store.Source) func(*facts)       { return func(f *facts) { f.source = s } }
func windowSWR(d time.Duration) func(*facts) { return func(f *facts) { f.swr = d } }
func windowSIE(d time.Duration) func(*facts) { return func(f *facts) { f.sie = d } }
func soft(f *facts)                          { f.soft = true }
func future(f *facts)                        { f.future = true }

var (
	withSWR    = Policy{Grace: Grace{StaleWhileRevalidate: time.Minute}}
	withSIE    = Policy{Grace: Grace{StaleIfError: time.Minute}}
	withoutAny = Policy{Grace: Grace{Keep: -1}}
	strict     = Policy{Outcome: Strict, Grace: Grace{StaleWhileRevalidate: time.Minute, StaleIfError: time.Minute}}
)

func TestDecide(t *testing.T) {
	credentials := func(cc string) wishes { w := wishing(cc); w.credentials = true; return w }
	for _, tt := range []struct {
		name   string
		facts  facts
		wishes wishes
		policy Policy
		want   decision
	}{
		// RFC 9111 §4.2
		{"fresh", aged(0), wishing(""), Policy{}, decision{serve, ReasonHit}},
		{"a nanosecond before the end", aged(60, func(f *facts) { f.age-- }), wishing(""), Policy{}, decision{serve, ReasonHit}},
		{"lifetime equals age", aged(60), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"stale", aged(61), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"purged softly", aged(1, soft), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"purged softly, with a window", aged(1, soft), wishing(""), withSWR, decision{serveStale, ReasonStaleWhileRevalidate}},
		{"from the future", aged(0, future), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"a fresh failure", aged(1, flagged(store.Failed)), wishing(""), Policy{}, decision{serve, ReasonHit}},
		// RFC 9111 §5.2.2.2, .8, .10: they say nothing about a fresh response
		{"fresh with must-revalidate", aged(1, flagged(store.MustRevalidate)), wishing(""), Policy{}, decision{serve, ReasonHit}},
		{"fresh with s-maxage", aged(1, flagged(store.SMaxAge)), wishing(""), Policy{}, decision{serve, ReasonHit}},
		// RFC 9111 §5.2.2.4
		{"no-cache", aged(1, flagged(store.NoCache)), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"no-cache with a window", aged(61, flagged(store.NoCache), windowSWR(time.Hour)), wishing(""), Policy{}, decision{forward, ReasonStale}},
		// RFC 9111 §5.2.1.4
		{"request no-cache", aged(1), wishing("no-cache"), Policy{}, decision{forward, ReasonRequest}},
		// RFC 9111 §5.2.1.1
		{"request max-age reached", aged(10), wishing("max-age=10"), Policy{}, decision{serve, ReasonHit}},
		{"request max-age exceeded", aged(10.5), wishing("max-age=10"), Policy{}, decision{forward, ReasonRequest}},
		{"request max-age=0", aged(0.5), wishing("max-age=0"), Policy{}, decision{forward, ReasonRequest}},
		{"request max-age exceeded, max-stale", aged(70), wishing("max-age=65, max-stale"), Policy{}, decision{forward, ReasonStale}},
		// RFC 9111 §5.2.1.3
		{"min-fresh left", aged(50), wishing("min-fresh=10"), Policy{}, decision{serve, ReasonHit}},
		{"min-fresh not left", aged(50.5), wishing("min-fresh=10"), Policy{}, decision{forward, ReasonRequest}},
		{"min-fresh and stale", aged(61), wishing("min-fresh=0"), withSWR, decision{forward, ReasonStale}},
		// RFC 9111 §5.2.1.2
		{"max-stale", aged(3000), wishing("max-stale"), Policy{}, decision{serve, ReasonMaxStale}},
		{"max-stale reached", aged(70), wishing("max-stale=10"), Policy{}, decision{serve, ReasonMaxStale}},
		{"max-stale exceeded", aged(70.5), wishing("max-stale=10"), Policy{}, decision{forward, ReasonStale}},
		{"max-stale ends with keep", aged(60 + 3600), wishing("max-stale"), Policy{}, decision{forward, ReasonStale}},
		{"max-stale without keep", aged(61), wishing("max-stale"), withoutAny, decision{forward, ReasonStale}},
		{"max-stale, must-revalidate", aged(61, flagged(store.MustRevalidate)), wishing("max-stale"), Policy{}, decision{forward, ReasonStale}},
		{"max-stale, proxy-revalidate", aged(61, flagged(store.ProxyRevalidate)), wishing("max-stale"), Policy{}, decision{forward, ReasonStale}},
		{"max-stale, s-maxage", aged(61, flagged(store.SMaxAge)), wishing("max-stale"), Policy{}, decision{forward, ReasonStale}},
		{"max-stale, failed", aged(61, flagged(store.Failed)), wishing("max-stale"), Policy{}, decision{forward, ReasonStale}},
		// RFC 5861 §3
		{"window of the origin", aged(61, windowSWR(2*time.Second)), wishing(""), Policy{}, decision{serveStale, ReasonStaleWhileRevalidate}},
		{"window of the origin over", aged(62, windowSWR(2*time.Second)), wishing(""), Policy{}, decision{forward, ReasonStale}},
		{"window of the policy", aged(119), wishing(""), withSWR, decision{serveStale, ReasonStaleWhileRevalidate}},
		{"window of the policy over", aged(120), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"the origin's window wins over a longer one", aged(62, windowSWR(time.Second)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"the origin's window of 0 wins", aged(60.5, windowSWR(0)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"s-maxage outranks the policy's window", aged(61, flagged(store.SMaxAge)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"the origin's window outranks s-maxage", aged(61, flagged(store.SMaxAge), windowSWR(time.Minute)), wishing(""), Policy{}, decision{serveStale, ReasonStaleWhileRevalidate}},
		{"must-revalidate outranks the window", aged(61, flagged(store.MustRevalidate), windowSWR(time.Minute)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"proxy-revalidate outranks the window", aged(61, flagged(store.ProxyRevalidate), windowSWR(time.Minute)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"a failure is never stale", aged(61, flagged(store.Failed), windowSWR(time.Minute)), wishing(""), withSWR, decision{forward, ReasonStale}},
		{"strict is never stale", aged(61, windowSWR(time.Minute)), wishing(""), strict, decision{forward, ReasonStale}},
		{"strict refuses max-stale", aged(61), wishing("max-stale"), strict, decision{forward, ReasonStale}},
		// Credentials get nothing that lives by a rule of ours.
		{"credentials, the origin's lifetime", aged(1), credentials(""), Policy{}, decision{serve, ReasonHit}},
		{"credentials, Expires", aged(1, from(store.SourceExpires)), credentials(""), Policy{}, decision{serve, ReasonHit}},
		{"credentials, heuristic", aged(1, from(store.SourceHeuristic)), credentials(""), Policy{}, decision{forward, ReasonRequest}},
		{"credentials, Retry-After", aged(1, from(store.SourceRetryAfter)), credentials(""), Policy{}, decision{forward, ReasonRequest}},
		{"credentials, rule", aged(1, from(store.SourceStatusRule)), credentials(""), Policy{}, decision{forward, ReasonRequest}},
		{"credentials, default", aged(1, from(store.SourceDefault)), credentials("max-stale"), Policy{}, decision{forward, ReasonRequest}},
		{"nobody, rule", aged(1, from(store.SourceStatusRule)), wishing(""), Policy{}, decision{serve, ReasonHit}},
		// RFC 9111 §5.2.1.7
		{"only-if-cached, fresh", aged(1), wishing("only-if-cached"), Policy{}, decision{serve, ReasonHit}},
		{"only-if-cached, stale", aged(61), wishing("only-if-cached"), Policy{}, decision{refuse, ReasonOnlyIfCached}},
		{"only-if-cached, max-stale", aged(61), wishing("only-if-cached, max-stale"), Policy{}, decision{serve, ReasonMaxStale}},
		{"only-if-cached, window", aged(61), wishing("only-if-cached"), withSWR, decision{serveStale, ReasonStaleWhileRevalidate}},
		{"only-if-cached, no-cache", aged(1), wishing("only-if-cached, no-cache"), Policy{}, decision{refuse, ReasonOnlyIfCached}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, decide(true, tt.facts, tt.wishes, compiled(t, tt.policy), ""))
		})
	}
}

func TestDecideOnNothing(t *testing.T) {
	p := compiled(t, Policy{})
	for _, miss := range []Reason{ReasonURIMiss, ReasonVaryMiss} {
		require.Equal(t, decision{forward, miss}, decide(false, facts{}, wishing(""), p, miss))
		require.Equal(t, decision{refuse, ReasonOnlyIfCached}, decide(false, facts{}, wishing("only-if-cached"), p, miss))
	}
}

func TestOnFault(t *testing.T) {
	credentials := wishing("")
	credentials.credentials = true
	no := Reason("")
	for _, tt := range []struct {
		name   string
		facts  facts
		wishes wishes
		policy Policy
		fault  Reason
		want   Reason
	}{
		// RFC 5861 §4
		{"the origin's window", aged(61, windowSIE(2*time.Second)), wishing(""), Policy{}, ReasonErrorStatus, ReasonStaleIfError},
		{"the origin's window over", aged(62, windowSIE(2*time.Second)), wishing(""), Policy{}, ReasonErrorStatus, no},
		{"the policy's window", aged(119), wishing(""), withSIE, ReasonErrorStatus, ReasonStaleIfError},
		{"the policy's window over", aged(120), wishing(""), withSIE, ReasonErrorStatus, no},
		{"the origin's window of 0 wins", aged(60, windowSIE(0)), wishing(""), withSIE, ReasonErrorStatus, no},
		{"the request's window", aged(69), wishing("stale-if-error=10"), Policy{}, ReasonErrorStatus, ReasonStaleIfError},
		{"the request's window over", aged(70), wishing("stale-if-error=10"), Policy{}, ReasonErrorStatus, no},
		{"the request's window ends with keep", aged(60 + 3600), wishing("stale-if-error=99999"), Policy{}, ReasonErrorStatus, no},
		{"the request's window without keep", aged(61), wishing("stale-if-error=10"), withoutAny, ReasonErrorStatus, no},
		{"the request's window beside s-maxage", aged(61, flagged(store.SMaxAge)), wishing("stale-if-error=10"), Policy{}, ReasonErrorStatus, no},
		{"the request's window beside must-revalidate", aged(61, flagged(store.MustRevalidate)), wishing("stale-if-error=10"), Policy{}, ReasonErrorStatus, no},
		{"no window", aged(61), wishing(""), Policy{}, ReasonErrorStatus, no},
		{"the window for revalidation is not one for errors", aged(61, windowSWR(time.Minute)), wishing(""), Policy{}, ReasonErrorStatus, no},
		{"throttled", aged(61), wishing(""), withSIE, ReasonThrottled, ReasonStaleIfError},
		{"a panic", aged(61), wishing(""), withSIE, ReasonPanic, ReasonStaleIfError},
		{"cut off", aged(61), wishing(""), withSIE, ReasonTruncated, ReasonStaleIfError},
		// RFC 9111 §4.2.4
		{"transport", aged(61), wishing(""), Policy{}, ReasonTransport, ReasonDisconnected},
		{"timeout", aged(61), wishing(""), Policy{}, ReasonTimeout, ReasonDisconnected},
		{"given up", aged(61), wishing(""), Policy{}, ReasonAttempt, ReasonDisconnected},
		{"keep is over", aged(60 + 3600), wishing(""), Policy{}, ReasonTransport, no},
		{"no keep", aged(61), wishing(""), withoutAny, ReasonTransport, no},
		{"a panic is an answer", aged(61), wishing(""), Policy{}, ReasonPanic, no},
		{"half an answer is an answer", aged(61), wishing(""), Policy{}, ReasonTruncated, no},
		{"throttling is an answer", aged(61), wishing(""), Policy{}, ReasonThrottled, no},
		{"an explicit window ended", aged(71, windowSIE(10*time.Second)), wishing(""), Policy{}, ReasonTransport, no},
		{"an explicit window of 0", aged(61, windowSIE(0)), wishing(""), Policy{}, ReasonTransport, no},
		{"a window of the policy ended", aged(121), wishing(""), withSIE, ReasonTransport, ReasonDisconnected},
		{"disconnected, s-maxage", aged(61, flagged(store.SMaxAge)), wishing(""), withSIE, ReasonTransport, no},
		{"disconnected, s-maxage with a window", aged(61, flagged(store.SMaxAge), windowSIE(time.Minute)), wishing(""), Policy{}, ReasonTransport, ReasonStaleIfError},
		{"disconnected, must-revalidate", aged(61, flagged(store.MustRevalidate), windowSIE(time.Minute)), wishing(""), withSIE, ReasonTransport, no},
		{"disconnected, proxy-revalidate", aged(61, flagged(store.ProxyRevalidate), windowSIE(time.Minute)), wishing(""), withSIE, ReasonTransport, no},
		{"disconnected, no-cache", aged(1, flagged(store.NoCache), windowSIE(time.Minute)), wishing(""), withSIE, ReasonTransport, no},
		// The soft timeout: where some window lets the copy be used.
		{"soft timeout, no window", aged(61), wishing(""), Policy{}, ReasonSoftTimeout, no},
		{"soft timeout, error window", aged(61), wishing(""), withSIE, ReasonSoftTimeout, ReasonStaleIfError},
		{"soft timeout, revalidation window", aged(61), wishing(""), withSWR, ReasonSoftTimeout, ReasonSoftTimeout},
		{"soft timeout, the origin's revalidation window", aged(61, windowSWR(time.Minute)), wishing(""), Policy{}, ReasonSoftTimeout, ReasonSoftTimeout},
		{"soft timeout, windows over", aged(121, windowSWR(time.Minute)), wishing(""), withSIE, ReasonSoftTimeout, no},
		// What the request says.
		{"request no-cache", aged(1), wishing("no-cache"), withSIE, ReasonTransport, no},
		{"request max-age", aged(30), wishing("max-age=0"), Policy{}, ReasonErrorStatus, ReasonStaleIfError},
		{"request min-fresh", aged(30), wishing("min-fresh=50"), Policy{}, ReasonErrorStatus, ReasonStaleIfError},
		{"credentials, the origin's lifetime", aged(61), credentials, withSIE, ReasonTransport, ReasonStaleIfError},
		{"credentials, our lifetime", aged(61, from(store.SourceStatusRule)), credentials, withSIE, ReasonTransport, no},
		// What it is, and what the policy says.
		{"a stored failure", aged(61, flagged(store.Failed), windowSIE(time.Minute)), wishing(""), withSIE, ReasonTransport, no},
		{"strict", aged(61, windowSIE(time.Minute)), wishing(""), strict, ReasonTransport, no},
		{"strict, fresh", aged(1), wishing("max-age=0"), strict, ReasonTransport, no},
		{"purged softly", aged(1, soft), wishing(""), withSIE, ReasonErrorStatus, ReasonStaleIfError},
		{"purged softly, no window", aged(1, soft), wishing(""), Policy{}, ReasonErrorStatus, no},
		{"purged softly, disconnected", aged(1, soft), wishing(""), Policy{}, ReasonTransport, ReasonDisconnected},
		{"from the future", aged(0, future), wishing(""), withSIE, ReasonErrorStatus, ReasonStaleIfError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, usable := onFault(tt.facts, tt.wishes, compiled(t, tt.policy), tt.fault)
			require.Equal(t, tt.want != no, usable)
			if usable {
				require.Equal(t, tt.want, got)
			}
		})
	}
}

// must-revalidate says nothing about a response that is still fresh (RFC 9111
// §5.2.2.2): a browser's reload during an outage gets it.
func TestOnFaultFreshWithMustRevalidate(t *testing.T) {
	p := compiled(t, Policy{})
	for _, flag := range []store.Flags{store.MustRevalidate, store.ProxyRevalidate, store.SMaxAge} {
		_, usable := onFault(aged(1, flagged(flag)), wishing("max-age=0"), p, ReasonTransport)
		require.True(t, usable, "flag %b", flag)
	}
}

// model computes a second time, in another way, whether a response may be used: from
// how long it has been stale, and how far the windows that apply reach.
type model struct {
	f facts
	w wishes
	p *rules
}

// never are the cases in which no instant matters.
func (m model) never() bool {
	theirs := (m.p.Profile == RFC || m.f.source != store.SourceHeuristic) && m.f.source != store.SourceRetryAfter &&
		m.f.source != store.SourceStatusRule && m.f.source != store.SourceDefault
	return m.f.flags&store.NoCache != 0 || m.w.cc.NoCache || m.w.credentials && (!theirs || m.silent())
}

// silent: the origin said nothing that could apply.
func (m model) silent() bool {
	return m.p.Profile == Safe && m.f.source == store.SourceNone && max(m.f.sie, m.f.swr) == store.Absent
}

// neverStale are those in which only a fresh response may be used.
func (m model) neverStale() bool {
	return m.f.flags&(store.MustRevalidate|store.ProxyRevalidate|store.Failed) != 0 || m.p.Outcome == Strict
}

// staleFor is for how long, after its lifetime, a response has been stale.
func (m model) staleFor() (stale bool, by time.Duration) {
	if m.f.soft || m.f.future {
		return true, max(m.f.age, m.f.lifetime) - m.f.lifetime
	}
	return m.f.age >= m.f.lifetime, m.f.age - m.f.lifetime
}

// window is the origin's, or the policy's where s-maxage leaves it a say.
func (m model) window(origins, policys time.Duration) time.Duration {
	smaxage := m.f.flags&store.SMaxAge != 0
	switch {
	case origins >= 0 && (m.p.Profile == Safe || !smaxage):
		return origins
	case smaxage:
		return 0
	}
	return policys
}

// keep is how far wishes of the request and disconnection reach.
func (m model) keep() time.Duration { return m.window(-1, m.p.keep) }

// mayServe says whether the response may be given without asking the origin.
func (m model) mayServe() bool {
	cc := m.w.cc
	stale, by := m.staleFor()
	switch {
	case m.never(), cc.MaxAge >= 0 && m.f.age > cc.MaxAge && (stale || m.f.flags&store.Immutable == 0):
		return false
	case !stale:
		return cc.MinFresh < 0 || m.f.lifetime-m.f.age >= cc.MinFresh
	case m.neverStale(), cc.MinFresh >= 0:
		return false
	case by < m.window(m.f.swr, m.p.swr):
		return true
	case by < m.keep():
		return cc.AnyMaxStale || cc.MaxStale >= 0 && by <= cc.MaxStale
	}
	return false
}

// mayStandIn says whether it may be given after a fault.
func (m model) mayStandIn(fault Reason) bool {
	stale, by := m.staleFor()
	if m.never() || m.p.Outcome == Strict {
		return false
	}
	if !stale {
		return m.f.flags&store.Failed == 0
	}
	if m.neverStale() {
		return false
	}
	reach := m.window(m.f.sie, m.p.sie)
	if m.w.cc.StaleIfError >= 0 {
		reach = max(reach, min(m.w.cc.StaleIfError, m.keep()))
	}
	switch fault {
	case ReasonSoftTimeout:
		reach = max(reach, m.window(m.f.swr, m.p.swr))
	case ReasonTransport, ReasonTimeout, ReasonAttempt:
		if m.f.sie < 0 {
			reach = max(reach, m.keep())
		}
	}
	return by < reach
}

// anyCase draws from few values, so that limits are met exactly.
func anyCase(r *rand.Rand) (facts, wishes) {
	few := func() time.Duration { return time.Duration(r.IntN(7)) * time.Second }
	maybe := func() time.Duration {
		if r.IntN(2) == 0 {
			return -1
		}
		return few()
	}
	f := facts{
		flags: store.Flags(r.Uint32() & r.Uint32() & r.Uint32() & uint32(store.Sniffed*2-1)), source: store.Source(r.IntN(8)),
		lifetime: few(), age: few() + time.Duration(r.IntN(2))*time.Second/2,
		soft: r.IntN(8) == 0, future: r.IntN(8) == 0, swr: maybe(), sie: maybe(),
	}
	w := wishing("")
	w.credentials = r.IntN(4) == 0
	w.cc.NoCache, w.cc.OnlyIfCached = r.IntN(8) == 0, r.IntN(8) == 0
	w.cc.AnyMaxStale = r.IntN(6) == 0
	for _, d := range []*time.Duration{&w.cc.MaxAge, &w.cc.MinFresh, &w.cc.MaxStale, &w.cc.StaleIfError} {
		if r.IntN(3) == 0 {
			*d = few()
		}
	}
	return f, w
}

func somePolicies(t *testing.T) (list []*rules) {
	second := time.Second
	for _, g := range []Grace{{}, {Keep: -1}, {Keep: 3 * second}, {StaleWhileRevalidate: 2 * second, Keep: 4 * second}, {StaleIfError: 2 * second, Keep: second}} {
		for _, o := range []Outcome{Resilient, Strict, AllowAll} {
			list = append(list, compiled(t, Policy{Grace: g, Outcome: o}), compiled(t, Policy{Profile: RFC, Grace: g, Outcome: o}))
		}
	}
	return list
}

func TestDecisionsAgreeWithTheModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	policies := somePolicies(t)
	faults := []Reason{
		ReasonErrorStatus, ReasonThrottled, ReasonTransport, ReasonTimeout, ReasonAttempt,
		ReasonPanic, ReasonTruncated, ReasonCancelled, ReasonSoftTimeout,
	}
	for range 300_000 {
		f, w := anyCase(r)
		m := model{f, w, policies[r.IntN(len(policies))]}
		d := decide(true, f, w, m.p, "")
		served := d.action == serve || d.action == serveStale
		if served != m.mayServe() {
			require.Failf(t, "decide", "%+v for %+v %+v %+v", d, f, w, m.p.Grace)
		}
		if !served && w.cc.OnlyIfCached != (d.action == refuse) {
			require.Failf(t, "only-if-cached", "%+v for %+v %+v", d, f, w)
		}
		fault := faults[r.IntN(len(faults))]
		if _, usable := onFault(f, w, m.p, fault); usable && !m.mayStandIn(fault) {
			require.Failf(t, "onFault gives what it must not", "%s for %+v %+v %+v", fault, f, w, m.p.Grace)
		} else if !usable && m.mayStandIn(fault) && !(f.fresh() && !f.mayBeStale()) {
			require.Failf(t, "onFault refuses what it may give", "%s for %+v %+v %+v", fault, f, w, m.p.Grace)
		}
	}
}

// Whatever happens, a response with a lifetime and no window is gone after keep.
func TestNothingOutlivesItsWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, p := range somePolicies(t) {
		for range 2000 {
			f, w := anyCase(r)
			f.age = f.lifetime + max(p.keep, p.swr, p.sie, f.swr, f.sie)
			f.soft, f.future = false, false
			require.NotContains(t, []action{serve, serveStale}, decide(true, f, w, p, "").action, "%+v %+v", f, w)
			_, usable := onFault(f, w, p, ReasonTransport)
			require.False(t, usable, "%+v %+v", f, w)
		}
	}
}

func TestFactsOf(t *testing.T) {
	now := int64(1e18)
	e, err := store.New(store.Response{
		Key: "k", Status: 200, Flags: store.Public, ResponseTime: now, InitialAge: 5 * time.Second,
		Lifetime: time.Minute, LifetimeFrom: store.SourceExpires, StaleWhileRevalidate: store.Absent, StaleIfError: time.Second,
	})
	require.NoError(t, err)
	want := facts{
		flags: store.Public, source: store.SourceExpires, lifetime: time.Minute, age: 5 * time.Second,
		swr: store.Absent, sie: time.Second,
	}
	require.Equal(t, want, factsOf(e, marks.Unpurged, now))
	want.age, want.soft = 15*time.Second, true
	require.Equal(t, want, factsOf(e, marks.Soft, now+int64(10*time.Second)))

	// A clock behind the response: the time since counts as zero, up to the skew.
	want.age, want.soft = 5*time.Second, false
	require.Equal(t, want, factsOf(e, marks.Unpurged, now-int64(5*time.Second)))
	want.future = true
	require.Equal(t, want, factsOf(e, marks.Unpurged, now-int64(5*time.Second)-1))

	unsure := factsOf(e, marks.Unsure, now)
	require.False(t, unsure.fresh(), "it is not used without validation")
	require.False(t, unsure.mayBeStale(), "nor when that fails")
}
