// SPDX-License-Identifier: MIT

package flight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Phase is how far a flight has come.
type Phase uint8

// The phases in their order.
const (
	Waiting Phase = iota
	Header
	Complete
	Failed
)

// Cause says how a flight failed.
type Cause uint8

// The causes.
const (
	Panicked       Cause = iota + 1 // the handler panicked
	Aborted                         // … with http.ErrAbortHandler
	Exited                          // … called runtime.Goexit
	Truncated                       // returned with less than its Content-Length
	HeaderTimeout                   // no final header in time
	IdleTimeout                     // too long between two writes
	AttemptTimeout                  // given up because every reader has a stored copy
	Cancelled                       // the cache was closed or the only client left
)

// Failure is why a flight failed.
type Failure struct {
	Cause Cause
	Value any    // what was panicked with
	Stack []byte // where
}

// Errors that handlers see from Write or as the cause of their context.
var (
	ErrEnded     = errors.New("the fetch has ended")
	ErrTimeout   = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	ErrCancelled = fmt.Errorf("the fetch was cancelled: %w", context.Canceled)
)

// State is what a flight is at one moment.
type State struct {
	Phase   Phase
	Status  int
	Header  http.Header // read only
	Trailer http.Header // read only, once complete
	Note    any         // the verdict's
	Keep    bool
	// Outgrown: the body was too large to be kept, or there was no room to buffer
	// as much of it as was agreed. The handler goes on only as it is read.
	Outgrown bool
	NoRoom   bool  // … and this is why
	Buffered int64 // bytes of the body that have arrived
	Flushed  int64 // bytes that the handler wants to be sent at once
	Flushes  int   // how often it flushed
	Interims int
	Failure  *Failure
}
