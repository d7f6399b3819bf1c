// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdover-go/holdover/holdovertest"
)

// colds asks for pages that nobody has asked for before.
type colds struct {
	load holdovertest.Load

	waiting sync.WaitGroup
	mu      sync.Mutex
	asked   int
	answers []holdovertest.Answer
}

// coldPatience is how much longer than the hard timeout a client waits, to see
// what comes instead.
const coldPatience = 1500 * time.Millisecond

func newColds(url string, hard time.Duration) *colds {
	return &colds{load: holdovertest.Load{URL: url, Patience: hard + coldPatience}}
}

// ask asks for one more page, and doesn't wait for the answer.
func (c *colds) ask(ctx context.Context) {
	c.waiting.Go(func() {
		a := c.load.Ask(ctx, c.next())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.answers = append(c.answers, a)
	})
}

func (c *colds) next() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return fmt.Sprintf("%s%d", coldPages, c.asked)
}

// between waits for all answers, and returns those to requests that began from an instant
// until another.
func (c *colds) between(from, to time.Time) (found []holdovertest.Answer) {
	c.waiting.Wait()
	for _, a := range c.answers {
		if !a.Begun.Before(from) && a.Begun.Before(to) {
			found = append(found, a)
		}
	}
	return found
}
