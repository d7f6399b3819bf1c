// SPDX-License-Identifier: MIT

package holdovertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Fault is how an origin misbehaves: it makes a handler that fails out of the one that works,
// which it may call or not. nil is no fault. A test may write its own.
//
// The functions that return faults panic where they are given what can't be meant. Where it
// says that the connection is cut, the handler panics with http.ErrAbortHandler:
// net/http's server then closes the connection (HTTP/2: the stream), and an
// httputil.ReverseProxy does the same when what stands behind it breaks off.
type Fault func(working http.Handler) http.Handler

// on returns the handler with the fault.
func (f Fault) on(working http.Handler) http.Handler {
	if f == nil {
		return working
	}
	return f(working)
}

// Chain is several faults at once, the first one outermost: Chain(Delay(d), Status(503)) fails
// after d. Those that change an answer, such as Drip, go before the one that makes it.
func Chain(faults ...Fault) Fault {
	return func(working http.Handler) http.Handler {
		for i := len(faults) - 1; i >= 0; i-- {
			working = faults[i].on(working)
		}
		return working
	}
}

// Status answers with the status and a line of text, without asking the handler that
// works. Fields are pairs of a name and a value: Status(503, "Retry-After", "10").
func Status(status int, fields ...string) Fault {
	if status < 200 || status > 999 {
		panic(fmt.Sprintf("holdovertest: Status: %d is no final status", status))
	}
	if len(fields)%2 != 0 {
		panic("holdovertest: Status: the last field has no value")
	}
	return always(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		for i := 0; i < len(fields); i += 2 {
			if strings.EqualFold(fields[i], "Content-Type") {
				h.Del("Content-Type")
			}
			h.Add(fields[i], fields[i+1])
		}
		w.WriteHeader(status)
		if hasBody(r.Method, status) {
			_, _ = fmt.Fprintf(w, "%d %s, by holdovertest\n", status, http.StatusText(status)) // a client that left needs none
		}
	})
}

// always is a fault that never asks the handler that works.
func always(f http.HandlerFunc) Fault {
	return func(http.Handler) http.Handler { return f }
}

// Hang takes the request and never answers. The handler returns without a word when the request's
// context has ended, as handlers do. Where it is a deadline that ended it, and the client is
// still there, net/http makes an empty 200 of that, unless something in front knows better.
func Hang() Fault {
	return always(func(_ http.ResponseWriter, r *http.Request) { hang(r) })
}

// hang waits until the context has ended. net/http's server hears of a client that
// leaves only once the request was read to its end.
func hang(r *http.Request) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	<-r.Context().Done()
}

// Deaf takes the request and does nothing for d, whatever the context says: a handler that can't
// be stopped. Then the connection is cut.
func Deaf(d time.Duration) Fault {
	return always(func(http.ResponseWriter, *http.Request) {
		time.Sleep(d)
		cut()
	})
}

// Delay asks the handler that works d later. Where the context ends before, it does as Hang.
func Delay(d time.Duration) Fault {
	return func(working http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pause(r.Context(), d) == nil {
				working.ServeHTTP(w, r)
			}
		})
	}
}

// pause waits for d, or until the context has ended, and returns its error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reset cuts the connection in place of an answer. Where the connection is one of
// net/http's server over HTTP/1, and no handler in between hides that, the client
// gets an RST.
func Reset() Fault {
	return always(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			cut()
		}
		bare := conn
		if t, secured := conn.(interface{ NetConn() net.Conn }); secured {
			bare = t.NetConn()
		}
		if t, is := bare.(interface{ SetLinger(sec int) error }); is {
			_ = t.SetLinger(0) // without it the client gets a FIN
		}
		_ = bare.Close()
	})
}

// cut makes net/http's server close the connection without a word.
func cut() { panic(http.ErrAbortHandler) }

// Panic makes the handler panic with the value.
func Panic(value any) Fault {
	return always(func(http.ResponseWriter, *http.Request) { panic(value) })
}

// Unreachable is a handler that couldn't reach what it stands in front of. It says so by
// report, such as holdover.ErrorHandler; the error is that of a connection refused. A nil
// report answers 502 as httputil.ReverseProxy does.
func Unreachable(report func(http.ResponseWriter, *http.Request, error)) Fault {
	if report == nil {
		report = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	}
	return always(func(w http.ResponseWriter, r *http.Request) {
		report(w, r, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)})
	})
}
