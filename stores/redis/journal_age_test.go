// SPDX-License-Identifier: MIT

package redis_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

const (
	keptAlways = 1000
	hashName   = "holdover:{journal}"
	streamName = hashName + ":marks"
)

// openAging opens a store whose journal forgets soon.
func openAging(t *testing.T, opt rueidis.ClientOption, life time.Duration) *redis.Store {
	t.Helper()
	s, err := redis.Open(opt, redis.Config{Timeout: 5 * time.Second, JournalLife: life})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func appended(t *testing.T, s store.Journal, n int) store.Position {
	t.Helper()
	p, err := s.Append(t.Context(), make([]store.Mark, n))
	require.NoError(t, err)
	return p
}

func oldest(t *testing.T, s store.Journal, from store.Position) store.JournalPage {
	t.Helper()
	page, err := s.Read(t.Context(), from)
	require.NoError(t, err)
	return page
}

// Marks are dropped no sooner than JournalLife after they were appended, and no later than
// half of that afterwards, while others are appended. Numbers and epoch stay.
func TestJournalMarksAgeOut(t *testing.T) {
	const each, life = 100, 2 * time.Second
	opt := option(testserver.Redis(t))
	s, admin := openAging(t, opt, life), client(t, opt)
	var before, after []time.Time // the Append of each hundred
	var old store.Position
	for i := uint64(0); time.Since(append(before, time.Now())[0]) < 3*life; i++ {
		before = append(before, time.Now())
		p := appended(t, s, each)
		after = append(after, time.Now())
		if i == 0 {
			old = p
		}
		require.Equal(t, store.Position{Epoch: old.Epoch, Seq: (i + 1) * each}, p)
		base := oldest(t, s, store.Position{}).Base
		require.LessOrEqual(t, base, p.Seq-min(p.Seq, keptAlways), "the last thousand are kept")
		if base > 0 {
			require.GreaterOrEqual(t, time.Since(before[(base-1)/each]), life)
		}
		if len(after)*each > keptAlways {
			require.LessOrEqual(t, before[i].Sub(after[base/each]), life*3/2)
		}
		time.Sleep(life / 20)
	}
	page := oldest(t, s, old)
	require.Equal(t, old.Epoch, page.Epoch)
	require.Greater(t, page.Base, old.Seq, "who stood at the first sees that marks are gone")

	text, err := admin.Do(t.Context(), admin.B().Hget().Key(hashName).Field("ages").Build()).ToString()
	require.NoError(t, err)
	require.Equal(t, string(old.Epoch[:]), text[:16])
	times := regexp.MustCompile(`\d+:\d+`).FindAllString(text[16:], -1)
	require.LessOrEqual(t, len(times), 20)

	time.Sleep(life + life/4)
	p := appended(t, s, 1)
	require.Equal(t, p.Seq-keptAlways, oldest(t, s, old).Base, "nobody had appended meanwhile")
	p = appended(t, s, 5)
	require.Equal(t, p.Seq-keptAlways, oldest(t, s, old).Base)
	require.Equal(t, p.Seq-1, oldest(t, s, p).Base)
}

// A journal of an earlier release has no times: its marks are taken for new. So are those
// that such a release appends in between, and what it leaves of a life before.
func TestJournalWithoutTimes(t *testing.T) {
	const life = time.Second
	opt := option(testserver.Redis(t))
	admin := client(t, opt)
	do := func(args ...string) {
		t.Helper()
		require.NoError(t, admin.Do(t.Context(), admin.B().Arbitrary(args...).Build()).Error())
	}
	epoch, last := "0123456789abcdef", 0
	add := func(n int) {
		for range n {
			last++
			do("XADD", streamName, fmt.Sprint(last, "-1"), "m", string(store.AppendMark(nil, store.Mark{Hash: uint64(last)})))
		}
		do("HSET", hashName, "epoch", epoch, "run", runOf(t, admin), "last", strconv.Itoa(last))
	}
	add(1500)
	s := openAging(t, opt, life)
	page := oldest(t, s, store.Position{})
	require.Equal(t, epoch, string(page.Epoch[:]))
	require.Zero(t, page.Base)
	require.EqualValues(t, 1, page.Marks[0].Hash)
	require.Equal(t, store.Position{Epoch: page.Epoch, Seq: 1501}, appended(t, s, 1))
	require.Zero(t, oldest(t, s, store.Position{}).Base, "it isn't known how old they are")
	last++

	time.Sleep(life / 2)
	add(1500)
	time.Sleep(life * 3 / 4)
	require.EqualValues(t, 3002, appended(t, s, 1).Seq)
	require.EqualValues(t, 1501, oldest(t, s, store.Position{}).Base, "those of the earlier release count from now on")
	time.Sleep(life + 10*time.Millisecond)
	appended(t, s, 1)
	require.EqualValues(t, 3003-keptAlways, oldest(t, s, store.Position{}).Base)

	epoch, last = "another epoch ..", 0
	do("DEL", streamName)
	add(2500)
	require.EqualValues(t, 2501, appended(t, s, 1).Seq)
	require.Zero(t, oldest(t, s, store.Position{}).Base, "the times are those of an epoch before")
}

// runOf is what the journal calls the server's run and history.
func runOf(t *testing.T, admin rueidis.Client) string {
	t.Helper()
	info, err := admin.Do(t.Context(), admin.B().Info().Build()).ToString()
	require.NoError(t, err)
	run := regexp.MustCompile(`run_id:(\w+)`).FindStringSubmatch(info)
	replid := regexp.MustCompile(`master_replid:(\w+)`).FindStringSubmatch(info)
	return run[1] + replid[1]
}

// A user who may do no more than earlier releases needed keeps all marks.
func TestJournalWithoutTheTime(t *testing.T) {
	opt := option(testserver.Redis(t))
	admin := client(t, opt)
	require.NoError(t, admin.Do(t.Context(), admin.B().Arbitrary("ACL", "SETUSER", "one", "on", ">pw", "~*", "+hello", "+client",
		"+eval", "+hmget", "+hset", "+xadd", "+xrange", "+xrevrange", "+del", "+info").Build()).Error())
	opt.Username, opt.Password = "one", "pw"
	s := openAging(t, opt, 10*time.Millisecond)
	appended(t, s, 1500)
	time.Sleep(50 * time.Millisecond)
	appended(t, s, 1)
	require.Zero(t, oldest(t, s, store.Position{}).Base)
}

// Marks are kept for eight days where nothing is said.
func TestJournalLifeByDefault(t *testing.T) {
	opt := option(testserver.Redis(t))
	s, admin := openAging(t, opt, 0), client(t, opt)
	p := appended(t, s, 1500)
	for _, c := range []struct {
		age  time.Duration
		base uint64
	}{{8*24*time.Hour - time.Minute, 0}, {8*24*time.Hour + time.Minute, 502}} {
		at := time.Now().Add(-c.age).UnixMilli()
		require.NoError(t, admin.Do(t.Context(), admin.B().Hset().Key(hashName).FieldValue().
			FieldValue("ages", fmt.Sprintf("%s%d:%d", p.Epoch[:], at, p.Seq)).Build()).Error())
		p = appended(t, s, 1)
		require.Equal(t, c.base, oldest(t, s, store.Position{}).Base)
	}
}
