// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// remote is a store of three methods and not in this process, as far as the cache knows.
type remote struct {
	mu      sync.Mutex
	entries map[string]*store.Entry
	hangs   bool
	gets    int
	written int // bytes of bodies
}

func newRemote() *remote { return &remote{entries: map[string]*store.Entry{}} }

func (s *remote) Get(ctx context.Context, key string) (*store.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if e := s.entries[key]; e != nil {
		return e, nil
	}
	return nil, store.ErrNotFound
}

func (s *remote) Set(_ context.Context, key string, e *store.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key], s.written = e, s.written+e.BodyLen()
	return nil
}

func (s *remote) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

func (s *remote) hang() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = true
}

func (s *remote) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// A denial ends a part where it ends a whole response, and so does the outcome policy None.
func TestPartialEndsWithTheRightToIt(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	strict := smallRoom
	strict.Outcome = holdover.Strict
	h := newCache(t, holdover.Config{Policy: strict}).Handler(m)
	m.wantRange(t, h, 0, 9)
	m.set(answer(403, "no"))
	require.Equal(t, 403, get(h, "Range", "bytes=20-29").Code)
	require.Equal(t, 403, get(h, "Range", "bytes=0-9").Code)

	m = newFilm(1000, strongFilm...)
	c := newCache(t, holdover.Config{Policy: smallRoom})
	none, err := c.With(holdover.Policy{Outcome: holdover.None})
	require.NoError(t, err)
	m.wantRange(t, c.Handler(m), 0, 9)
	get(none.Handler(m), "Range", "bytes=0-9")
	require.False(t, hit(m.wantRange(t, c.Handler(m), 0, 9)))
}

// A part that another process stored ends with its page too.
func TestPartialOfAnotherProcess(t *testing.T) {
	for _, seen := range []bool{true, false} {
		m := newFilm(1000, strongFilm...)
		cfg := holdover.Config{Policy: smallRoom, Store: newRemote()}
		a, b := newCache(t, cfg).Handler(m), newCache(t, cfg).Handler(m)
		m.wantRange(t, a, 0, 9)
		require.Eventually(t, func() bool { return cfg.Store.(*remote).count() == 1 }, 10*time.Second, time.Millisecond)
		if seen {
			require.True(t, hit(m.wantRange(t, b, 0, 9)))
		}
		m.set(answer(404, "gone", "Cache-Control", "no-store"))
		require.Equal(t, 404, get(b).Code)
		require.Eventually(t, func() bool { return cfg.Store.(*remote).count() == 0 }, 10*time.Second, time.Millisecond)
		require.Equal(t, 404, get(a, "Range", "bytes=0-9").Code)
	}
}

// RFC 9111 §4.3.5: a HEAD that names another representation ends the part.
func TestPartialAndHead(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	ask(h, "HEAD", page1)
	require.True(t, hit(m.wantRange(t, h, 0, 9)), "the same")
	m.fields = []string{"Cache-Control", "max-age=60", "Etag", `"2"`}
	ask(h, "HEAD", page1)
	require.Equal(t, `"2"`, m.wantRange(t, h, 0, 9).Get("Etag"))
}

// RFC 9110 §15.3.7: a 206 to If-Range may lack the fields that its client knows. It joins a
// part that has them, and begins none.
func TestPartialOfIfRangeOnlyJoins(t *testing.T) {
	m := newFilm(1000)
	m.set(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), strongFilm)
		w.Header().Set("Content-Type", "text/plain")
		if r.Header.Get("If-Range") == "" {
			w.Header().Set("Content-Disposition", "attachment")
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(m.text))
	})
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9, "If-Range", `"1"`)
	header := m.wantRange(t, h, 0, 9)
	require.False(t, hit(header))
	require.Equal(t, "attachment", header.Get("Content-Disposition"))
	m.wantRange(t, h, 10, 19, "If-Range", `"1"`)
	header = m.wantRange(t, h, 0, 19)
	require.True(t, hit(header))
	require.Equal(t, "attachment", header.Get("Content-Disposition"))
}

// A content type that is sniffed is the one of the whole body, wherever a range begins.
func TestRangeOfWhatWasSniffed(t *testing.T) {
	text := strings.Repeat("plain text ", 60) + "<html><script>alert(1)</script>"
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, text)
	})
	s, client := server(t, newCache(t, holdover.Config{}).Handler(o), 1)
	for range 2 {
		res, err := over(t, client, "GET", s.URL, "Range", "bytes=660-")
		require.NoError(t, err)
		require.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	}
	require.EqualValues(t, 1, o.calls.Load())
}

// A request for a range waits for the store once.
func TestPartialWaitsForTheStoreOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newFilm(1000, strongFilm...)
		s := newRemote()
		s.hangs = true
		h := newCache(t, holdover.Config{Policy: smallRoom, Store: s, StoreTimeout: time.Second}).Handler(m)
		began := time.Now()
		m.wantRange(t, h, 0, 9)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// RFC 9530 §2: digests of content are of one message's bytes.
func TestPartialAndDigests(t *testing.T) {
	m := newFilm(1000)
	m.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Digest", "of "+r.Header.Get("Range"))
		w.Header().Set("Repr-Digest", "of all")
		setFields(w.Header(), strongFilm)
		m.show(w, r)
	})
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	header := m.wantRange(t, h, 0, 4)
	require.True(t, hit(header))
	require.Empty(t, header["Content-Digest"])
	require.Equal(t, "of all", header.Get("Repr-Digest"))
}

