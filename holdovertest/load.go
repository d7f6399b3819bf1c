// SPDX-License-Identifier: MIT

package holdovertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	defaultPatience = time.Second
	defaultRate     = 100
	minRate         = 1e-4
	maxRate         = 1e6
	// idleConns is more than what one load keeps open while answers are late.
	idleConns = 256
	// maxBody is what a client reads of an answer. No page is longer.
	maxBody = 16 << 20
)

// ErrOverload is the error of an answer to a request that was never sent,
// because too many were under way.
var ErrOverload = errors.New("holdovertest: too many requests under way")

// Load asks for pages, one path after the other, at a constant rate whatever the
// answers take: a server that is slow gets no fewer requests for it. Each answer
// is checked and noted.
//
// A Load is for one goroutine, but Answers and Between may be called at any time.
// Under testing/synctest it runs on the virtual clock, with InProcess as Transport.
type Load struct {
	// Transport is what carries the requests. With nil each Run and Ask dials
	// connections of its own and closes them at its end.
	Transport http.RoundTripper
	// URL is what stands before the paths, such as "http://127.0.0.1:8080".
	URL string
	// Paths are asked for in turn, each beginning with a slash.
	Paths []string
	// PerSecond is the rate of Run, from 0.0001 to 1,000,000. The default is 100.
	PerSecond float64
	// Patience is how long a client waits for the whole answer. The default
	// is 1 s.
	Patience time.Duration
	// MaxWaiting bounds the requests under way. One that finds no room fails with
	// ErrOverload. The default is what can be under way while every
	// answer takes all of Patience, and half as many more.
	MaxWaiting int
	// Request may change a request before it is sent.
	Request func(*http.Request)
	// Read checks the body of an answer with status 200. The default is ReadPage.
	Read func(path, body string) (made time.Time, err error)

	mu      sync.Mutex
	answers []Answer
}

// Run asks until the context ends, and returns when all answers are there. Its
// only errors are mistakes in the fields.
func (l *Load) Run(ctx context.Context) error {
	if err := l.check(); err != nil {
		return err
	}
	client, done := l.client()
	defer done()
	var waiting sync.WaitGroup
	defer waiting.Wait()
	room := make(chan struct{}, l.maxWaiting())
	interval := time.Duration(float64(time.Second) / l.perSecond())
	timer := time.NewTimer(0)
	defer timer.Stop()
	start := time.Now()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		path := l.Paths[i%len(l.Paths)]
		select {
		case room <- struct{}{}:
			waiting.Go(func() {
				l.keep(l.ask(context.WithoutCancel(ctx), client, path))
				<-room
			})
		default:
			l.keep(Answer{Path: path, Begun: time.Now(), Err: ErrOverload})
		}
		// Counted from the start, so that a machine that stood still for a moment
		// makes up for it.
		timer.Reset(time.Until(start.Add(time.Duration(i+1) * interval)))
	}
}

// Ask sends one request and returns its answer, which isn't among Answers. It may
// be called while Run runs, and for paths that aren't among Paths.
func (l *Load) Ask(ctx context.Context, path string) Answer {
	client, done := l.client()
	defer done()
	return l.ask(ctx, client, path)
}

// Answers returns a copy of all answers so far, in the order in which they were
// there.
func (l *Load) Answers() []Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Answer(nil), l.answers...)
}

// Between returns the answers so far to requests that were sent from an instant
// until another.
func (l *Load) Between(from, to time.Time) (found []Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answers {
		if !a.Begun.Before(from) && a.Begun.Before(to) {
			found = append(found, a)
		}
	}
	return found
}

func (l *Load) keep(a Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, a)
}

func (l *Load) check() error {
	var found []error
	if u, err := url.Parse(l.URL); err != nil || u.Host == "" {
		found = append(found, fmt.Errorf("holdovertest: Load.URL: want something like http://127.0.0.1:8080"))
	}
	if len(l.Paths) == 0 {
		found = append(found, errors.New("holdovertest: Load.Paths: is empty"))
	}
	for _, f := range []struct {
		name, want string
		wrong      bool
	}{
		{"PerSecond", "is from 0.0001 to 1,000,000", l.PerSecond != 0 && !(l.PerSecond >= minRate && l.PerSecond <= maxRate)},
		{"Patience", "must not be negative", l.Patience < 0},
		{"MaxWaiting", "must not be negative", l.MaxWaiting < 0},
	} {
		if f.wrong {
			found = append(found, fmt.Errorf("holdovertest: Load.%s: %s", f.name, f.want))
		}
	}
	return errors.Join(found...)
}

func (l *Load) perSecond() float64 { return cmp.Or(l.PerSecond, defaultRate) }

func (l *Load) patience() time.Duration { return cmp.Or(l.Patience, defaultPatience) }

func (l *Load) maxWaiting() int {
	all := int(l.perSecond() * l.patience().Seconds())
	return cmp.Or(l.MaxWaiting, all+all/2+1)
}

// client returns whom to ask with, and what ends it. It follows no redirect: that
// is an answer.
func (l *Load) client() (c *http.Client, done func()) {
	c = &http.Client{
		Transport:     l.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if l.Transport != nil {
		return c, func() {}
	}
	own := &http.Transport{MaxIdleConnsPerHost: idleConns, DisableCompression: true}
	c.Transport = own
	return c, own.CloseIdleConnections
}

func (l *Load) ask(ctx context.Context, client *http.Client, path string) Answer {
	a := Answer{Path: path, Begun: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	a.Err = l.fetch(ctx, client, &a)
	a.Took = time.Since(a.Begun)
	return a
}

func (l *Load) fetch(ctx context.Context, client *http.Client, a *Answer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL+a.Path, nil)
	if err != nil {
		return err
	}
	if l.Request != nil {
		l.Request(r)
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a.Status, a.CacheStatus = resp.StatusCode, strings.Join(resp.Header["Cache-Status"], ", ")
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: status %d, %s: %.100q", ErrStatus, resp.StatusCode, a.CacheStatus, body)
	}
	read := l.Read
	if read == nil {
		read = ReadPage
	}
	made, err := read(a.Path, string(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrWrongPage, err)
	}
	a.Made = made
	return nil
}
