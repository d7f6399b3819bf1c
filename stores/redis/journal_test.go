// SPDX-License-Identifier: MIT

package redis_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/redis"
)

func TestJournal(t *testing.T) {
	server := testserver.Redis(t)
	opt := option(server)
	prefixes := map[store.Journal]string{}
	onPrefix := func(t *testing.T, prefix string) store.Journal {
		s, err := redis.Open(opt, redis.Config{Prefix: prefix, Timeout: cfg.Timeout})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		prefixes[s] = prefix
		return s
	}
	admin := client(t, opt)
	turn := 0
	storetest.RunJournal(t, func(t *testing.T) store.Journal { return onPrefix(t, rand.Text()) }, storetest.JournalFeatures{
		Server: server,
		Reopen: func(t *testing.T, j store.Journal) store.Journal { return onPrefix(t, prefixes[j]) },
		Lose: func(t *testing.T, j store.Journal) { // as an eviction takes one, the other, or both
			name := prefixes[j] + "{journal}"
			names := [][]string{{name}, {name + ":marks"}, {name, name + ":marks"}}[turn%3]
			turn++
			require.NoError(t, admin.Do(t.Context(), admin.B().Del().Key(names...).Build()).Error())
		},
	})
}

// A server that was set back to an older state is another run, and the journal another one.
func TestJournalOfARestoredServer(t *testing.T) {
	server := testserver.Redis(t, "--save", "3600 1")
	opt := option(server)
	s := open(t, opt)
	before, err := s.Append(t.Context(), make([]store.Mark, 3))
	require.NoError(t, err)
	admin := client(t, opt)
	require.NoError(t, admin.Do(t.Context(), admin.B().Save().Build()).Error())
	_, err = s.Append(t.Context(), make([]store.Mark, 2))
	require.NoError(t, err)
	server.Kill()
	server.Start()
	var page store.JournalPage
	require.Eventually(t, func() bool {
		page, err = s.Read(t.Context(), before)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.NotEqual(t, before.Epoch, page.Epoch)
}

// Only the newest marks are kept.
func TestJournalIsBounded(t *testing.T) {
	if testing.Short() {
		return
	}
	s := open(t, option(testserver.Redis(t)))
	var p store.Position
	for range 520 {
		var err error
		p, err = s.Append(t.Context(), make([]store.Mark, 1000))
		require.NoError(t, err)
	}
	page, err := s.Read(t.Context(), store.Position{})
	require.NoError(t, err)
	require.Positive(t, page.Base)
	require.Greater(t, p.Seq-page.Base, uint64(490_000))
	require.Less(t, p.Seq-page.Base, uint64(510_000))
	last, err := s.Read(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, p.Seq-1, last.Base)
}

// What stands in the journal's place is left alone, and the journal fails.
func TestJournalBesideSomethingElse(t *testing.T) {
	opt := option(testserver.Redis(t))
	s, admin := open(t, opt), client(t, opt)
	for _, name := range []string{"holdover:{journal}", "holdover:{journal}:marks"} {
		require.NoError(t, admin.Do(t.Context(), admin.B().Set().Key(name).Value("theirs").Build()).Error())
		_, err := s.Append(t.Context(), make([]store.Mark, 1))
		require.Error(t, err)
		_, err = s.Read(t.Context(), store.Position{})
		require.Error(t, err)
		require.NotErrorIs(t, err, store.ErrNotFound)
		require.NoError(t, admin.Do(t.Context(), admin.B().Del().Key(name).Build()).Error())
	}
}
