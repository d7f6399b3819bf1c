// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/holdover-go/holdover"
)

// The cast.
const (
	alice   = "alice"   // valid, seen before the outage
	mallory = "mallory" // revoked, seen before the outage
	bob     = "bob"     // valid, but nobody has asked yet
	vera    = "vera"    // as bob, and on the allow list
)

// story is a gate, the backend behind it, and what happens to both.
type story struct {
	out     io.Writer
	backend *backend
	cache   *holdover.Cache
	gate    *http.Server
	url     string
}

func newStory(outcome holdover.Outcome, out io.Writer, valid ...string) (*story, error) {
	vip, err := holdover.NewAllowList(vera)
	if err != nil {
		return nil, err
	}
	rules, err := policy(outcome, vip)
	if err != nil {
		return nil, err
	}
	cache, err := holdover.New(holdover.Config{Policy: rules, OnEvent: audit(out)})
	if err != nil {
		return nil, err
	}
	s := &story{out: out, cache: cache}
	if err := s.open(valid); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *story) open(valid []string) (err error) {
	if s.backend, err = newBackend(valid...); err != nil {
		return err
	}
	g := &gate{verdicts: s.cache.Handler(newVerdicts(s.backend)), api: http.HandlerFunc(hello)}
	var addr string
	s.gate, addr, err = serve("127.0.0.1:0", g)
	s.url = "http://" + addr + "/orders"
	return err
}

// close ends the gate first: nothing may ask a closed cache.
func (s *story) close() error {
	var found []error
	if s.gate != nil {
		found = append(found, s.gate.Close())
	}
	found = append(found, s.cache.Close())
	if s.backend != nil && s.backend.server != nil {
		found = append(found, s.backend.stop())
	}
	return errors.Join(found...)
}

// audit writes a line for everybody whom the fallback lets in: who looks after the
// gate must know what the backend would have to confirm. It names no credential.
func audit(out io.Writer) func(holdover.Event) {
	logger := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	return func(e holdover.Event) {
		if e.Kind == holdover.EventGrant {
			logger.Warn("let in without a verdict", "path", e.Path, "fault", string(e.Fault))
		}
	}
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// call is one request of a client to the API.
func (s *story) call(client string) (int, error) {
	r, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set(credentialField, client)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	fmt.Fprintf(s.out, "  %-8s %d  %s\n", client, answer.StatusCode, answer.Header.Get("Cache-Status"))
	return answer.StatusCode, nil
}

// act is a state of the backend, and what it means for the clients.
type act struct {
	title   string
	begin   func(*backend) error
	clients []string
}

func plot() []act {
	all := []string{alice, mallory, bob, vera}
	return []act{
		{"the backend is well", (*backend).recover, []string{alice, mallory}},
		{"it can't be reached", goAway, all},
		{"it is back, and answers 503", comeBackIll, all},
		{"it is well again", (*backend).recover, []string{bob, vera, mallory, alice}},
	}
}

// staleAfter is when no verdict of before is fresh any more.
const staleAfter = 1100 * time.Millisecond

func goAway(b *backend) error {
	time.Sleep(staleAfter)
	return b.stop()
}

func comeBackIll(b *backend) error {
	b.status.Store(http.StatusServiceUnavailable)
	return b.start()
}

func (b *backend) recover() error {
	b.status.Store(0)
	return nil
}

// tell returns what each client got in each act.
func (s *story) tell() ([]map[string]int, error) {
	var got []map[string]int
	for _, act := range plot() {
		fmt.Fprintln(s.out, act.title)
		if err := act.begin(s.backend); err != nil {
			return nil, err
		}
		statuses := make(map[string]int)
		for _, client := range act.clients {
			status, err := s.call(client)
			if err != nil {
				return nil, err
			}
			statuses[client] = status
		}
		got = append(got, statuses)
	}
	return got, nil
}
