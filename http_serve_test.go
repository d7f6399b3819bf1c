// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

const digits = "0123456789"

// digitsPage is a page with validators that honours conditions and ranges itself.
func digitsPage(fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=60")
		h.Set("Content-Type", "text/plain")
		h.Set("Etag", `"v1"`)
		setFields(h, fields)
		http.ServeContent(w, r, "", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), strings.NewReader(digits))
	}
}

func TestHTTPRangesFromStored(t *testing.T) {
	tests := map[string]struct {
		fields []string
		status int
		body   string
		cr     string
	}{
		"first":              {[]string{"Range", "bytes=0-3"}, 206, "0123", "bytes 0-3/10"},
		"end beyond":         {[]string{"Range", "bytes=7-99"}, 206, "789", "bytes 7-9/10"},
		"open":               {[]string{"Range", "bytes=8-"}, 206, "89", "bytes 8-9/10"},
		"suffix":             {[]string{"Range", "bytes=-2"}, 206, "89", "bytes 8-9/10"},
		"suffix beyond":      {[]string{"Range", "bytes=-99"}, 206, digits, "bytes 0-9/10"},
		"first > last":       {[]string{"Range", "bytes=5-3"}, 200, digits, ""},
		"other unit":         {[]string{"Range", "lines=0-3"}, 200, digits, ""},
		"unsatisfiable":      {[]string{"Range", "bytes=10-"}, 416, "", "bytes */10"},
		"if-range etag":      {[]string{"Range", "bytes=0-3", "If-Range", `"v1"`}, 206, "0123", "bytes 0-3/10"},
		"if-range other":     {[]string{"Range", "bytes=0-3", "If-Range", `"v2"`}, 200, digits, ""},
		"if-range weak":      {[]string{"Range", "bytes=0-3", "If-Range", `W/"v1"`}, 200, digits, ""},
		"if-range date":      {[]string{"Range", "bytes=0-3", "If-Range", "Thu, 01 Jan 2026 00:00:00 GMT"}, 206, "0123", "bytes 0-3/10"},
		"if-range old date":  {[]string{"Range", "bytes=0-3", "If-Range", "Thu, 01 Jan 2025 00:00:00 GMT"}, 200, digits, ""},
		"condition first":    {[]string{"Range", "bytes=0-3", "If-None-Match", `"v1"`}, 304, "", ""},
		"if-none-match":      {[]string{"If-None-Match", `"v0", W/"v1"`}, 304, "", ""},
		"if-none-match star": {[]string{"If-None-Match", `*`}, 304, "", ""},
		"if-none-match not":  {[]string{"If-None-Match", `"v2"`}, 200, digits, ""},
		"etag outranks date": {[]string{"If-None-Match", `"v2"`, "If-Modified-Since", "Fri, 02 Jan 2026 00:00:00 GMT"}, 200, digits, ""},
		"modified since":     {[]string{"If-Modified-Since", "Thu, 01 Jan 2026 00:00:00 GMT"}, 304, "", ""},
		"not modified since": {[]string{"If-Modified-Since", "Wed, 31 Dec 2025 00:00:00 GMT"}, 200, digits, ""},
		"bad date":           {[]string{"If-Modified-Since", "yesterday"}, 200, digits, ""},
	}
	o := newOrigin(digitsPage())
	s, client := server(t, newCache(t, holdover.Config{}).Handler(o), 1)
	first, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			res, err := over(t, client, "GET", s.URL, tt.fields...)
			require.NoError(t, err)
			require.NoError(t, res.err)
			require.Equal(t, tt.status, res.StatusCode)
			require.Equal(t, tt.body, res.body)
			require.Equal(t, tt.cr, res.Header.Get("Content-Range"))
			if tt.status == 416 { // it isn't about the page, nor to be stored as if it were
				for _, field := range []string{"Etag", "Cache-Control", "Content-Type", "Last-Modified", "Age"} {
					require.Empty(t, res.Header[field], field)
				}
			} else {
				require.Equal(t, `"v1"`, res.Header.Get("Etag"))
			}
			require.Equal(t, first.Header.Get("Date"), res.Header.Get("Date"), "the stored one")
			require.Contains(t, res.Header.Get("Cache-Status"), "hit")
			head, err := over(t, client, "HEAD", s.URL, tt.fields...)
			require.NoError(t, err)
			want := tt.status
			if want == 206 || want == 416 { // RFC 9110 §14.2: Range is for GET
				want = 200
			}
			require.Equal(t, want, head.StatusCode, "HEAD")
		})
	}
	require.EqualValues(t, 1, o.calls.Load())
}

