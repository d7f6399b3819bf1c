// SPDX-License-Identifier: MIT

package conformance

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// play runs a case and returns what is wrong, with nothing else than Target.New
// reporting to t. Over Direct it is called inside a synctest bubble.
func play(t *testing.T, target Target, tr Transport, c Case) (wrong []string) {
	o := newOrigin(target, tr.base())
	p := &performance{target: target, tr: tr, origin: o, wire: tr.open(t, target, o)}
	for i := range c.Steps {
		p.perform(t.Context(), &c.Steps[i])
	}
	p.wrong = append(p.wrong, p.wire.misuse()...)
	if len(p.wrong) > 0 {
		p.wrong = append(p.wrong, p.transcript())
	}
	return p.wrong
}

// performance is a case under way.
type performance struct {
	target Target
	tr     Transport
	origin *origin
	wire   wire
	turns  [][]turn // by step
	wrong  []string
}

// turn is a request with its answer.
type turn struct {
	request Request
	want    Want
	got     got
}

// now is the number of the present step, from 1.
func (p *performance) now() int { return len(p.turns) }

func (p *performance) perform(ctx context.Context, s *Step) {
	p.wire.renew()
	p.origin.next(s)
	want := s.Want
	if p.target.Profile == RFC && s.WantRFC != nil {
		want = *s.WantRFC
	}
	p.turns = append(p.turns, p.turnsOf(s, want))
	p.sendAll(ctx)
	low, high := want.calls()
	p.wire.settle(func() int { return len(p.origin.seen(p.now())) }, low)
	p.judge(want, low, high)
	time.Sleep(s.Pass)
}

func (p *performance) turnsOf(s *Step, want Want) (turns []turn) {
	for _, other := range append([]Other{{s.Request, want}}, s.Also...) {
		for range max(other.Request.Times, 1) {
			turns = append(turns, turn{request: other.Request, want: other.Want})
		}
	}
	return turns
}

// sendAll sends the requests of a step at once and waits for their answers.
func (p *performance) sendAll(ctx context.Context) {
	turns := p.turns[p.now()-1]
	var all sync.WaitGroup
	for i := range turns {
		all.Go(func() {
			r := turns[i].request
			timeout := p.tr.patience()
			if r.Joins {
				p.origin.awaitCall(timeout)
			}
			time.Sleep(r.After)
			if r.Leaves > 0 {
				timeout = r.Leaves
			}
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			turns[i].got = p.wire.send(ctx, r, p.origin.blanks)
		})
	}
	all.Wait()
}

func (p *performance) failf(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf("step %d: ", p.now())+fmt.Sprintf(format, args...))
}

// answerOf is what the client got in a step.
func (p *performance) answerOf(step int) http.Header {
	if step < 1 || step > len(p.turns) {
		return nil
	}
	return p.turns[step-1][0].got.header
}
