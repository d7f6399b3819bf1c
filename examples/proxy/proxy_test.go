// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"

	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// running is the program, run in this process.
type running struct {
	url, admin string
	stop       context.CancelFunc
	ended      chan error
	log        *lines
}

var announced = regexp.MustCompile(`^listening on (\S+) for \S+?(?:, admin on (\S+))?\n$`)

// start runs the program in front of origin until the test ends.
func start(t *testing.T, origin string, args ...string) *running {
	ctx, stop := context.WithCancel(t.Context())
	p := &running{stop: stop, ended: make(chan error, 1), log: new(lines)}
	out, in := io.Pipe()
	args = append([]string{"-listen", "127.0.0.1:0", "-origin", origin}, args...)
	go func() {
		err := run(ctx, args, in, p.log)
		in.CloseWithError(io.EOF)
		p.ended <- err
	}()
	line := make([]byte, 1024)
	n, err := out.Read(line)
	require.NoError(t, err, p.log)
	match := announced.FindSubmatch(line[:n])
	require.NotNil(t, match, "%s", line[:n])
	p.url, p.admin = string(match[1]), string(match[2])
	t.Cleanup(func() { p.end(t) })
	return p
}

// end is what SIGTERM does.
func (p *running) end(t *testing.T) {
	if p.stop == nil {
		return
	}
	p.stop()
	p.stop = nil
	require.NoError(t, <-p.ended, p.log)
}

type reply struct {
	status int
	body   string
	header http.Header
}

func (r reply) cacheStatus() string { return r.header.Get("Cache-Status") }

func send(t *testing.T, r *http.Request) reply {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return reply{answer.StatusCode, string(body), answer.Header}
}

func get(t *testing.T, url string, fields ...string) reply {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	require.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	return send(t, r)
}

// fakeOrigin answers with its path, and can be broken.
type fakeOrigin struct {
	*httptest.Server
	asked        atomic.Int64
	status       atomic.Int64 // 0: 200
	cacheControl string
}

func newFakeOrigin(t *testing.T, cacheControl string) *fakeOrigin {
	o := &fakeOrigin{cacheControl: cacheControl}
	o.Server = httptest.NewServer(o)
	t.Cleanup(o.Close)
	return o
}

func (o *fakeOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	if status := o.status.Load(); status != 0 {
		http.Error(w, "broken", int(status))
		return
	}
	w.Header().Set("Cache-Control", o.cacheControl)
	w.Header().Set("Surrogate-Key", "pages")
	io.WriteString(w, r.URL.Path)
}

// aSecond is enough for max-age=1 to end, whatever the clock's rounding.
const aSecond = 1100 * time.Millisecond

func TestMissThenHit(t *testing.T) {
	o := newFakeOrigin(t, "max-age=60")
	p := start(t, o.URL)
	first, second := get(t, p.url+"/a"), get(t, p.url+"/a")
	require.Equal(t, 200, first.status)
	require.Equal(t, "/a", first.body)
	require.Contains(t, first.cacheStatus(), "holdover; fwd=")
	require.Equal(t, "/a", second.body)
	for range 100 { // the first one is whole for its client a moment before it is stored
		if !strings.Contains(second.cacheStatus(), "collapsed") {
			break
		}
		second = get(t, p.url+"/a")
	}
	require.Contains(t, second.cacheStatus(), "holdover; hit")
	require.EqualValues(t, 1, o.asked.Load())
	require.Equal(t, "/b", get(t, p.url+"/b").body)
}

// The headers alone are enough: no flag asks for stale responses.
func TestStaleWhileTheOriginFails(t *testing.T) {
	for name, breakIt := range map[string]func(*fakeOrigin){
		"error status":       func(o *fakeOrigin) { o.status.Store(503) },
		"connection refused": func(o *fakeOrigin) { o.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newFakeOrigin(t, "max-age=1, stale-if-error=600")
			p := start(t, o.URL)
			require.Equal(t, "/a", get(t, p.url+"/a").body)
			breakIt(o)
			time.Sleep(aSecond)
			for range 5 {
				r := get(t, p.url+"/a")
				require.Equal(t, 200, r.status)
				require.Equal(t, "/a", r.body)
				require.Contains(t, r.cacheStatus(), "holdover;")
			}
		})
	}
}

func TestUnreachableOriginIsAnHonestError(t *testing.T) {
	o := newFakeOrigin(t, "max-age=60")
	p := start(t, o.URL)
	o.Close()
	r := get(t, p.url+"/a?token=hidden")
	require.Equal(t, 502, r.status)
	require.Contains(t, r.cacheStatus(), "holdover")
	require.NotContains(t, p.log.String(), "hidden", "a query was logged")
}