func TestHTTPMultiRangeFromStored(t *testing.T) {
	h := newCache(t, holdover.Config{}).Handler(digitsPage())
	get(h)
	w := get(h, "Range", "bytes=0-1,4-5,-1")
	require.Equal(t, 206, w.Code)
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
	kind, params, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/byteranges", kind)
	var parts []string
	for m := multipart.NewReader(w.Body, params["boundary"]); ; {
		p, err := m.NextPart()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		b, _ := io.ReadAll(p)
		require.Equal(t, "text/plain", p.Header.Get("Content-Type"))
		parts = append(parts, p.Header.Get("Content-Range")+"="+string(b))
	}
	require.Equal(t, []string{"bytes 0-1/10=01", "bytes 4-5/10=45", "bytes 9-9/10=9"}, parts)
	require.Equal(t, "text/plain", get(h).Header().Get("Content-Type"))
}

// A range that isn't stored passes as it is and is stored, and from the answer the length of
// the whole is learned: for another range the whole is fetched.
func TestHTTPRangeMissIsPassedAndLearned(t *testing.T) {
	var ranges []string
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range")+r.Header.Get("If-Range"))
		digitsPage()(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	for _, want := range []string{"2-3", "2-3", "3-3", "4-5", "6-8"} {
		w := get(h, "Range", "bytes="+want, "If-Range", `"v1"`)
		require.Equal(t, 206, w.Code)
		require.Equal(t, "bytes "+want+"/10", w.Header().Get("Content-Range"))
		require.Equal(t, digits[want[0]-'0':want[2]-'0'+1], w.Body.String())
	}
	require.Equal(t, []string{`bytes=2-3"v1"`, ""}, ranges)
}

func TestHTTPRangeMissOfSomethingHuge(t *testing.T) {
	o := newOrigin(answer(206, "23", "Content-Range", "bytes 2-3/100000000000", "Cache-Control", "max-age=60", "Content-Type", "text/x"))
	h := newCache(t, holdover.Config{}).Handler(o)
	for range 3 {
		require.Equal(t, 206, get(h, "Range", "bytes=2-3").Code)
		require.EqualValues(t, 1, o.calls.Load(), "a part of it is stored")
	}
	for i := range 3 {
		require.Equal(t, 206, get(h, "Range", "bytes=4-5").Code)
		require.EqualValues(t, i+2, o.calls.Load(), "the whole is never fetched")
	}
}

// A client's own condition is kept from the handler where the answer may be stored,
// and is answered from what comes back.
func TestHTTPConditionalMiss(t *testing.T) {
	var seen []string
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("If-None-Match"))
		digitsPage()(w, r)
	})
	h := newCache(t, holdover.Config{}).Handler(o)
	w := get(h, "If-None-Match", `"v1"`)
	require.Equal(t, 304, w.Code)
	require.Empty(t, w.Body.String())
	w = get(h)
	require.Equal(t, 200, w.Code)
	require.Equal(t, digits, w.Body.String())
	require.Equal(t, []string{""}, seen)
	require.Equal(t, 200, get(h, "If-None-Match", `"v2"`).Code)
}

