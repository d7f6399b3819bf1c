// SPDX-License-Identifier: MIT

package holdover

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// at0 is where the clock of these tests starts: not on a whole second.
const at0 = int64(1_800_000_000_123_456_789)

// timed is a cache whose clock a test moves.
type timed struct {
	*Cache
	time  atomic.Int64
	calls atomic.Int64
}

func newTimed(t testing.TB, cfg Config) *timed {
	t.Helper()
	c, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	m := &timed{Cache: c}
	m.time.Store(at0)
	c.clock = m.time.Load
	return m
}

func (m *timed) pass(d time.Duration) { m.time.Add(int64(d)) }

// wrap counts what reaches a handler that answers with these fields.
func (m *timed) wrap(lines ...string) http.Handler {
	header := fields(lines...)
	return m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.calls.Add(1)
		maps.Copy(w.Header(), header)
		fmt.Fprintf(w, "answer %d", m.calls.Load())
	}))
}

func fetchPage(h http.Handler, lines ...string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://example.com/", nil)
	r.Header = fields(lines...)
	h.ServeHTTP(w, r)
	return w
}

// fixture is an entry that arrived at at0 with an age and a lifetime.
func fixture(t testing.TB, c *Cache, initial, lifetime time.Duration) *store.Entry {
	t.Helper()
	e, err := store.New(store.Response{
		Key: "k", Status: 200, URLHash: 1, ResponseTime: at0, InitialAge: initial, Lifetime: lifetime,
		LifetimeFrom: store.SourceMaxAge, StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
		Fields: []store.Field{{Name: "A", Values: []string{"1", "2"}}},
		AsOf:   []store.Position{{Epoch: c.marks.Epoch(), Seq: c.marks.Position()}},
	})
	require.NoError(t, err)
	return e
}

// stampAt is what a hit would send at an instant: the stamp that still holds or a new one.
func stampAt(c *Cache, e *store.Entry, p *rules, now int64) *stamp {
	v := viewOf(e)
	if st := v.stamp.Load(); st.holds(now, p, c.marks.Position()) {
		return st
	}
	return c.restamp(e, v, p, now)
}

func ttlOf(t testing.TB, text string) int {
	t.Helper()
	_, number, found := strings.Cut(text, "; hit; ttl=")
	require.True(t, found, text)
	n, err := strconv.Atoi(number)
	require.NoError(t, err)
	return n
}

func TestAgeChangesAtTheRightInstant(t *testing.T) {
	c := newTimed(t, Config{})
	e := fixture(t, c.Cache, 2700*time.Millisecond, 10*time.Second)
	for _, tt := range []struct {
		after time.Duration
		age   string
	}{
		{0, "2"}, {300*time.Millisecond - 1, "2"}, {300 * time.Millisecond, "3"}, {1300*time.Millisecond - 1, "3"},
		{1300 * time.Millisecond, "4"}, {7300*time.Millisecond - 1, "9"},
	} {
		st := stampAt(c.Cache, e, c.rules, at0+int64(tt.after))
		require.NotNil(t, st, tt.after)
		require.Equal(t, tt.age, st.age[0], tt.after)
	}
	require.Nil(t, stampAt(c.Cache, e, c.rules, at0+int64(7300*time.Millisecond)), "equal is stale (RFC 9111 §4.2)")
	require.Nil(t, stampAt(c.Cache, e, c.rules, at0+int64(time.Hour)))
}

// However requests fall in time, Age is the age in whole seconds and ttl what is left
// of the lifetime, to the second.
func TestStampsTellTheTime(t *testing.T) {
	c := newTimed(t, Config{})
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		initial := time.Duration(r.Int64N(int64(5 * time.Second)))
		lifetime := time.Duration(r.Int64N(int64(20 * time.Second)))
		if r.IntN(2) == 0 {
			initial, lifetime = initial.Truncate(time.Second), lifetime.Truncate(time.Second)
		}
		e := fixture(t, c.Cache, initial, lifetime)
		now, last, off := at0, 1<<30, 1.0
		for range 60 {
			switch r.IntN(10) {
			case 0: // jitter backwards
				now -= r.Int64N(int64(2 * time.Second))
				last, off = 1<<30, 2 // a stamp may have been made at the end of its second
			case 1:
				now += r.Int64N(3) // meets limits
			default:
				now += r.Int64N(int64(time.Second))
			}
			age := initial + max(0, time.Duration(now-at0))
			st := stampAt(c.Cache, e, c.rules, now)
			require.Equal(t, age < lifetime, st != nil, "age %v of %v", age, lifetime)
			if st == nil {
				continue
			}
			require.Equal(t, strconv.Itoa(int(age/time.Second)), st.age[0], "age %v", age)
			ttl := ttlOf(t, st.status[0])
			require.InDelta(t, (lifetime - age).Seconds(), float64(ttl), off, "ttl with %v left", lifetime-age)
			require.LessOrEqual(t, ttl, last)
			last = ttl
		}
	}
}

func TestStampHoldsFor(t *testing.T) {
	c := newTimed(t, Config{})
	e := fixture(t, c.Cache, 0, time.Minute)
	st := stampAt(c.Cache, e, c.rules, at0)
	position := c.marks.Position()
	require.Same(t, st, stampAt(c.Cache, e, c.rules, at0+int64(time.Second)-1), "a repeated hit renews nothing")
	other := compiled(t, Policy{})
	for name, holds := range map[string]bool{
		"same second":    st.holds(at0+int64(time.Second)-1, c.rules, position),
		"next second":    !st.holds(at0+int64(time.Second), c.rules, position),
		"clock back":     !st.holds(at0-1, c.rules, position),
		"another policy": !st.holds(at0, other, position),
		"a mark":         !st.holds(at0, c.rules, position+1),
		"no stamp":       !(*stamp)(nil).holds(at0, c.rules, position),
	} {
		require.True(t, holds, name)
	}
}

