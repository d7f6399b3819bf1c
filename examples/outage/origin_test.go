// SPDX-License-Identifier: MIT

package outage_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mode is how an origin behaves.
type mode string

const (
	healthy     mode = "healthy"
	unavailable mode = "503"
	hanging     mode = "hang"     // takes the request and never answers
	resetting   mode = "reset"    // RST in place of an answer
	truncating  mode = "truncate" // closes after half of the body
	choking     mode = "chunk"    // the same, without a Content-Length
	stalling    mode = "stall"    // sends no more than half of the body
	freezing    mode = "freeze"   // answers when it is over
	refusing    mode = "refuse"   // nobody listens
)

// arrival is a request that reached the origin.
type arrival struct {
	key string
	at  time.Time
	// cut: the origin hung up on it. Clients repeat a GET then at once, net/http's
	// transport too, if it takes the connection for one that has idled (RFC 9110
	// §9.2.2): also one that it dialled for another request and then didn't need.
	cut bool
}

// origin is a server whose behaviour can be changed while it runs.
type origin struct {
	addr         string
	cacheControl string

	mu       sync.Mutex
	mode     mode
	over     chan struct{} // closed when the mode changes
	server   *http.Server  // nil while refusing
	arrivals []arrival
}

func startOrigin(t *testing.T, cacheControl string) *origin {
	o := &origin{addr: "127.0.0.1:0", cacheControl: cacheControl, mode: refusing, over: make(chan struct{})}
	require.NoError(t, o.play(healthy))
	t.Cleanup(func() { _ = o.play(refusing) })
	return o
}

// play changes the behaviour. Requests that hang go on
// hanging, those that are frozen are answered.
func (o *origin) play(m mode) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.over)
	o.mode, o.over = m, make(chan struct{})
	switch {
	case m == refusing && o.server != nil:
		server := o.server
		o.server = nil
		return server.Close()
	case m != refusing && o.server == nil:
		l, err := net.Listen("tcp", o.addr)
		if err != nil {
			return err
		}
		o.addr = l.Addr().String() // the same one after an outage
		o.server = &http.Server{Handler: o}
		go o.server.Serve(l)
	}
	return nil
}

// arrive notes a request and returns how it is treated, and when that is over.
func (o *origin) arrive(r *http.Request) (m mode, over <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.arrivals = append(o.arrivals, arrival{r.URL.Path, time.Now(), o.mode == resetting})
	return o.mode, o.over
}

// between returns the requests that arrived from an instant until another.
func (o *origin) between(from, to time.Time) (found []arrival) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.arrivals {
		if !a.at.Before(from) && a.at.Before(to) {
			found = append(found, a)
		}
	}
	return found
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, over := o.arrive(r)
	switch m {
	case unavailable:
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
	case hanging:
		<-r.Context().Done()
	case freezing:
		<-over
		o.answer(w, r)
	case resetting:
		o.breakOff(w, "")
	case truncating:
		o.breakOff(w, o.half("Content-Length: %d\r\n\r\n%s", r))
	case choking:
		o.breakOff(w, o.half("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", r))
	case stalling:
		body := bodyOf(r.URL.Path, time.Now())
		w.Header().Set("Cache-Control", o.cacheControl)
		fmt.Fprint(w, body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		o.answer(w, r)
	}
}

func (o *origin) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", o.cacheControl)
	fmt.Fprint(w, bodyOf(r.URL.Path, time.Now()))
}

// half returns an answer with half of its body, whose length and part the format gets.
func (o *origin) half(format string, r *http.Request) string {
	body := bodyOf(r.URL.Path, time.Now())
	return "HTTP/1.1 200 OK\r\nCache-Control: " + o.cacheControl + "\r\n" + fmt.Sprintf(format, len(body), body[:len(body)/2])
}

// breakOff sends a part of an answer and closes the connection, with an RST if
// there is no part.
func (o *origin) breakOff(w http.ResponseWriter, part string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if part == "" {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
	_, _ = conn.Write([]byte(part))
	_ = conn.Close()
}

// bodyOf returns a body that names its key, its version, which is the instant when
// it was made, and the hash of both.
func bodyOf(key string, made time.Time) string {
	text := fmt.Sprintf("%s %d", key, made.UnixNano())
	return fmt.Sprintf("%s %x", text, sha256.Sum256([]byte(text)))
}

// versionOf returns when a body was made, or an error if it isn't a whole one of
// that key.
func versionOf(key, body string) (time.Time, error) {
	fields := strings.Fields(body)
	if len(fields) != 3 || fields[0] != key {
		return time.Time{}, fmt.Errorf("not a body of %s: %q", key, body)
	}
	nanos, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	made := time.Unix(0, nanos)
	if body != bodyOf(key, made) {
		return time.Time{}, fmt.Errorf("damaged body of %s: %q", key, body)
	}
	return made, nil
}