// What ends after a newer part was stored doesn't displace it.
func TestPartialThatIsOlder(t *testing.T) {
	version := "1"
	began, goOn := make(chan struct{}), make(chan struct{})
	o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
		v := version
		setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Etag", `"` + v + `"`, "Content-Type", "text/x"})
		if v == "1" {
			close(began)
			<-goOn
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat(v, 1000)))
	})
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(o)
	done := make(chan struct{})
	go func() { get(h, "Range", "bytes=0-3"); close(done) }()
	after(t, began, "the first is under way")
	time.Sleep(time.Millisecond)
	version = "2"
	require.Equal(t, "2222", get(h, "Range", "bytes=0-3").Body.String())
	close(goOn)
	after(t, done, "the first has come")
	require.Equal(t, "2222", get(h, "Range", "bytes=0-3").Body.String())
}

// Whoever asks byte by byte doesn't make the cache write everything again each time.
func TestPartialIsNotWrittenForEachByte(t *testing.T) {
	m := newFilm(1 << 20)
	m.fields = strongFilm
	s := newRemote()
	h := newCache(t, holdover.Config{Store: s, Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: 1 << 19}}}).Handler(m)
	m.wantRange(t, h, 0, 1<<18)
	for i := range 20 {
		m.wantRange(t, h, 5, 5, "Cache-Control", "no-cache")
		m.wantRange(t, h, 1<<18+i, 1<<18+i+1)
	}
	time.Sleep(50 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Less(t, s.written, 1<<19)
}

// After Close the store is the caller's again.
func TestPartialAfterClose(t *testing.T) {
	overKept(t, func(t *testing.T, method string) {
		began, goOn := make(chan struct{}), make(chan struct{})
		s := newRemote()
		c, err := holdover.New(holdover.Config{Store: s})
		require.NoError(t, err)
		h := c.Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-goOn
			answer(200, "x", "Cache-Control", "max-age=60", "Content-Location", "/page")(w, r)
		}))
		done := make(chan struct{})
		go func() { askKept(h, method); close(done) }()
		after(t, began, "it is under way")
		require.NoError(t, c.Close())
		gets := s.gets
		close(goOn)
		after(t, done, "it has ended")
		require.Equal(t, gets, s.gets)
		require.Zero(t, s.count())
	})
}

// A connection that is taken over takes what it sends out of sight.
func TestKeptAndHijack(t *testing.T) {
	h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
		setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Location", "/page"})
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "whole")
			return
		}
		_, _ = io.WriteString(w, "half")
		control := http.NewResponseController(w)
		_ = control.Flush()
		if conn, rw, err := control.Hijack(); err == nil {
			_, _ = rw.WriteString("4\r\nmore\r\n0\r\n\r\n")
			_ = rw.Flush()
			_ = conn.Close()
		}
	}))
	s, client := server(t, h, 1)
	_, _ = over(t, client, "POST", s.URL+"/page")
	res, err := over(t, client, "GET", s.URL+"/page")
	require.NoError(t, err)
	require.Equal(t, "whole", res.body)
}

// leaving is a client that hangs up after some bytes.
type leaving struct {
	*httptest.ResponseRecorder
	left int
}

func (l *leaving) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, _ = l.ResponseRecorder.Write(p[:n])
	if n < len(p) {
		return n, errors.New("hung up")
	}
	return n, nil
}

func (l *leaving) WriteString(s string) (int, error) { return l.Write([]byte(s)) }

// What a client took before it left isn't the length of the page.
func TestLengthIsNotLearnedFromThoseWhoLeave(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	h.ServeHTTP(&leaving{httptest.NewRecorder(), 20}, request("GET", page1))
	m.wantRange(t, h, 500, 509)
}

// The hook is told why nothing was stored.
func TestPartialTellsWhyItIsNotStored(t *testing.T) {
	for want, fields := range map[holdover.Reason][]string{
		holdover.ReasonNoStore:  {"Cache-Control", "no-store", "Etag", `"1"`},
		holdover.ReasonTooLarge: strongFilm,
	} {
		var ev events
		m := newFilm(1000, fields...)
		h := newCache(t, holdover.Config{Policy: smallRoom, OnEvent: ev.add}).Handler(m)
		m.wantRange(t, h, 0, 99)
		refused := ev.of(holdover.EventRefused)
		require.Len(t, refused, 1)
		require.Equal(t, want, refused[0].Reason)
	}
}

// A part lives by the rules for the response that it is a part of.
func TestPartialAndStatusRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newFilm(1000, "Etag", `"1"`)
		h := newCache(t, holdover.Config{Policy: holdover.Policy{
			Freshness: holdover.Freshness{StatusTTL: holdover.StatusTTL{200: {TTL: time.Second}}, DefaultTTL: time.Hour},
		}}).Handler(m)
		m.wantRange(t, h, 0, 999)
		require.True(t, hit(get(h).Header()))
		time.Sleep(2 * time.Second)
		require.False(t, hit(get(h).Header()))
	})
}

// The same ETag with another size is another representation.
func TestPartialsOfOtherSizes(t *testing.T) {
	m := newFilm(1000, strongFilm...)
	h := newCache(t, holdover.Config{Policy: smallRoom}).Handler(m)
	m.wantRange(t, h, 0, 9)
	m.text = m.text[:500]
	m.wantRange(t, h, 10, 19)
	require.False(t, hit(m.wantRange(t, h, 0, 19)))
}
