// SPDX-License-Identifier: MIT

package redis_test

import (
	"net"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// Two users, one of which may not ask for INFO, take the journal from each other.
func TestJournalOfTwoUsers(t *testing.T) {
	server := testserver.Redis(t)
	opt := option(server)
	admin := client(t, opt)
	for _, args := range [][]string{
		{"ACL", "SETUSER", "one", "on", ">pw", "~*", "&*", "+@all"},
		{"ACL", "SETUSER", "two", "on", ">pw", "~*", "&*", "+@all", "-info"},
	} {
		require.NoError(t, admin.Do(t.Context(), admin.B().Arbitrary(args...).Build()).Error())
	}
	as := func(user string) *redis.Store {
		o := opt
		o.Username, o.Password = user, "pw"
		s, err := redis.Open(o, redis.Config{Timeout: cfg.Timeout})
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	one, two := as("one"), as("two")
	p, err := one.Append(t.Context(), make([]store.Mark, 1))
	require.NoError(t, err)
	page, err := two.Read(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, p.Epoch, page.Epoch)
}

// A set-back that the server's run doesn't show: demoted and promoted again.
func TestSetBackSameRun(t *testing.T) {
	a, b := testserver.Redis(t), testserver.Redis(t)
	ca, cb := client(t, option(a)), client(t, option(b))
	do := func(c rueidis.Client, args ...string) {
		require.NoError(t, c.Do(t.Context(), c.B().Arbitrary(args...).Build()).Error())
	}
	host, port, _ := net.SplitHostPort(a.Addr())
	s := open(t, option(a))
	_, err := s.Append(t.Context(), make([]store.Mark, 3))
	require.NoError(t, err)
	do(cb, "REPLICAOF", host, port)
	require.Eventually(t, func() bool {
		n, err := cb.Do(t.Context(), cb.B().Dbsize().Build()).AsInt64()
		return err == nil && n >= 2
	}, 20*time.Second, 10*time.Millisecond)
	do(cb, "REPLICAOF", "NO", "ONE")
	p, err := s.Append(t.Context(), make([]store.Mark, 2)) // confirmed, lost
	require.NoError(t, err)
	host, port, _ = net.SplitHostPort(b.Addr())
	do(ca, "REPLICAOF", host, port)
	require.Eventually(t, func() bool {
		n, err := ca.Do(t.Context(), ca.B().Xlen().Key("holdover:{journal}:marks").Build()).AsInt64()
		return err == nil && n == 3
	}, 20*time.Second, 10*time.Millisecond)
	do(ca, "REPLICAOF", "NO", "ONE")
	var page store.JournalPage
	require.Eventually(t, func() bool { page, err = s.Read(t.Context(), p); return err == nil }, 2*time.Second, time.Millisecond)
	require.NotEqual(t, p.Epoch, page.Epoch, "two marks were confirmed and are gone: %d stand there", len(page.Marks))
}

// the journal of a cluster under prefixes with braces, and on OOM
func TestJournalOOM(t *testing.T) {
	server := testserver.Redis(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
	opt := option(server)
	s, admin := open(t, opt), client(t, opt)
	p, err := s.Append(t.Context(), make([]store.Mark, 3))
	require.NoError(t, err)
	for range 100 {
		if admin.Do(t.Context(), admin.B().Append().Key("fill").Value(string(make([]byte, 100<<10))).Build()).Error() != nil {
			break
		}
	}
	_, err = s.Append(t.Context(), make([]store.Mark, 3))
	t.Log(err)
	require.Error(t, err)
	page, err := s.Read(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, p, page.Position())
	err = s.Renew(t.Context(), p.Epoch)
	t.Log("renew", err)
	page, err = s.Read(t.Context(), p)
	require.NoError(t, err)
	require.NotEqual(t, p.Epoch, page.Epoch)
	// hash evicted
	require.NoError(t, admin.Do(t.Context(), admin.B().Del().Key("holdover:{journal}").Build()).Error())
	_, err = s.Append(t.Context(), make([]store.Mark, 3))
	t.Log("append after loss", err)
	page, err = s.Read(t.Context(), p)
	require.NoError(t, err)
	t.Log(len(page.Marks))
}
