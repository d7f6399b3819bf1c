// SPDX-License-Identifier: MIT

package outage_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// patience is how long a client waits for the whole answer.
const patience = time.Second

// answer is what a client got.
type answer struct {
	key   string
	begun time.Time
	took  time.Duration
	err   error // no right and whole body in time
	made  time.Time
	// stale is what Cache-Status says: a negative time to live.
	stale  bool
	status string // Cache-Status
}

// load asks for keys in turn, at a constant rate whatever the answers take.
type load struct {
	client *http.Client
	base   string
	keys   []string

	mu      sync.Mutex
	answers []answer
}

func newLoad(base string, keys int) *load {
	l := &load{base: base, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	for i := range keys {
		l.keys = append(l.keys, fmt.Sprintf("/page/%d", i))
	}
	return l
}

// run asks until ctx ends, and returns when all answers are there.
func (l *load) run(ctx context.Context, perSecond int) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			waiting.Go(func() { l.keep(l.ask(l.keys[i%len(l.keys)])) })
		}
	}
}

func (l *load) keep(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
}

// between returns the answers to requests that began from an instant until another.
func (l *load) between(from, to time.Time) (found []answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answers {
		if !a.begun.Before(from) && a.begun.Before(to) {
			found = append(found, a)
		}
	}
	return found
}

func (l *load) ask(key string) answer {
	a := answer{key: key, begun: time.Now()}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a.err = l.fetch(ctx, key, &a)
	a.took = time.Since(a.begun)
	return a
}

func (l *load) fetch(ctx context.Context, key string, a *answer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+key, nil)
	if err != nil {
		return err
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a.status = resp.Header.Get("Cache-Status")
	a.stale = negativeTTL.MatchString(a.status)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %s: %s", resp.StatusCode, a.status, body)
	}
	a.made, err = versionOf(key, string(body))
	return err
}

// negativeTTL is RFC 9211 §2.4: a negative ttl is that of a stale response.
var negativeTTL = regexp.MustCompile(`\bttl=-\d`)
