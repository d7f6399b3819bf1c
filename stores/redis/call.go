// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

// call lets ask talk to the server, and returns when it or the context ends.
//
// The client alone doesn't promise that: whoever comes while another call connects waits
// as long as that one does, the greeting of a new connection can't be cancelled, and
// neither can a command that has no deadline of its own or finds the queue of its
// connection full. So ask runs in a goroutine, which keeps its slot until the client lets
// go of it.
func call[T any](ctx context.Context, s *Store, ask func(ctx context.Context, c rueidis.Client) (T, error)) (answer T, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	client, err := s.begin(ctx)
	if err != nil {
		return answer, err
	}
	type outcome struct {
		answer T
		err    error
	}
	outcomes := make(chan outcome, 1)
	go func() {
		defer func() { <-s.slots }()
		var o outcome
		defer func() { outcomes <- o }()
		defer survive(&o.err)
		o.answer, o.err = ask(patient{ctx, s.patience}, client)
		if errors.Is(o.err, io.EOF) && ctx.Err() == nil { // a connection from before a restart: the next one is new
			o.answer, o.err = ask(patient{ctx, s.patience}, client)
		}
	}()
	select {
	case o := <-outcomes:
		return o.answer, s.cause(ctx, o.err)
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// begin takes a slot and returns the client, once there is one.
func (s *Store) begin(ctx context.Context) (rueidis.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.isClosed() {
		return nil, store.ErrClosed
	}
	client, err := s.source.client(ctx)
	if err != nil {
		return nil, s.cause(ctx, err)
	}
	select {
	case s.slots <- struct{}{}:
		return client, nil
	case <-s.closed:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// survive makes an error of a panic, which in a goroutine of ours would end the process:
// the client may call functions that were given to it.
func survive(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the client panicked: %v", p)
	}
}

// bounded gives a context without a deadline the one of the config.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, set := ctx.Deadline(); set {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.cfg.Timeout)
}

// patient is the context that the client gets. Its end is known, so that nothing more is
// sent after it, but it doesn't interrupt: a connection that a short deadline would cut
// off while it greets would never come about, and each command that was cut off would
// cost its connection.
type patient struct {
	context.Context
	patience time.Duration // how much longer than its deadline something under way may take
}

func (p patient) Done() <-chan struct{} { return nil }

func (p patient) Deadline() (time.Time, bool) {
	deadline, set := p.Context.Deadline()
	return deadline.Add(p.patience), set
}
