// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// film is a page that answers ranges as http.ServeContent does, too large to be stored as a
// whole by a policy that stores bodies of up to 50 bytes.
type film struct {
	*origin
	text   string
	fields []string
	asked  []string
}

func newFilm(size int, fields ...string) *film {
	m := &film{fields: fields}
	var text strings.Builder
	for i := 0; text.Len() < size; i++ {
		fmt.Fprintf(&text, "%03d,", i)
	}
	m.text = text.String()[:size]
	m.origin = newOrigin(m.show)
	return m
}

func (m *film) show(w http.ResponseWriter, r *http.Request) {
	m.asked = append(m.asked, r.Header.Get("Range"))
	setFields(w.Header(), m.fields)
	w.Header().Set("Content-Type", "video/x")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(m.text))
}

var (
	strongFilm = []string{"Cache-Control", "max-age=60", "Etag", `"1"`}
	smallRoom  = holdover.Policy{Safety: holdover.Safety{MaxBody: 50}}
)

// wantRange asks for a range and compares each byte.
func (m *film) wantRange(t *testing.T, h http.Handler, from, to int, fields ...string) http.Header {
	t.Helper()
	w := get(h, append(fields, "Range", fmt.Sprintf("bytes=%d-%d", from, to))...)
	require.Equal(t, http.StatusPartialContent, w.Code)
	require.Equal(t, m.text[from:to+1], w.Body.String())
	require.Equal(t, fmt.Sprintf("bytes %d-%d/%d", from, to, len(m.text)), w.Header().Get("Content-Range"))
	require.Equal(t, fmt.Sprint(to-from+1), w.Header().Get("Content-Length"))
	return w.Header()
}

func hit(h http.Header) bool { return strings.Contains(h.Get("Cache-Status"), "; hit") }

// RFC 9111 §3.3: a stored part answers requests for ranges within it, and no others.
func TestPartialIsStoredAndReused(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	require.False(t, hit(m.wantRange(t, h, 100, 119)))
	for _, r := range [][2]int{{100, 119}, {100, 100}, {119, 119}, {105, 110}} {
		header := m.wantRange(t, h, r[0], r[1])
		require.True(t, hit(header), r)
		require.Equal(t, "0", header.Get("Age"))
		require.Equal(t, `"1"`, header.Get("Etag"))
		require.Equal(t, "video/x", header.Get("Content-Type"))
	}
	require.EqualValues(t, 1, m.calls.Load())

	w := get(h, "Range", "bytes=-890") // 110 to the end: reaches out
	require.Equal(t, m.text[110:], w.Body.String())
	require.False(t, hit(w.Header()))
	require.True(t, hit(m.wantRange(t, h, 100, 119)), "what is too large replaces nothing")

	w = get(h)
	require.Equal(t, m.text, w.Body.String())
	require.False(t, hit(w.Header()), "a part is no answer to a request for the whole")
	require.False(t, hit(ask(h, "HEAD", page1, "Range", "bytes=100-101").Header()), "Range means nothing to HEAD (RFC 9110 §14.2)")
}

// Several ranges within the part go out as multipart/byteranges; with one outside the
// origin is asked.
func TestPartialAnswersSeveralRanges(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 100, 119)
	w := get(h, "Range", "bytes=100-101, 110-112")
	require.True(t, hit(w.Header()))
	require.Contains(t, w.Header().Get("Content-Type"), "multipart/byteranges")
	require.Empty(t, w.Header()["Content-Range"])
	require.Contains(t, w.Body.String(), "Content-Range: bytes 110-112/1000")
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))

	w = get(h, "Range", "bytes=100-101, 300-301")
	require.False(t, hit(w.Header()))
	require.Equal(t, 206, w.Code)
	m.wantRange(t, h, 100, 119)
	require.EqualValues(t, 2, m.calls.Load(), "several parts aren't stored, and displace nothing")
	require.Equal(t, 416, get(h, "Range", "bytes=1000-").Code, "as the origin says")
}

