// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

// ErrOutOfMemory says that the server has reached its maxmemory and may not evict
// (maxmemory-policy noeviction). What it holds can still be read.
var ErrOutOfMemory = errors.New("the server is out of memory")

// refusal is what the server said, without what it quotes: to a command that it doesn't
// know it answers with the beginning of the arguments. It unwraps to the
// rueidis.RedisError.
type refusal struct{ err *rueidis.RedisError }

func (r refusal) Unwrap() error { return r.err }

func (r refusal) Error() string {
	said, _, quotes := strings.Cut(r.err.Error(), ", with args")
	if quotes {
		return said + ", …"
	}
	return said
}

// failure classifies what the client and the server say.
func (s *Store) failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if rueidis.IsRedisNil(err) {
		return store.ErrNotFound
	}
	if said, ok := rueidis.IsRedisErr(err); ok {
		switch {
		case isWrongType(said):
			return errWrongType
		case strings.HasPrefix(said.Error(), "OOM "):
			err = fmt.Errorf("%w: %w", ErrOutOfMemory, refusal{said})
		default:
			err = refusal{said}
		}
	}
	return s.values.Failure(op, err)
}

// errWrongType is the error for a list, a hash or the like under a name of ours: a value that
// can't be read.
var errWrongType error = &store.Error{
	Store: "redis", Op: "read", Err: fmt.Errorf("%w: %w: it is no string", store.ErrNotFound, store.ErrFormat),
}

func isWrongType(said *rueidis.RedisError) bool {
	return strings.HasPrefix(said.Error(), "WRONGTYPE ")
}

// cause returns what err means to a call with ctx. Whoever shares the caller's client may
// give up connecting, and all who wait for that connection hear of it: a cancellation that
// isn't the caller's must not look like one.
func (s *Store) cause(ctx context.Context, err error) error {
	_, said := rueidis.IsRedisErr(err)
	switch {
	case err == nil || said || rueidis.IsRedisNil(err):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case s.isClosed():
		return store.ErrClosed
	case errors.Is(err, context.Canceled):
		return errors.New("another call gave up connecting")
	}
	return err
}
