// SPDX-License-Identifier: MIT

package redis_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// noise returns a body that nothing makes smaller.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}

func TestFullServerThatEvicts(t *testing.T) {
	const n = 300
	s := open(t, option(testserver.Redis(t, "--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")))
	for i := range n {
		e := entry(t, strconv.Itoa(i), noise(64<<10))
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		if _, err := s.Get(t.Context(), e.Key()); err != nil { // it may evict what it likes
			require.ErrorIs(t, err, store.ErrNotFound)
			require.NotErrorIs(t, err, store.ErrFormat)
		}
	}
	kept := len(scanned(t, s))
	require.Greater(t, kept, 10)
	require.Less(t, kept, n)
}

func TestFullServerThatMayNotEvict(t *testing.T) {
	s := open(t, option(testserver.Redis(t, "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")))
	var refused error
	var stored []*store.Entry
	for i := 0; i < 300 && refused == nil; i++ {
		e := entry(t, strconv.Itoa(i), noise(64<<10))
		if refused = s.Set(t.Context(), e.Key(), e); refused == nil {
			stored = append(stored, e)
		}
	}
	require.ErrorIs(t, refused, redis.ErrOutOfMemory)
	require.NotErrorIs(t, refused, store.ErrNotFound)
	require.NotErrorIs(t, refused, store.ErrTooLarge)
	said, ok := errors.AsType[*rueidis.RedisError](refused)
	require.True(t, ok)
	require.Contains(t, said.Error(), "OOM")
	expect(t, s, stored[0])
	done, err := s.SetIfAbsent(t.Context(), stored[0].Key(), stored[0])
	require.NoError(t, err, "where an entry stands there is nothing to refuse")
	require.False(t, done)
	newer := entry(t, stored[0].Key(), "newer")
	_, err = s.SetIfNewer(t.Context(), newer.Key(), newer)
	require.ErrorIs(t, err, redis.ErrOutOfMemory)

	for _, e := range stored {
		require.NoError(t, s.Delete(t.Context(), e.Key()))
	}
	require.NoError(t, s.Set(t.Context(), newer.Key(), newer))
}

// A list stands under a name of ours.
func TestValueOfAnotherType(t *testing.T) {
	server := testserver.Redis(t)
	s, other := open(t, option(server)), client(t, option(server))
	e, good := entry(t, "list", "body"), entry(t, "good", "body")
	require.NoError(t, s.Set(t.Context(), good.Key(), good))
	setters := map[string]func() (bool, error){
		"SetIfAbsent": func() (bool, error) { return s.SetIfAbsent(t.Context(), e.Key(), e) },
		"SetIfNewer":  func() (bool, error) { return s.SetIfNewer(t.Context(), e.Key(), e) },
		"Set":         func() (bool, error) { return true, s.Set(t.Context(), e.Key(), e) },
	}
	for what, set := range setters {
		del, push := other.B().Del().Key(name(e.Key())).Build(), other.B().Lpush().Key(name(e.Key())).Element("a", "b").Build()
		for _, reply := range other.DoMulti(t.Context(), del, push) {
			require.NoError(t, reply.Error())
		}
		_, err := s.Get(t.Context(), e.Key())
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, err, store.ErrFormat)
		many, err := s.GetMany(t.Context(), []string{e.Key(), good.Key()})
		require.ErrorIs(t, err, store.ErrNotFound)
		require.ErrorIs(t, err, store.ErrFormat)
		require.Nil(t, many[0])
		require.Equal(t, good.Bytes(), many[1].Bytes())
		require.Equal(t, []string{"good"}, scanned(t, s))
		n, err := other.Do(t.Context(), other.B().Llen().Key(name(e.Key())).Build()).AsInt64()
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "reading leaves it alone")

		done, err := set()
		require.NoError(t, err, what)
		require.True(t, done, what)
		expect(t, s, e)
	}
}

// restricted returns the options of a user who has only these rights.
func restricted(t *testing.T, server *testserver.Server, rights ...string) rueidis.ClientOption {
	t.Helper()
	c := client(t, option(server))
	rule := append([]string{"ACL", "SETUSER", "site", "reset", "on", ">pass", "~holdover:*"}, rights...)
	require.NoError(t, c.Do(t.Context(), c.B().Arbitrary(rule...).Build()).Error())
	opt := option(server)
	opt.Username, opt.Password = "site", "pass"
	return opt
}

// The rights that the package's documentation names are enough.
func TestLeastRights(t *testing.T) {
	s := open(t, restricted(t, testserver.Redis(t), "+get", "+set", "+del", "+ping", "+scan", "+strlen", "+eval", "+type", "+getrange"))
	older := entry(t, "key", "older")
	newer := entry(t, "key", "newer")
	require.NoError(t, s.Ping(t.Context()))
	require.NoError(t, s.Set(t.Context(), older.Key(), older))
	everyPower(t, s, older, newer)
	require.Equal(t, []string{"key"}, scanned(t, s))
	require.NoError(t, s.Delete(t.Context(), "key"))
}

func TestUserWhoMayNotRunScripts(t *testing.T) {
	s := open(t, restricted(t, testserver.Redis(t), "+@all", "-@scripting"))
	older, newer := entry(t, "key", "older"), entry(t, "key", "newer")
	done, err := s.SetIfNewer(t.Context(), older.Key(), older)
	require.NoError(t, err, "where nothing stands no script is needed")
	require.True(t, done)
	done, err = s.SetIfNewer(t.Context(), newer.Key(), newer)
	require.ErrorContains(t, err, "NOPERM")
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.False(t, done)
	expect(t, s, older)
	done, err = s.SetIfNewer(t.Context(), older.Key(), older)
	require.NoError(t, err, "what isn't newer is not set, for which no script is needed either")
	require.False(t, done)
}

// To a command that it doesn't know the server answers with the beginning of its arguments.
func TestErrorsQuoteNoValues(t *testing.T) {
	s := open(t, option(testserver.Redis(t, "--rename-command", "SET", "", "--rename-command", "GET", "")))
	e := entry(t, "secret=hunter2", "hunter2")
	err := s.Set(t.Context(), e.Key(), e)
	require.ErrorContains(t, err, "unknown command")
	require.NotContains(t, err.Error(), "HLDV")
	require.NotContains(t, err.Error(), "holdover:")
	_, err = s.Get(t.Context(), e.Key())
	require.ErrorContains(t, err, "unknown command")
	require.NotContains(t, err.Error(), "holdover:")
	require.NotErrorIs(t, err, store.ErrNotFound)
}