// RFC 9111 §3.4: parts are combined if a strong validator says that they are of the same.
func TestPartialsAreCombined(t *testing.T) {
	for name, tt := range map[string]struct {
		parts    [][2]int
		inside   [2]int
		combined bool
	}{
		"one after the other": {[][2]int{{100, 109}, {110, 119}}, [2]int{105, 115}, true},
		"one before":          {[][2]int{{110, 119}, {100, 109}}, [2]int{105, 115}, true},
		"overlapping":         {[][2]int{{100, 112}, {108, 119}}, [2]int{100, 119}, true},
		"three":               {[][2]int{{100, 109}, {120, 129}, {110, 119}}, [2]int{110, 129}, true},
		"a gap":               {[][2]int{{100, 109}, {111, 119}}, [2]int{109, 111}, false},
		"too large together":  {[][2]int{{100, 139}, {140, 159}}, [2]int{139, 140}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newFilm(1000, strongFilm...)
			h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
			for _, p := range tt.parts {
				require.False(t, hit(m.wantRange(t, h, p[0], p[1])))
			}
			require.Equal(t, tt.combined, hit(m.wantRange(t, h, tt.inside[0], tt.inside[1])))
		})
	}
}

// Without the same strong validator, or where the bytes contradict it, the new part takes
// the place of the old one.
func TestPartialsThatAreNotCombined(t *testing.T) {
	for name, next := range map[string][]string{
		"another entity-tag": {"Cache-Control", "max-age=60", "Etag", `"2"`},
		"none any more":      {"Cache-Control", "max-age=60"},
		"a weak one":         {"Cache-Control", "max-age=60", "Etag", `W/"1"`},
		"a date alone":       {"Cache-Control", "max-age=60", "Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newFilm(1000, strongFilm...)
			h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
			m.wantRange(t, h, 100, 109)
			m.fields, m.text = next, strings.Repeat("new,", 250)
			m.wantRange(t, h, 110, 119)
			require.True(t, hit(m.wantRange(t, h, 110, 119)))
			require.False(t, hit(m.wantRange(t, h, 105, 115)), "never old and new bytes in one")
		})
	}
	t.Run("bytes that contradict", func(t *testing.T) {
		m := newFilm(1000, strongFilm...)
		h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
		m.wantRange(t, h, 100, 112)
		m.text = strings.Repeat("new,", 250)
		m.wantRange(t, h, 110, 119)
		require.True(t, hit(m.wantRange(t, h, 110, 119)))
		require.False(t, hit(m.wantRange(t, h, 100, 119)))
	})
}

// What has no more gaps is a complete response.
func TestPartialsBecomeComplete(t *testing.T) {
	m := newFilm(20, strongFilm...)
	h := newCache(t, holdover.Config{}).Handler(m)
	m.wantRange(t, h, 0, 19)
	w := get(h)
	require.Equal(t, 200, w.Code)
	require.Equal(t, m.text, w.Body.String())
	require.True(t, hit(w.Header()))
	require.Empty(t, w.Header()["Content-Range"])
	require.EqualValues(t, 1, m.calls.Load())

	m = newFilm(40, strongFilm...)
	o := newCache(t, holdover.Config{Policy: smallRoom}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NotEmpty(t, r.Header.Get("Range"))
		m.ServeHTTP(w, r)
	}))
	m.wantRange(t, o, 10, 39)
	m.text += strings.Repeat("x", 100) // now it is a response that is never fetched as a whole
	get(newCache(t, holdover.Config{Policy: smallRoom}).Handler(m))
}

// What is combined carries the tags of both, and knows no purge that its older half doesn't.
func TestPartialsAndTags(t *testing.T) {
	policy := smallRoom
	policy.TagFields = []string{"Surrogate-Key"}
	m := newFilm(1000, append(strongFilm, "Surrogate-Key", "film")...)
	c := newCache(t, holdover.Config{Policy: policy})
	h := c.Handler(m)
	m.wantRange(t, h, 0, 9)
	m.fields = strongFilm // a 206 to If-Range needn't have more (RFC 9110 §15.3.7)
	m.wantRange(t, h, 10, 19, "If-Range", `"1"`)
	require.Equal(t, "film", m.wantRange(t, h, 0, 19).Get("Surrogate-Key"))
	purge(t, c, holdover.PurgeRequest{Tag: "film"})
	require.False(t, hit(m.wantRange(t, h, 0, 9)))
}

