// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"time"
)

// Interim is a 1xx response.
type Interim struct {
	Status int
	Header http.Header
}

// Verdict is what the owner says of a final header.
type Verdict struct {
	// Keep: the whole body is needed, for storing or for readers who join
	// later. Otherwise only the starter is served and the handler waits for it.
	// When its client is gone and the others have left, too, the flight ends.
	Keep bool
	// Note is whatever the owner wants readers to find in State.
	Note any
}

// Result is a complete response.
type Result struct {
	Status int
	Header http.Header // as judged
	Body   []byte
	Note   any
	// Keep false means that Body is nil and nothing may be stored: that was the
	// verdict, or the body outgrew its bounds, or the handler tried to write more
	// than its Content-Length.
	Keep bool
}

// Config is what a flight needs. Funcs may be nil, and times 0 for none.
type Config struct {
	Room   *Room
	Limit  int64 // of bytes kept; how far readers may fall behind one that isn't kept
	Lead   int64 // bytes that the handler may always run ahead of whom it waits for, and one more
	Head   bool  // the request's method is HEAD: there is no body
	Header time.Duration
	Idle   time.Duration // between two writes, while keeping
	// Patience is how long the handler waits for each reader of a body that outgrew Limit
	// beside the one that sets the pace, and for a starter that stands still while
	// others read. 0 means that it waits for the starter alone.
	Patience time.Duration
	// Attempt ends the flight unless Begin was called before, or Spare says that
	// nothing else could be given any more. Spare must be quick and take no lock.
	Attempt time.Duration
	Spare   func() bool

	// Judge is called on the handler's goroutine with the final header,
	// which it may change.
	Judge func(status int, header http.Header) Verdict
	// Commit is called when the handler returned normally, before readers
	// learn that the response is complete.
	// True means that the owner has the body now: readers are told that the
	// response is complete and find the rest there, so that a slow one holds no
	// room.
	Commit func(Result) bool
	// Ended is called once, when the flight completed (nil) or failed, before readers
	// who wait learn of it. It may come from a timer's goroutine, while the handler
	// still runs. What it returns, nil for nothing, is called at once after it, but no
	// longer keeps others from the flight's key: it may call whom it likes.
	Ended func(State, *Failure) (tell func())
	// Late is called when a handler panics whose flight had failed before, so that
	// nobody else learns of it.
	Late func(*Failure)
}