// A lifetime beyond all bounds, such as an Expires in the year 9999 gives, doesn't
// overflow: the stamp holds for a second like others.
func TestStampOfEndlessLifetime(t *testing.T) {
	c := newTimed(t, Config{})
	for _, lifetime := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 / 2} {
		e := fixture(t, c.Cache, 3*time.Second, lifetime)
		st := stampAt(c.Cache, e, c.rules, at0)
		require.NotNil(t, st)
		require.Same(t, st, stampAt(c.Cache, e, c.rules, at0+int64(time.Second)-1))
	}
	h := c.wrap("Expires: Fri, 31 Dec 9999 23:59:59 GMT")
	fetchPage(h)
	require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "; hit; ttl=")
}

func TestStampAfterMarks(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hash  uint64
		soft  bool
		fresh bool
	}{
		{"of another URL", 0xabcdef0123456789, false, true},
		{"of another URL, soft", 0xabcdef0123456789, true, true},
		{"of this URL", 1, false, false},
		{"of this URL, soft", 1, true, false},
		{"of all", marks.All, false, false},
		{"of all, soft", marks.All, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTimed(t, Config{})
			e := fixture(t, c.Cache, 0, time.Minute)
			before := stampAt(c.Cache, e, c.rules, at0)
			c.marks.Mark(tt.hash, tt.soft)
			require.False(t, before.holds(at0, c.rules, c.marks.Position()))
			after := stampAt(c.Cache, e, c.rules, at0)
			require.Equal(t, tt.fresh, after != nil)
			if tt.fresh {
				require.Equal(t, before.age, after.age)
				require.Same(t, after, stampAt(c.Cache, e, c.rules, at0))
			}
		})
	}
}

func TestStampOnlyForWhatIsSimplyFresh(t *testing.T) {
	c := newTimed(t, Config{})
	for flags, simple := range map[store.Flags]bool{0: true, store.NoCache: false, store.MustRevalidate: true, store.SMaxAge: true, store.Failed: true} {
		e, err := store.New(store.Response{
			Key: "k", Status: 200, Flags: flags, ResponseTime: at0, Lifetime: time.Minute, LifetimeFrom: store.SourceMaxAge,
			AsOf: []store.Position{{Epoch: c.marks.Epoch()}},
		})
		require.NoError(t, err)
		require.Equal(t, simple, stampAt(c.Cache, e, c.rules, at0) != nil, "%b", flags)
	}
	e := fixture(t, c.Cache, 0, time.Minute)
	require.Nil(t, stampAt(c.Cache, e, c.rules, at0-int64(maxSkew)-1), "from the future")
	require.NotNil(t, stampAt(c.Cache, e, c.rules, at0-int64(maxSkew)))
}

func TestViews(t *testing.T) {
	c := newTimed(t, Config{})
	e := fixture(t, c.Cache, 0, time.Minute)
	v := viewOf(e)
	require.Same(t, v, viewOf(e))
	require.Equal(t, append(e.Fields(), store.Field{Name: "Content-Type"}), v.fields, "no type was sent, and none is made up")
	for _, f := range v.fields {
		require.Equal(t, len(f.Values), cap(f.Values), "an outer Header().Add must reallocate")
	}
	e.SetView(nil)
	require.NotSame(t, v, viewOf(e))

	record, err := store.New(store.Response{Kind: store.KindVary, Key: "k", Vary: []string{"A", "B"}, Generation: 0xabc})
	require.NoError(t, err)
	vv := varyViewOf(record)
	require.Equal(t, &varyView{names: []string{"A", "B"}, generation: " vabc."}, vv)
	require.Same(t, vv, varyViewOf(record))
	require.Equal(t, vv.names, varyNames(record))
}

// The same over the request path.
func TestHitsTellTheTime(t *testing.T) {
	m := newTimed(t, Config{})
	h := m.wrap("Cache-Control: max-age=10")
	fetchPage(h)
	for second := range 10 {
		w := fetchPage(h)
		require.Equal(t, strconv.Itoa(second), w.Header().Get("Age"))
		require.Equal(t, fmt.Sprintf("holdover; hit; ttl=%d", 10-second), w.Header().Get("Cache-Status"))
		m.pass(time.Second)
	}
	require.EqualValues(t, 1, m.calls.Load())
	require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "fwd=stale")
	require.EqualValues(t, 2, m.calls.Load())
}

// Two routes with different windows share entries and don't decide for each other.
func TestViewsOfOtherPoliciesShareEntries(t *testing.T) {
	m := newTimed(t, Config{})
	route, err := m.With(Policy{Grace: Grace{StaleWhileRevalidate: time.Minute}})
	require.NoError(t, err)
	failing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	fetchPage(m.wrap("Cache-Control: max-age=10"))
	patient, plain := route.Handler(failing), m.Handler(failing)
	for range 3 {
		require.Contains(t, fetchPage(patient).Header().Get("Cache-Status"), "hit; ttl=10")
		require.Contains(t, fetchPage(plain).Header().Get("Cache-Status"), "hit; ttl=10")
	}
	m.pass(11 * time.Second)
	require.Equal(t, http.StatusServiceUnavailable, fetchPage(plain).Code)
	require.Equal(t, http.StatusOK, fetchPage(patient).Code)
}
