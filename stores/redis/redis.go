// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

// The powers that a Store has.
var (
	_ store.Store        = (*Store)(nil)
	_ store.ManyGetter   = (*Store)(nil)
	_ store.AbsentSetter = (*Store)(nil)
	_ store.NewerSetter  = (*Store)(nil)
	_ store.Scanner      = (*Store)(nil)
	_ store.Pinger       = (*Store)(nil)
	_ store.Closer       = (*Store)(nil)
)

// Store keeps entries in Redis.
type Store struct {
	source   source
	cfg      Config
	values   store.Values
	slots    chan struct{} // one for each call under way
	patience time.Duration // see patient

	closing sync.Once
	closed  chan struct{}
}

// source is where the client comes from.
type source interface {
	// client returns the client, or why there is none. It obeys the context.
	client(ctx context.Context) (rueidis.Client, error)
	// close ends what the store owns, and reports whether that was the client.
	close() bool
}

// New returns a store on a client that the caller has made, and closes: for a single
// server, a cluster or a set that Sentinels watch. It returns an error that names the
// field of cfg that is wrong. The client should have been made with [Options].
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redis: New needs a client")
	}
	// Longer than a client takes to connect, if it was made without Options.
	return newStore(callers{client}, cfg, rueidis.DefaultDialTimeout+time.Second)
}

func newStore(from source, cfg Config, patience time.Duration) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Store{
		source: from, cfg: cfg, patience: patience,
		values: store.Values{Store: "redis", Codec: cfg.Codec, MaxLen: cfg.MaxValue},
		slots:  make(chan struct{}, cfg.MaxCalls), closed: make(chan struct{}),
	}, nil
}

// callers is a client that belongs to the caller.
type callers struct{ rueidis.Client }

func (c callers) client(context.Context) (rueidis.Client, error) { return c.Client, nil }
func (c callers) close() bool                                    { return false }

// Get returns the entry stored under key, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, key string) (*store.Entry, error) {
	name := s.name(key)
	value, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) ([]byte, error) {
		return c.Do(ctx, c.B().Get().Key(name).Build()).AsBytes()
	})
	if err != nil {
		return nil, s.failure("get", err)
	}
	return s.values.Decode(key, value)
}

// Set stores the entry under key. It may take effect after the context ended, if that
// ends while the server is being told.
func (s *Store) Set(ctx context.Context, key string, e *store.Entry) error {
	value, life, err := s.values.Encode(e)
	switch {
	case err != nil:
		return s.failure("set", err)
	case life <= 0:
		return s.delete(ctx, "set", key)
	}
	name := s.name(key)
	return s.failure("set", s.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(name).Value(rueidis.BinaryString(value)).PxMilliseconds(milliseconds(life)).Build()
	}))
}

// Delete drops what is stored under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	return s.delete(ctx, "delete", key)
}

func (s *Store) delete(ctx context.Context, op, key string) error {
	name := s.name(key)
	return s.failure(op, s.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Del().Key(name).Build() }))
}

// Ping returns nil if a server answers: in a cluster any of its nodes.
func (s *Store) Ping(ctx context.Context) error {
	return s.failure("ping", s.do(ctx, func(b rueidis.Builder) rueidis.Completed { return b.Ping().Build() }))
}

// Close lets all other methods fail with store.ErrClosed from then on. It closes the
// connections of a store that made them itself, and returns when nothing of it runs any
// more; a client that was given to New stays open. Close may be called again.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		if s.source.close() {
			s.drain()
		}
	})
	return nil
}

// drain waits for the calls under way, which fail now that their connections are closed.
func (s *Store) drain() {
	enough := time.After(time.Second)
	for range cap(s.slots) {
		select {
		case s.slots <- struct{}{}:
		case <-enough:
			return
		}
	}
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// do sends one command of whose answer only the error matters.
func (s *Store) do(ctx context.Context, command func(rueidis.Builder) rueidis.Completed) error {
	_, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) (struct{}, error) {
		return struct{}{}, c.Do(ctx, command(c.B())).Error()
	})
	return err
}

func (s *Store) name(key string) string { return store.HashedKey(s.cfg.Prefix, key) }

// milliseconds rounds up: no entry is dropped before its time.
func milliseconds(life time.Duration) int64 {
	return int64((life-1)/time.Millisecond) + 1
}
