// SPDX-License-Identifier: MIT

package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
)

const (
	// soon is within what takes three seconds at most, on a machine that is ten times as slow.
	soon = 30 * time.Second

	// late is ten times the quarter of a second in which a purge is known everywhere.
	late = 2500 * time.Millisecond

	// slow is the machine that the bounds of these tests allow for.
	slow = 10

	// long is a lifetime that doesn't end in a test.
	long = "max-age=600, stale-if-error=600"
)

var workDir string

func TestMain(m *testing.M) {
	flag.Parse()
	if given := flag.Lookup("test.parallel"); given.Value.String() == given.DefValue {
		_ = given.Value.Set("4") // they wait most of the time
	}
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// proxyBinary is examples/proxy, built once.
var proxyBinary = sync.OnceValues(func() (string, error) {
	var flags []string
	if raceDetector() {
		flags = []string{"-race"}
	}
	path := filepath.Join(workDir, "proxy")
	return path, buildProxy(path, flags...)
})

// raceDetector reports whether this test was built with it. The proxies then are, too,
// and end with an error if it found something.
func raceDetector() bool {
	info, known := debug.ReadBuildInfo()
	return known && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// ground is a fleet under test, with its origin and its clients.
type ground struct {
	t       *testing.T
	site    *site
	fleet   []*process
	ledger  *ledger
	clients *clients
	log     *logs
}

// newGround starts as many processes as there are lists of flags.
func newGround(t *testing.T, pages int, cacheControl string, flags ...[]string) *ground {
	binary, err := proxyBinary()
	require.NoError(t, err)
	g := &ground{t: t, log: new(logs), ledger: newLedger(late, soon)}
	g.site, err = newSite(pages, len(flags), cacheControl)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.site.down()) })
	for i, more := range flags {
		args := append([]string{"-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-origin", g.site.url(i)}, more...)
		p := &process{
			index: i, name: fmt.Sprint(i),
			command: func() *exec.Cmd { return exec.Command(binary, args...) },
			said:    func(line string) { g.log.add(fmt.Sprint(i), line) },
		}
		g.fleet = append(g.fleet, p)
		require.NoError(t, p.start(), g.log)
	}
	g.clients = newClients(g.fleet, pages, g.ledger)
	g.clients.patience = slow * time.Second
	t.Cleanup(g.end)
	return g
}

// end lets the proxies drain. One that found a data race ends with an error, as does one
// that couldn't write everything: what is to be tried again is lost.
func (g *ground) end() {
	g.clients.web.CloseIdleConnections()
	err := endAll(g.fleet)
	if err != nil {
		require.Contains(g.t, g.log.String(), "are lost", "%v", err)
	}
	require.NotContains(g.t, g.log.String(), "DATA RACE")
	if g.t.Failed() {
		g.t.Log(g.log)
	}
}

// get asks a process for a page, and takes nothing but the page for an answer.
func (g *ground) get(process, page int) answer {
	g.t.Helper()
	a := g.clients.ask(process, page)
	require.NoError(g.t, a.err, "page %d of process %d: %s\n%v", page, process, a.status, g.log)
	require.False(g.t, a.risen, "page %d of process %d is back: version %d, %s\n%v", page, process, a.version, a.status, g.log)
	return a
}

// warm asks a process for pages until it has them all.
func (g *ground) warm(process int, pages []int) {
	g.t.Helper()
	for _, page := range pages {
		require.Eventually(g.t, func() bool { return g.get(process, page).from == fresh },
			soon, 5*time.Millisecond, "page %d of process %d doesn't stay\n%v", page, process, g.log)
	}
}

// purge changes pages at the origin, and asks a process to purge them.
func (g *ground) purge(process int, what target, pages []int) (confirmed bool) {
	g.t.Helper()
	versions := g.site.change(pages)
	confirmed, err := g.fleet[process].purge(what)
	require.NoError(g.t, err)
	g.ledger.purged(process, versions, confirmed)
	return confirmed
}

func (g *ground) stats(process int) stats {
	g.t.Helper()
	s, err := g.fleet[process].stats()
	require.NoError(g.t, err)
	return s
}

// awaitStore waits until a process uses the nth store again, and returns how long that took.
func (g *ground) awaitStore(process, n int) time.Duration {
	g.t.Helper()
	began := time.Now()
	require.Eventually(g.t, func() bool {
		stores := g.stats(process).Stores
		return len(stores) > n && stores[n].inUse()
	}, soon, 10*time.Millisecond, "%v", g.log)
	return time.Since(began)
}

func urlOf(page int) target { return target{URL: "http://" + host + pathOf(page)} }

// logs is what all proxies said.
type logs struct {
	mu    sync.Mutex
	lines []string
}

func (l *logs) add(name, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, name+": "+line)
}

// count returns how many lines of a process have one of the words.
func (l *logs) count(process int, words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		has := slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) })
		if has && strings.HasPrefix(line, fmt.Sprintf("%d: ", process)) {
			n++
		}
	}
	return n
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// servers are those that tests start, and how -store names them.
var servers = map[string]struct {
	start func(testing.TB, ...string) *testserver.Server
	url   func(addr string) string
}{
	"redis":     {testserver.Redis, redisURL},
	"memcached": {testserver.Memcached, func(addr string) string { return "memcached://" + addr }},
	"postgres":  {testserver.Postgres, func(addr string) string { return "postgres://postgres@" + addr + "/postgres" }},
}

func redisURL(addr string) string { return "redis://" + addr }

func sqliteURL(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "responses.db") }

// redisSays gives Redis a command and returns the first line of its answer.
func redisSays(t *testing.T, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(soon)))
	_, err = conn.Write([]byte(command + "\r\n"))
	require.NoError(t, err)
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
	require.NotContains(t, line, "-ERR")
	return line
}
