// SPDX-License-Identifier: MIT

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

func startTestOrigin(t *testing.T) (*origin, *holdovertest.Load) {
	t.Helper()
	o, err := startOrigin("", holdovertest.Pages(window))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.close()) })
	return o, &holdovertest.Load{URL: "http://" + o.addr, Patience: 10 * time.Second}
}

func TestOriginRefusesAndComesBack(t *testing.T) {
	o, client := startTestOrigin(t)
	require.NoError(t, client.Ask(t.Context(), "/page/1").Err)
	for range 3 {
		require.NoError(t, o.play(refusing))
		require.NoError(t, o.play(refusing), "once more changes nothing")
		require.ErrorContains(t, client.Ask(t.Context(), "/page/1").Err, "refused")
		require.NoError(t, o.play(healthy))
		require.NoError(t, client.Ask(t.Context(), "/page/1").Err)
	}
}

func TestOriginBehaves(t *testing.T) {
	o, client := startTestOrigin(t)
	for _, b := range []behaviour{unavailable, resetting, truncating, choking, panicking} {
		require.NoError(t, o.play(b))
		require.Error(t, client.Ask(t.Context(), "/page/1").Err, b.name)
	}
	client.Patience = 50 * time.Millisecond
	for _, b := range []behaviour{hanging, stalling, dripping, freezing} {
		require.NoError(t, o.play(b))
		a := client.Ask(t.Context(), "/page/1")
		require.Error(t, a.Err, b.name)
		require.True(t, b.failing())
		require.Equal(t, b.name == "stall" || b.name == "drip", a.Status == 200, "the header comes at once: %s", b.name)
	}
}

func TestFrozenRequestsAreAnswered(t *testing.T) {
	o, client := startTestOrigin(t)
	require.NoError(t, o.play(freezing))
	answer := make(chan holdovertest.Answer)
	go func() { answer <- client.Ask(t.Context(), "/page/1") }()
	require.Eventually(t, func() bool { return o.Running() == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, o.play(healthy))
	require.NoError(t, (<-answer).Err)
}

func TestOriginTellsWarmPagesFromOthers(t *testing.T) {
	o, client := startTestOrigin(t)
	from := time.Now()
	client.Ask(t.Context(), coldPages+"1")
	client.Ask(t.Context(), warmPages+"1")
	found := o.between(warmPages, from, time.Now())
	require.Len(t, found, 1)
	require.Equal(t, warmPages+"1", found[0].Path)
	require.Empty(t, o.between(warmPages, from.Add(-time.Hour), from))
}
