// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"sync"
	"time"
)

const (
	startPatience = 20 * time.Second // until a proxy listens
	endPatience   = 30 * time.Second // until it has drained
	adminPatience = 5 * time.Second  // for an answer of its admin address
)

// buildProxy compiles examples/proxy into a file.
func buildProxy(file string, flags ...string) error {
	args := append([]string{"build", "-o", file}, flags...)
	out, err := exec.Command("go", append(args, "github.com/holdover-go/holdover/examples/proxy")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("building examples/proxy (start this in the repository): %w: %s", err, out)
	}
	return nil
}

// process is one proxy of the fleet, which can be killed and started again.
type process struct {
	index   int
	name    string
	command func() *exec.Cmd // a fresh one for each start
	said    func(line string)

	mu         sync.Mutex
	url, admin string // since it was started last
	killed     int    // how often
	child      *child // nil while it is dead
}

// announced is what a proxy prints once it listens.
var announced = regexp.MustCompile(`^listening on (\S+) for \S+?(?:, admin on (\S+))?$`)

// start returns when the proxy listens.
func (p *process) start() error {
	listening := make(chan []string, 1)
	c, err := startChild(p.command(), func(line string) {
		if match := announced.FindStringSubmatch(line); match != nil {
			listening <- match
		}
	}, p.said)
	if err != nil {
		return err
	}
	select {
	case match := <-listening:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.child, p.url, p.admin = c, match[1], match[2]
		return nil
	case <-c.ended:
		return fmt.Errorf("proxy %s ended: %w", p.name, c.err)
	case <-time.After(startPatience):
		c.kill()
		return fmt.Errorf("proxy %s doesn't listen", p.name)
	}
}

// kill ends it without warning.
func (p *process) kill() {
	p.mu.Lock()
	c := p.child
	p.child = nil
	p.killed++
	p.mu.Unlock()
	if c != nil {
		c.kill()
	}
}

// end lets it drain and close.
func (p *process) end() error {
	p.mu.Lock()
	c := p.child
	p.child = nil
	p.mu.Unlock()
	if c == nil {
		return nil
	}
	if err := c.end(endPatience); err != nil {
		return fmt.Errorf("proxy %s: %w", p.name, err)
	}
	return nil
}

// state is where it serves, and how often it was killed so far.
func (p *process) state() (url string, alive bool, killed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url, p.child != nil, p.killed
}

// target says what is purged, one of them.
type target struct {
	URL string `json:"url,omitempty"`
	Tag string `json:"tag,omitempty"`
	All bool   `json:"all,omitempty"`
}

func (t target) String() string {
	switch {
	case t.URL != "":
		return t.URL
	case t.Tag != "":
		return "the tag " + t.Tag
	}
	return "everything"
}

// purge asks the process for a purge, and reports whether that stands in a journal already.
func (p *process) purge(t target) (confirmed bool, err error) {
	body, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	status, err := p.ask(http.MethodPost, "/purge", body, nil)
	switch {
	case err != nil:
		return false, err
	case status != http.StatusOK && status != http.StatusAccepted:
		return false, fmt.Errorf("the purge was answered %d", status)
	}
	return status == http.StatusOK, nil
}

// stats is a part of what a proxy tells of itself.
type stats struct {
	Unconfirmed   int          `json:"unconfirmed"`
	JournalLosses int          `json:"journal_losses"`
	Fetches       int          `json:"fetches"`
	StoreErrors   int          `json:"store_errors"`
	Stores        []storeStats `json:"stores"`
}

type storeStats struct {
	Store string `json:"store"`
	State string `json:"state"`
}

// inUse reports whether the store is asked as long as none before it is.
func (s storeStats) inUse() bool { return s.State == "closed" }

func (p *process) stats() (s stats, err error) {
	_, err = p.ask(http.MethodGet, "/stats", nil, &s)
	return s, err
}

// ask talks to the admin address.
func (p *process) ask(method, path string, body []byte, answer any) (status int, err error) {
	p.mu.Lock()
	url := p.admin + path
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), adminPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if answer != nil {
		err = json.NewDecoder(resp.Body).Decode(answer)
	}
	return resp.StatusCode, err
}

// endAll ends processes, all at the same time.
func endAll(list []*process) error {
	failed := make([]error, len(list))
	var ending sync.WaitGroup
	for i, p := range list {
		ending.Go(func() { failed[i] = p.end() })
	}
	ending.Wait()
	return errors.Join(failed...)
}