func TestHTTPHead(t *testing.T) {
	o := newOrigin(digitsPage())
	s, client := server(t, newCache(t, holdover.Config{}).Handler(o), 1)
	head := func() fetched {
		res, err := over(t, client, "HEAD", s.URL)
		require.NoError(t, err)
		require.Equal(t, "10", res.Header.Get("Content-Length"))
		require.Equal(t, `"v1"`, res.Header.Get("Etag"))
		return res
	}
	for i := range 2 {
		head()
		require.EqualValues(t, i+1, o.calls.Load(), "a miss is passed on and not stored")
	}
	res, err := over(t, client, "GET", s.URL)
	require.NoError(t, err)
	require.Equal(t, digits, res.body)
	require.Contains(t, head().Header.Get("Cache-Status"), "hit")
	require.EqualValues(t, 3, o.calls.Load())
}

// What outer middleware sets belongs to its own request.
func TestHTTPOuterMiddleware(t *testing.T) {
	o := newOrigin(answer(200, "hello", "Cache-Control", "max-age=60", "X-Both", "inner", "Vary", "X-V",
		"Link", "</a>", "Cache-Status", "inner; hit", "Content-Type", "text/x-inner"))
	h := newCache(t, holdover.Config{}).Handler(o)
	n := 0
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("X-Request-Id", fmt.Sprint(n))
		w.Header().Set("X-Both", "outer")
		w.Header().Set("Vary", "Origin")
		w.Header().Set("Link", "</outer>")
		w.Header().Set("Set-Cookie", fmt.Sprint("id=", n))
		w.Header().Set("Cache-Status", "nobody")
		w.Header().Set("Content-Type", "text/x-outer")
		h.ServeHTTP(w, r)
	})
	for i := range 4 {
		w := get(outer)
		head := w.Header()
		require.Equal(t, fmt.Sprint(i+1), head.Get("X-Request-Id"))
		require.Equal(t, []string{"inner"}, head["X-Both"])
		require.Equal(t, []string{"text/x-inner"}, head["Content-Type"])
		require.Equal(t, []string{"Origin", "X-V"}, head["Vary"])
		require.Equal(t, []string{"</outer>", "</a>"}, head["Link"])
		require.Equal(t, []string{fmt.Sprint("id=", i+1)}, head["Set-Cookie"])
		require.Len(t, head["Cache-Status"], 3)
		require.Contains(t, head["Cache-Status"][2], "holdover", "last: nearest to the client")
	}
	require.EqualValues(t, 1, o.calls.Load())
	bare := get(h).Header()
	for _, field := range []string{"X-Request-Id", "Set-Cookie"} {
		require.Empty(t, bare[field])
	}
	require.Equal(t, []string{"X-V"}, bare["Vary"])
}

// Waiters don't get what outer middleware set for the one who came first.
func TestHTTPOuterMiddlewareOfWaiters(t *testing.T) {
	gate := make(chan struct{})
	h := newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		require.Empty(t, w.Header(), "a fetch starts with an empty header")
		<-gate
		answer(200, "hello", "Cache-Control", "max-age=60")(w, nil)
	}))
	outer := func(id string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Only-"+id, id)
		h.ServeHTTP(w, request("GET", page1))
		return w
	}
	got := make(chan *httptest.ResponseRecorder, 10)
	for i := range 10 {
		go func() { got <- outer(fmt.Sprint(i)) }()
	}
	time.Sleep(30 * time.Millisecond)
	close(gate)
	for range 10 {
		w := <-got
		require.Equal(t, "hello", w.Body.String())
		only := 0
		for name := range w.Header() {
			if strings.HasPrefix(name, "X-Only-") {
				only++
			}
		}
		require.Equal(t, 1, only)
	}
}

// A stored response without content says no length, to HEAD neither (RFC 9110 §8.6).
func TestHTTPHeadOfNoContent(t *testing.T) {
	overBoth(t, func(t *testing.T, proto int) {
		s, client := server(t, newCache(t, holdover.Config{}).Handler(answer(204, "", "Cache-Control", "max-age=60")), proto)
		for i, method := range []string{"GET", "GET", "HEAD"} {
			res, err := over(t, client, method, s.URL)
			require.NoError(t, err)
			require.Equal(t, 204, res.StatusCode)
			require.Empty(t, res.Header.Values("Content-Length"), method)
			require.Equal(t, i > 0, strings.Contains(res.Header.Get("Cache-Status"), "; hit"))
		}
	})
}
