// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dead and alive are processes as clients see them.
func alive(t *testing.T, handler http.HandlerFunc) *process {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return &process{name: "alive", url: s.URL, child: &child{}}
}

func TestSourceOf(t *testing.T) {
	for status, want := range map[string]source{
		"holdover; hit; ttl=42":                                              fresh,
		"holdover; hit; ttl=-1; detail=back-off":                             stale,
		"holdover; fwd=stale; fwd-status=503; ttl=-1; detail=stale-if-error": stale,
		"holdover; fwd=uri-miss; stored":                                     fetched,
		"holdover; fwd=uri-miss; stored; collapsed":                          fetched,
		"holdover; fwd=stale; fwd-status=304; ttl=2":                         fetched,
	} {
		require.Equal(t, want, sourceOf(status), status)
	}
}

// What comes back although it was purged is seen.
func TestClientsSeeWhatWasPurged(t *testing.T) {
	p := alive(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, bodyOf(3, 1)) })
	l := newLedger(0, 0)
	c := newClients([]*process{p}, 4, l)
	require.False(t, c.ask(0, 3).risen)
	l.purged(0, map[int]int{3: 2}, true)
	time.Sleep(time.Millisecond)
	a := c.ask(0, 3)
	require.NoError(t, a.err)
	require.True(t, a.risen)
	require.Equal(t, 1, tallyOf([]answer{a}).risen)
}

// Only a process that died is a reason to ask another one.
func TestClientsMoveOnFromTheDead(t *testing.T) {
	well := alive(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, bodyOf(0, 0)) })
	broken := alive(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	dead := &process{name: "dead", url: "http://127.0.0.1:1"}
	l := newLedger(0, 0)

	a := newClients([]*process{dead, well}, 1, l).ask(0, 0)
	require.NoError(t, a.err)
	require.True(t, a.moved)
	require.Equal(t, 1, a.process)

	a = newClients([]*process{broken, well}, 1, l).ask(0, 0)
	require.Error(t, a.err)
	require.False(t, a.moved)
	require.Error(t, newClients([]*process{dead, dead}, 1, l).ask(0, 0).err)
}

func TestClientsRefuseOtherBodies(t *testing.T) {
	for name, body := range map[string]string{
		"of another page": bodyOf(1, 0), "cut off": bodyOf(0, 0)[:500], "empty": "", "longer": bodyOf(0, 0) + "x",
	} {
		p := alive(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		require.ErrorIs(t, newClients([]*process{p}, 2, newLedger(0, 0)).ask(0, 0).err, errBody, name)
	}
}

func TestTally(t *testing.T) {
	var answers []answer
	for i := range 100 {
		answers = append(answers, answer{took: time.Duration(100-i) * time.Millisecond, from: source(i % 3)})
	}
	answers[0].err = errors.New("lost")
	sum := tallyOf(answers)
	require.Equal(t, 100, sum.requests)
	require.Equal(t, 1, sum.failed)
	require.Equal(t, [...]int{33, 33, 33}, [...]int{sum.fresh, sum.stale, sum.fetched})
	require.Equal(t, 50*time.Millisecond, sum.quantile(0.5))
	require.Equal(t, 100*time.Millisecond, sum.quantile(1))
	require.InDelta(t, 0.95, sum.slower(5*time.Millisecond), 0.001)
	require.Zero(t, tallyOf(nil).quantile(0.99))
}
