// SPDX-License-Identifier: MIT

package main

import (
	"log/slog"
	"sync"
	"time"

	"github.com/holdover-go/holdover"
)

// troubleGap is how long the log is silent about one kind of trouble after a line of it.
const troubleGap = 10 * time.Second

// trouble writes down what goes wrong with the store and with the origin. Clients are
// answered all the same, so that nobody else would notice; and an outage has thousands of
// failures, so that each kind gets a line now and then.
type trouble struct {
	logger *slog.Logger

	mu    sync.Mutex
	kinds map[string]*kind
}

type kind struct {
	silentUntil time.Time
	unsaid      int
}

func newTrouble(logger *slog.Logger) *trouble {
	return &trouble{logger: logger, kinds: map[string]*kind{}}
}

// see is told of every event.
func (t *trouble) see(e holdover.Event) {
	switch {
	case e.Kind == holdover.EventStoreError:
		t.say("the store failed", "error", e.Err)
	case e.Kind == holdover.EventUnreadable:
		t.say("a stored value can't be read", "error", e.Err)
	case e.Kind == holdover.EventFetch && failures[e.Reason]:
		details := []any{"reason", string(e.Reason), "status", e.Status}
		if e.Err != nil {
			details = append(details, "error", e.Err)
		}
		t.say("the origin failed", details...)
	}
}

// failures are the reasons of fetches that say something about the origin.
var failures = map[holdover.Reason]bool{
	holdover.ReasonErrorStatus: true, holdover.ReasonTransport: true, holdover.ReasonTimeout: true,
	holdover.ReasonAttempt: true, holdover.ReasonTruncated: true, holdover.ReasonPanic: true,
}

func (t *trouble) say(what string, details ...any) {
	more, say := t.due(what, time.Now())
	if more > 0 {
		details = append(details, "left_out_before", more)
	}
	if say {
		t.logger.Warn(what, details...)
	}
}

// due reports whether a line may be written now, and how many were left out since the last.
func (t *trouble) due(what string, now time.Time) (unsaid int, say bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[what]
	if k == nil {
		k = &kind{}
		t.kinds[what] = k
	}
	if now.Before(k.silentUntil) {
		k.unsaid++
		return 0, false
	}
	unsaid, k.unsaid, k.silentUntil = k.unsaid, 0, now.Add(troubleGap)
	return unsaid, true
}