func TestPurgeOverTheAdminAddress(t *testing.T) {
	o := newFakeOrigin(t, "max-age=60")
	p := start(t, o.URL, "-admin", "127.0.0.1:0")
	for i, body := range []string{`{"url":"` + p.url + `/a"}`, `{"tag":"pages"}`, `{"all":true}`, `{"tag":"pages","soft":true}`} {
		get(t, p.url+"/a")
		get(t, p.url+"/a")
		require.EqualValues(t, i+1, o.asked.Load(), "before %s", body)
		require.Equal(t, 200, post(t, p.admin+"/purge", body).status)
	}
	require.Equal(t, 200, get(t, p.admin+"/stats").status)
	require.Equal(t, 404, get(t, p.admin+"/a").status, "nothing else stands there")
	require.Equal(t, "/purge", get(t, p.url+"/purge").body, "and it isn't on the public address")
	require.Equal(t, "/stats", get(t, p.url+"/stats").body)
}

func post(t *testing.T, url, body string) reply {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	require.NoError(t, err)
	return send(t, r)
}

func TestFallbackLetsListedClientsPass(t *testing.T) {
	o := newFakeOrigin(t, "no-store")
	file := filepath.Join(t.TempDir(), "clients.txt")
	write(t, file, "alice+1\n")
	p := start(t, o.URL, "-fallback-allow", file, "-fallback-query", "key")
	o.Close()
	require.Equal(t, 200, get(t, p.url+"/a?key=alice%2B1").status)
	require.Equal(t, 502, get(t, p.url+"/a?key=mallory").status)
	require.Equal(t, 502, get(t, p.url+"/a").status)
	require.Contains(t, p.log.String(), "fallback let a client pass")
	require.NotContains(t, p.log.String(), "alice")

	write(t, file, "bob\n")
	require.Eventually(t, func() bool { return get(t, p.url+"/b?key=bob").status == 200 }, 5*time.Second, 50*time.Millisecond)
	require.Equal(t, 502, get(t, p.url+"/c?key=alice%2B1").status, "revoked")
}

// cookie answers with one.
func cookie(asked *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
	}
}

func TestProfileDecidesAboutCookies(t *testing.T) {
	for profile, want := range map[string]int64{"safe": 2, "rfc": 1} {
		var asked atomic.Int64
		o := httptest.NewServer(cookie(&asked))
		defer o.Close()
		p := start(t, o.URL, "-profile", profile)
		get(t, p.url)
		require.NotEmpty(t, get(t, p.url).header.Values("Set-Cookie"))
		require.Equal(t, want, asked.Load(), profile)
	}
}

func TestUnencryptedHTTP2(t *testing.T) {
	o := newFakeOrigin(t, "max-age=60")
	p := start(t, o.URL)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(p.url + "/a")
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, 2, answer.ProtoMajor)
}

// A response that goes out bit by bit isn't held up.
func TestBodiesStream(t *testing.T) {
	proceed := make(chan struct{})
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		<-proceed
		io.WriteString(w, "second")
	}))
	defer o.Close()
	p := start(t, o.URL)
	answer, err := http.Get(p.url)
	require.NoError(t, err)
	defer answer.Body.Close()
	part := make([]byte, len("first "))
	_, err = io.ReadFull(answer.Body, part)
	require.NoError(t, err)
	close(proceed)
	rest, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, "first second", string(part)+string(rest))
}

// bodyOf is safe in any goroutine.
func bodyOf(url string) string {
	answer, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// On SIGTERM, requests under way are answered and new ones find nobody.
func TestDrain(t *testing.T) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	o := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" { // a new request may come before the listener is closed
			close(arrived)
			<-proceed
		}
		io.WriteString(w, "done")
	}))
	defer o.Close()
	p := start(t, o.URL, "-admin", "127.0.0.1:0")
	got := make(chan string, 1)
	go func() { got <- bodyOf(p.url + "/slow") }()
	<-arrived
	p.stop()
	require.Eventually(t, func() bool { _, err := http.Get(p.url + "/new"); return err != nil }, 5*time.Second, 10*time.Millisecond)
	select {
	case err := <-p.ended:
		require.Fail(t, "ended with a request under way", "%v", err)
	default:
	}
	close(proceed)
	require.Equal(t, "done", <-got)
	require.NoError(t, <-p.ended)
	p.stop = nil
}

func TestListenerTakenIsAnError(t *testing.T) {
	o := newFakeOrigin(t, "max-age=60")
	p := start(t, o.URL)
	addr := strings.TrimPrefix(p.url, "http://")
	var stderr bytes.Buffer
	err := run(t.Context(), []string{"-listen", "127.0.0.1:0", "-admin", addr, "-origin", o.URL}, io.Discard, &stderr)
	require.ErrorContains(t, err, "-admin")
	require.NotEqual(t, 0, exitCode(err, &stderr))
}

// upgrade takes the connection over and repeats what it hears.
func upgrade(w http.ResponseWriter, _ *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	io.Copy(conn, buffered)
}

func TestUpgradesPass(t *testing.T) {
	o := httptest.NewServer(http.HandlerFunc(upgrade))
	defer o.Close()
	p := start(t, o.URL)
	r, err := http.NewRequest("GET", p.url, nil)
	require.NoError(t, err)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	answer, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	conn := answer.Body.(io.ReadWriter)
	_, err = io.WriteString(conn, "hello")
	require.NoError(t, err)
	echo := make([]byte, len("hello"))
	_, err = io.ReadFull(conn, echo)
	require.NoError(t, err)
	require.Equal(t, "hello", string(echo))
}