// A part that was asked for before a purge, or before another part, never counts for more
// than that.
func TestPartialThatComesLate(t *testing.T) {
	for _, p := range []holdover.PurgeRequest{{}, {Tag: "film"}, {URL: page1}} {
		policy := smallRoom
		policy.TagFields = []string{"Surrogate-Key"}
		version := "old"
		began, goOn := make(chan struct{}), make(chan struct{})
		m := newFilm(1000)
		m.set(func(w http.ResponseWriter, r *http.Request) {
			setFields(w.Header(), append(strongFilm, "Surrogate-Key", "film", "X-Rights", version))
			if version == "old" {
				close(began)
				<-goOn
			}
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(m.text))
		})
		c := newCache(t, holdover.Config{Policy: policy})
		h := c.Handler(m)
		done := make(chan struct{})
		go func() { get(h, "Range", "bytes=10-19"); close(done) }()
		after(t, began, "the first is under way")
		time.Sleep(time.Millisecond) // requests of one instant have no order
		version = "new"
		if p != (holdover.PurgeRequest{}) {
			purge(t, c, p)
		}
		m.wantRange(t, h, 0, 9)
		close(goOn)
		after(t, done, "the first has come")
		header := m.wantRange(t, h, 0, 9)
		require.True(t, hit(header))
		require.Equal(t, "new", header.Get("X-Rights"), p)
	}
}

// A 206 that isn't what it says is passed on and not stored.
func TestPartialThatIsMalformed(t *testing.T) {
	for name, fields := range map[string][]string{
		"fewer bytes than it says": {"Content-Range", "bytes 4-9/10"},
		"more":                     {"Content-Range", "bytes 4-6/10"},
		"size unknown":             {"Content-Range", "bytes 4-8/*"},
		"beyond the size":          {"Content-Range", "bytes 4-8/8"},
		"no Content-Range":         {},
		"two":                      {"Content-Range", "bytes 4-8/10", "Content-Range", "bytes 5-9/10"},
		"another unit":             {"Content-Range", "lines 4-8/10"},
		"unsatisfied":              {"Content-Range", "bytes */10"},
		"several parts":            {"Content-Range", "bytes 4-8/10", "Content-Type", "multipart/byteranges; boundary=x"},
		"no-store":                 {"Content-Range", "bytes 4-8/10", "Cache-Control", "no-store"},
		"private":                  {"Content-Range", "bytes 4-8/10", "Cache-Control", "private"},
		"Vary: *":                  {"Content-Range", "bytes 4-8/10", "Vary", "*"},
		"sets a cookie":            {"Content-Range", "bytes 4-8/10", "Set-Cookie", "a=b"},
		"no Content-Type":          {"Content-Range", "bytes 4-8/10"},
	} {
		if _, typed := fieldsOf(fields)["Content-Type"]; !typed && name != "no Content-Type" {
			fields = append(fields, "Content-Type", "text/x")
		}
		o := newOrigin(answer(206, "45678", append([]string{"Cache-Control", "max-age=60", "Etag", `"1"`}, fields...)...))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: 9}}}).Handler(o)
		for i := range 2 {
			w := get(h, "Range", "bytes=4-8")
			require.Equal(t, "45678", w.Body.String(), name)
			require.EqualValues(t, i+1, o.calls.Load(), name)
		}
	}
}

