// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

var _ store.Leaser = (*Store)(nil)

// errLease says that something else stands in the place of a lease. It is left alone.
var errLease = errors.New("what stands in the place of a lease isn't one")

// leaseScript gives KEYS[1] to ARGV[1] for ARGV[2] milliseconds unless another one has it,
// and returns who has it then.
const leaseScript = `
local stands = redis.call('GET', KEYS[1])
if stands and stands ~= ARGV[1] then return stands end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`

// releaseScript puts ARGV[2] in the place of ARGV[1] for ARGV[3] milliseconds, or nothing
// if these are 0, and returns who had KEYS[1] before.
const releaseScript = `
local stands = redis.call('GET', KEYS[1])
if stands ~= ARGV[1] then return stands end
if ARGV[3] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return stands`

// Lease gives the lease on key to the holder, or prolongs it, and returns who has it then.
// All stores on a server with one Prefix share their leases, which end by its clock. Where
// the context ends while the server is being told, it may take effect nevertheless.
func (s *Store) Lease(ctx context.Context, key string, holder store.Holder, d time.Duration) (store.Holder, error) {
	has, err := s.leaseCall(ctx, leaseScript, key, holder[:], leaseTime(d))
	return has, s.leaseFailure("lease", err)
}

// Release ends the holder's lease on key, and leaves the note for d if it isn't zero.
func (s *Store) Release(ctx context.Context, key string, holder, note store.Holder, d time.Duration) error {
	life := "0"
	if note != (store.Holder{}) && d > 0 {
		life = leaseTime(d)
	}
	_, err := s.leaseCall(ctx, releaseScript, key, holder[:], string(note[:]), life)
	if rueidis.IsRedisNil(err) {
		return nil
	}
	return s.leaseFailure("release", err)
}

// leaseCall runs a script that returns a holder.
func (s *Store) leaseCall(ctx context.Context, script, key string, holder []byte, args ...string) (has store.Holder, err error) {
	name := s.leaseName(key)
	answer, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) ([]byte, error) {
		eval := c.B().Eval().Script(script).Numkeys(1).Key(name).Arg(rueidis.BinaryString(holder)).Arg(args...).Build()
		return c.Do(ctx, eval).AsBytes()
	})
	if err == nil && len(answer) != len(has) {
		err = errLease
	}
	if err != nil {
		return has, err
	}
	return store.Holder(answer), nil
}

// leaseName is no name of an entry, with whatever prefix: these end with digits.
func (s *Store) leaseName(key string) string { return s.name(key) + ":lease" }

// leaseTime is in milliseconds. Redis takes none that aren't positive.
func leaseTime(d time.Duration) string { return strconv.FormatInt(milliseconds(max(d, 1)), 10) }

// leaseFailure is failure where something else that stands there isn't a miss.
func (s *Store) leaseFailure(op string, err error) error {
	if said, ok := rueidis.IsRedisErr(err); ok && isWrongType(said) {
		err = errLease
	}
	return s.failure(op, err)
}
