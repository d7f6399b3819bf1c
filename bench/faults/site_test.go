// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

func TestWarmReachesTheOrigin(t *testing.T) {
	o, client := startTestOrigin(t)
	s := &site{name: "cache", url: client.URL, origin: o}
	require.NoError(t, s.warm(t.Context(), paths(warmPages, 20)))
	require.NoError(t, s.reached(t.Context(), time.Now().Add(-time.Minute), paths(warmPages, 1)))
}

// The pages are right, and come from somewhere else.
func TestWarmNoticesAnotherOrigin(t *testing.T) {
	o, _ := startTestOrigin(t)
	other := httptest.NewServer(holdovertest.Pages(window))
	defer other.Close()
	err := (&site{name: "cache", url: other.URL, origin: o}).warm(t.Context(), paths(warmPages, 2))
	require.ErrorContains(t, err, "no request reached this origin: does the cache at "+other.URL+" stand in front of "+o.addr)
	require.ErrorContains(t, err, "earlier run")
}

func TestWhoIsntThereIsSaidOnce(t *testing.T) {
	o, client := startTestOrigin(t)
	require.NoError(t, o.play(refusing))
	s := &site{name: "cache", url: client.URL, origin: o}
	err := s.fetchAll(endsSoon(t), paths(warmPages, 20))
	require.ErrorContains(t, err, "cache doesn't answer")
	require.Equal(t, 1, strings.Count(err.Error(), "Get "), err.Error())
}

func endsSoon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestDurations(t *testing.T) {
	s, err := parseFlags([]string{"-peers"}, io.Discard)
	require.NoError(t, err)
	var said []string
	for _, sc := range s.played() {
		said = append(said, sc.duration())
	}
	require.Equal(t, []string{
		"17 phases of 10s, 2m50s in all", "20s", "5 to 20 s for each cache",
		"for each cache 15s of failure, and 1m30s at most until everything is fresh",
	}, said)
}