// A part obeys all that a whole response would: freshness, directives, Vary, conditions,
// purges.
func TestPartialObeysTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newFilm(1000, append(strongFilm, "Vary", "Accept-Language")...)
		c := newCache(t, holdover.Config{Policy: smallRoom})
		h := c.Handler(m)
		m.wantRange(t, h, 0, 9, "Accept-Language", "en")
		same := func(want bool, fields ...string) {
			t.Helper()
			time.Sleep(time.Millisecond) // of two of the same instant, neither is newer
			calls := m.calls.Load()
			m.wantRange(t, h, 0, 9, append(fields, "Accept-Language", "en")...)
			require.Equal(t, want, m.calls.Load() == calls)
		}
		same(true)
		same(true, "If-Range", `"1"`)
		same(true, "Cache-Control", "only-if-cached")
		same(false, "Cache-Control", "no-cache")
		require.Equal(t, 200, get(h, "Range", "bytes=0-9", "If-Range", `"2"`, "Accept-Language", "en").Code, "the whole of what there is now")
		calls := m.calls.Load()
		w := get(h, "Range", "bytes=0-9", "If-None-Match", `"1"`, "Accept-Language", "en")
		require.Equal(t, 304, w.Code)
		require.Empty(t, w.Header()["Content-Range"])
		require.Equal(t, calls, m.calls.Load(), "RFC 9111 §4.3.2")
		m.wantRange(t, h, 0, 9, "If-None-Match", `"2"`, "Accept-Language", "en")
		require.Equal(t, calls, m.calls.Load())
		time.Sleep(time.Millisecond)
		require.False(t, hit(m.wantRange(t, h, 0, 9, "Accept-Language", "de")))
		same(false)
		require.NoError(t, c.Purge(context.Background(), holdover.PurgeRequest{URL: page1}))
		same(false)
		same(true)
		require.NoError(t, c.Purge(context.Background(), holdover.PurgeRequest{URL: page1, Soft: true}))
		same(false)
		same(true)
		ask(h, "POST", page1)
		same(false)
		time.Sleep(61 * time.Second)
		same(false)
	})
}

// One user's part is no other's (RFC 9111 §3.5).
func TestPartialAndCredentials(t *testing.T) {
	for name, tt := range map[string]struct {
		fields []string
		shared bool
	}{
		"Authorization":          {strongFilm, false},
		"Authorization, public":  {append([]string{"Cache-Control", "public"}, strongFilm...), true},
		"Cookie and a heuristic": {[]string{"Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"}, false},
	} {
		m := newFilm(1000, tt.fields...)
		h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
		field := []string{"Authorization", "Bearer a"}
		if strings.HasPrefix(name, "Cookie") {
			field = []string{"Cookie", "a=b"}
		}
		m.wantRange(t, h, 0, 9, field...)
		require.Equal(t, tt.shared, hit(m.wantRange(t, h, 0, 9)), name)
	}
}

// A part must not outlive the page: a 404 ends it, and so does a complete response.
func TestPartialEndsWithItsPage(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	m.set(answer(404, "gone", "Cache-Control", "max-age=1"))
	require.Equal(t, 404, get(h).Code)
	require.Equal(t, 404, get(h, "Range", "bytes=0-9").Code)

	m = newFilm(1000, strongFilm...)
	h = newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	m.set(answer(404, "gone", "Cache-Control", "no-store"))
	require.Equal(t, 404, get(h).Code)
	require.Equal(t, 404, get(h, "Range", "bytes=0-9").Code, "though nothing of it was stored")
}

// Where the origin ignores Range, what it sends is stored as the whole that it is.
func TestRangeThatTheOriginIgnores(t *testing.T) {
	o := newOrigin(answer(200, digits, "Cache-Control", "max-age=60"))
	h := newCache(t, holdover.Config{}).Handler(o)
	require.Equal(t, 200, get(h, "Range", "bytes=0-1").Code)
	w := get(h, "Range", "bytes=0-1")
	require.Equal(t, 206, w.Code)
	require.Equal(t, "01", w.Body.String())
	require.Equal(t, digits, get(h).Body.String())
	require.EqualValues(t, 1, o.calls.Load())
}

// A client that leaves in the middle leaves nothing behind.
func TestPartialWhoseClientLeft(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	h.ServeHTTP(deaf{httptest.NewRecorder()}, request("GET", page1, "Range", "bytes=0-9"))
	require.False(t, hit(m.wantRange(t, h, 0, 9)))
}
