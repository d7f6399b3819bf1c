// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

// SetIfAbsent stores the entry where none stands under key, atomically, and reports
// whether it did.
func (s *Store) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.setUnless(ctx, key, e, func(*store.Entry) bool { return true })
	return done, s.failure("set if absent", err)
}

// SetIfNewer stores the entry where none stands under key or an older one, atomically,
// and reports whether it did. Where one stands, the server needs to run a script; a user
// who may not do that gets an error.
func (s *Store) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.setUnless(ctx, key, e, func(old *store.Entry) bool { return !e.Newer(old) })
	return done, s.failure("set if newer", err)
}

// setUnless stores the entry unless one stands there that may stay. It looks what stands
// there and replaces exactly that; where another writer came between, it looks again.
func (s *Store) setUnless(ctx context.Context, key string, e *store.Entry, mayStay func(old *store.Entry) bool) (bool, error) {
	value, life, err := s.values.Encode(e)
	if err != nil {
		return false, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	w := write{name: s.name(key), value: rueidis.BinaryString(value), life: life}
	for {
		old, done, err := s.setAbsent(ctx, w)
		if done || s.stays(key, old, mayStay) {
			return done, nil
		}
		if err == nil && old != nil {
			done, err = s.replace(ctx, w, old)
		}
		if done || err != nil {
			return done, err
		}
	}
}

// write is what is to be kept, and where.
type write struct {
	name, value string
	life        time.Duration // 0 or less: nothing is to be kept
}

// standing is what was found under a name.
type standing struct {
	value    []byte
	isString bool // a list, a hash or the like has no value
}

// stays reports whether an entry was found that may stay. What can't be read or has
// outlived its time may not.
func (s *Store) stays(key string, old *standing, mayStay func(old *store.Entry) bool) bool {
	if old == nil || !old.isString {
		return false
	}
	e, err := s.values.Decode(key, old.value)
	return err == nil && mayStay(e)
}

// setAbsent sets the value where nothing stands, and otherwise returns what stood there
// just before. That takes one round trip.
func (s *Store) setAbsent(ctx context.Context, w write) (old *standing, done bool, err error) {
	replies, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) ([]rueidis.RedisResult, error) {
		// Not known as a reading command, this Get never goes to a replica.
		get := c.B().Arbitrary("GET").Keys(w.name).Build()
		if w.life <= 0 {
			return c.DoMulti(ctx, get), nil
		}
		return c.DoMulti(ctx, get, c.B().Set().Key(w.name).Value(w.value).Nx().PxMilliseconds(milliseconds(w.life)).Build()), nil
	})
	if err != nil {
		return nil, false, err
	}
	value, err := replies[0].AsBytes()
	switch said, refused := rueidis.IsRedisErr(err); {
	case err == nil:
		old = &standing{value, true}
	case refused && isWrongType(said):
		old = &standing{}
	case !rueidis.IsRedisNil(err):
		return nil, false, err
	}
	if w.life <= 0 {
		return old, old == nil, nil
	}
	err = replies[1].Error()
	if rueidis.IsRedisNil(err) {
		return old, false, nil
	}
	return old, err == nil, err
}

// compared is how much of the beginning and of the end of a standing value is sent to be
// compared, beside its length. All that tells two entries of one key apart stands there:
// the times of their fetches to the nanosecond, and the checksums.
const compared = 1 << 10

// replaceScript sets KEYS[1] to ARGV[1] for ARGV[2] milliseconds, or deletes it if these are
// 0, unless a string stands there that isn't ARGV[3] bytes long or doesn't begin with
// ARGV[4] or end with ARGV[5].
const replaceScript = `
local key = KEYS[1]
if redis.call('TYPE', key).ok == 'string' and (redis.call('STRLEN', key) ~= tonumber(ARGV[3])
    or redis.call('GETRANGE', key, 0, #ARGV[4] - 1) ~= ARGV[4]
    or redis.call('GETRANGE', key, ARGV[3] - #ARGV[5], -1) ~= ARGV[5]) then return 0 end
if ARGV[2] == '0' then redis.call('DEL', key) else redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
return 1`

// replace puts the value in the place of old, and reports whether no other stood there.
func (s *Store) replace(ctx context.Context, w write, old *standing) (bool, error) {
	args := []string{"", "0", "-1", "", ""}
	if w.life > 0 {
		args[0], args[1] = w.value, strconv.FormatInt(milliseconds(w.life), 10)
	}
	if n := len(old.value); old.isString {
		part := min(n, compared)
		args[2], args[3], args[4] = strconv.Itoa(n), string(old.value[:part]), string(old.value[n-part:])
	}
	replaced, err := call(ctx, s, func(ctx context.Context, c rueidis.Client) (int64, error) {
		return c.Do(ctx, c.B().Eval().Script(replaceScript).Numkeys(1).Key(w.name).Arg(args...).Build()).AsInt64()
	})
	return replaced == 1, err
}
