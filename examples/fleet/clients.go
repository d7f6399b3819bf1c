// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// host is under which name clients know the site. Processes share what is asked
	// for under the same name.
	host = "fleet.example"

	// defaultPatience is how long a client waits for the whole answer.
	defaultPatience = 3 * time.Second
)

// source is where an answer came from, as its Cache-Status says.
type source int

const (
	fresh   source = iota
	stale          // beyond its lifetime, since the origin fails or takes its time
	fetched        // from the origin
)

// answer is what a client got for one request.
type answer struct {
	process int // whose it is
	page    int
	begun   time.Time
	took    time.Duration
	from    source
	version int
	risen   bool // purged before, and back again
	moved   bool // it came from another process, since the first one asked was dead
	err     error
	status  string // Cache-Status
}

// clients ask the processes in turn, as users behind a load balancer do: a request that finds its
// process dead goes to the next one.
type clients struct {
	fleet  []*process
	pages  int
	ledger *ledger
	web    *http.Client

	patience time.Duration // until the whole answer is there

	mu      sync.Mutex
	answers []answer
}

func newClients(fleet []*process, pages int, l *ledger) *clients {
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	return &clients{fleet: fleet, pages: pages, ledger: l, web: &http.Client{Transport: transport}, patience: defaultPatience}
}

// run asks until ctx ends, at a constant rate whatever the answers take, and returns when
// all of them are there.
func (c *clients) run(ctx context.Context, perSecond int) {
	ticker := time.NewTicker(max(time.Second/time.Duration(perSecond), 2*time.Millisecond))
	defer ticker.Stop()
	defer c.web.CloseIdleConnections()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	begun, sent := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for due := int(now.Sub(begun).Seconds() * float64(perSecond)); sent < due; sent++ {
				process, page := c.turn(sent)
				waiting.Go(func() { c.keep(c.ask(process, page)) })
			}
		}
	}
}

// turn says which process is asked for which page next: each for all pages in their order, but
// not all for the same one.
func (c *clients) turn(n int) (process, page int) {
	process = n % len(c.fleet)
	return process, (n/len(c.fleet) + process*c.pages/len(c.fleet)) % c.pages
}

func (c *clients) keep(a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, a)
}

// since returns the answers from that number on.
func (c *clients) since(n int) []answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answers[n:len(c.answers):len(c.answers)]
}

// ask asks a process for a page, and others if it is dead.
func (c *clients) ask(process, page int) answer {
	a := answer{process: process, page: page, begun: time.Now()}
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	for range c.fleet {
		var died bool
		if died, a.err = c.askOne(ctx, &a); a.err == nil || !died {
			break
		}
		a.process, a.moved = (a.process+1)%len(c.fleet), true
	}
	a.took = time.Since(a.begun)
	a.risen = a.err == nil && a.version < c.ledger.least(a.process, page, a.begun)
	return a
}

// askOne reports, too, whether the process was dead at any time meanwhile.
func (c *clients) askOne(ctx context.Context, a *answer) (died bool, err error) {
	p := c.fleet[a.process]
	url, alive, killed := p.state()
	if !alive {
		return true, fmt.Errorf("process %s is dead", p.name)
	}
	err = c.get(ctx, url, a)
	_, _, later := p.state()
	return later != killed, err
}

func (c *clients) get(ctx context.Context, url string, a *answer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+pathOf(a.page), nil)
	if err != nil {
		return err
	}
	r.Host = host
	resp, err := c.web.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a.status = resp.Header.Get("Cache-Status")
	a.from = sourceOf(a.status)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %s", resp.StatusCode, a.status)
	}
	a.version, err = versionOf(a.page, string(body))
	return err
}

func pathOf(page int) string { return fmt.Sprintf("/page/%d", page) }

// negativeTTL is RFC 9211 §2.4: a negative ttl is that of a stale response.
var negativeTTL = regexp.MustCompile(`\bttl=-\d`)

func sourceOf(cacheStatus string) source {
	switch {
	case negativeTTL.MatchString(cacheStatus):
		return stale
	case strings.Contains(cacheStatus, "; hit"):
		return fresh
	}
	return fetched
}
