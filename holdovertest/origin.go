// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Origin is an http.Handler whose behaviour a test changes while it runs. It notes every
// request. Make it with NewOrigin. Its methods may be called at any time.
type Origin struct {
	working http.Handler

	mu       sync.Mutex
	now      http.Handler
	phase    string
	arrivals []*Arrival
	running  int
	perURL   map[string]int // that run
}

// NewOrigin returns an origin that works: it answers as the handler does, until it is told to
// behave otherwise.
func NewOrigin(working http.Handler) *Origin {
	if working == nil {
		panic("holdovertest: NewOrigin: no handler")
	}
	return &Origin{working: working, now: working, perURL: map[string]int{}}
}

// Behave changes how requests are answered that come from now on: nil works. Requests under
// way go on as they began.
func (o *Origin) Behave(f Fault) { o.enter("", f) }

func (o *Origin) enter(phase string, f Fault) {
	h := f.on(o.working)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now, o.phase = h, phase
}

// Phase is a time in which an Origin behaves in one way.
type Phase struct {
	Name  string        // as it stands in Arrival.Phase
	Fault Fault         // nil works
	For   time.Duration // how long
}

// Play plays the phases one after the other, and then the origin works again. It returns when
// that is done, or when the context has ended, with its error. Behave changes what is played
// until the next phase; of two calls of Play at once each disturbs the other.
func (o *Origin) Play(ctx context.Context, phases ...Phase) error {
	if err := checkPhases(phases); err != nil {
		return err
	}
	defer o.enter("", nil)
	for _, p := range phases {
		o.enter(p.Name, p.Fault)
		if err := pause(ctx, p.For); err != nil {
			return err
		}
	}
	return nil
}

func checkPhases(phases []Phase) error {
	var errs []error
	for i, p := range phases {
		if p.For <= 0 {
			errs = append(errs, fmt.Errorf("holdovertest: phases[%d].For: %v is no time", i, p.For))
		}
	}
	return errors.Join(errs...)
}

// ServeHTTP notes the request and answers it.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, a := o.arrive(r)
	defer o.leave(a, r.Context())
	h.ServeHTTP(w, r)
}

func (o *Origin) arrive(r *http.Request) (http.Handler, *Arrival) {
	a := &Arrival{
		Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.RawQuery,
		Conditional: r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Modified-Since") != "",
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	a.At, a.Phase = time.Now(), o.phase // under the lock, so that they are in order
	o.running++
	o.perURL[a.URL()]++
	a.AtOnce, a.AtOnceOfURL = o.running, o.perURL[a.URL()]
	o.arrivals = append(o.arrivals, a)
	return o.now, a
}

func (o *Origin) leave(a *Arrival, ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a.Ended, a.Took, a.Cancelled = true, time.Since(a.At), ctx.Err() != nil
	o.running--
	if o.perURL[a.URL()]--; o.perURL[a.URL()] == 0 {
		delete(o.perURL, a.URL())
	}
}

// Requests returns what has arrived so far, in order of arrival: a copy.
func (o *Origin) Requests() Arrivals {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make(Arrivals, len(o.arrivals))
	for i, a := range o.arrivals {
		list[i] = *a
	}
	return list
}

// Running returns how many requests are being answered: handlers that haven't returned.
func (o *Origin) Running() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.running
}
