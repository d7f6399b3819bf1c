// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/redis"
)

// twoNodes is a client that knows a server by two names, as one that reads from replicas
// knows two servers with the same entries.
type twoNodes struct{ rueidis.Client }

func (c twoNodes) Nodes() map[string]rueidis.Client {
	return map[string]rueidis.Client{"one": c.Client, "two": c.Client}
}

func TestScanYieldsEachEntryOnce(t *testing.T) {
	s := onClient(t, twoNodes{client(t, option(testserver.Redis(t)))})
	var want []string
	for i := range 300 {
		e := entry(t, strconv.Itoa(i), noise(10<<10))
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		want = append(want, e.Key())
	}
	got := scanned(t, s)
	require.Equal(t, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got)))
}

// Only the store's own names are read, whatever stands beside them.
func TestScanLeavesOthersAlone(t *testing.T) {
	server := testserver.Redis(t)
	s, beside := open(t, option(server)), client(t, option(server))
	e := entry(t, "own", "body")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	own := name(e.Key())
	for _, other := range []string{"holdover:", own + "0", "x" + own, own[:len(own)-1] + "x", own[:len(own)-1], name("copy")} {
		set := beside.B().Set().Key(other).Value(rueidis.BinaryString(e.Bytes())).Build()
		require.NoError(t, beside.Do(t.Context(), set).Error())
	}
	require.Equal(t, []string{"own"}, scanned(t, s))
}

// counting is a client that is its own only node, and knows how many values it was asked for
// at once.
type counting struct {
	rueidis.Client
	most int
}

func (c *counting) Nodes() map[string]rueidis.Client { return map[string]rueidis.Client{"": c} }

func (c *counting) DoMulti(ctx context.Context, multi ...rueidis.Completed) []rueidis.RedisResult {
	if multi[0].Commands()[0] == "GET" {
		c.most = max(c.most, len(multi))
	}
	return c.Client.DoMulti(ctx, multi...)
}

// Values are fetched by the megabyte.
func TestScanNeedsLittleMemory(t *testing.T) {
	c := &counting{Client: client(t, option(testserver.Redis(t)))}
	s := onClient(t, c)
	for i := range 20 {
		e := entry(t, strconv.Itoa(i), noise(300<<10))
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
	}
	require.Len(t, scanned(t, s), 20)
	require.Equal(t, 3, c.most)
}

// A scan may take long; only its round trips are bounded where the context isn't.
func TestScanOutlastsTimeout(t *testing.T) {
	brief := cfg
	brief.Timeout = 250 * time.Millisecond
	s, err := redis.Open(option(testserver.Redis(t)), brief)
	require.NoError(t, err)
	defer s.Close()
	for i := range 20 {
		e := entry(t, strconv.Itoa(i), noise(1<<20))
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
	}
	yielded := 0
	for _, err := range store.Scan(t.Context(), s) {
		require.NoError(t, err)
		time.Sleep(20 * time.Millisecond) // the loop takes its time
		yielded++
	}
	require.Equal(t, 20, yielded)
}
