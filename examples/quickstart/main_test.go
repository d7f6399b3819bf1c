// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// With Holdover everybody is answered, whatever breaks.
func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &story{out: &out}
	began := time.Now()
	require.NoError(t, run(t.Context(), s, "127.0.0.1:0", true))
	require.Less(t, time.Since(began), 20*time.Second)

	require.Equal(t, crowdSize, s.crowded.answered)
	require.Equal(t, 1, s.crowded.calls, "concurrent misses are one handler call")
	require.Equal(t, crowdSize, s.crowdedBare.calls)
	require.Len(t, s.chapters, len(mishaps()))
	for _, c := range s.chapters {
		checkChapter(t, c)
		require.Contains(t, out.String(), "== "+c.title)
	}
	require.NotEqual(t, s.before.body, s.after.body, "purged")
	require.Equal(t, http.StatusBadGateway, s.never.status)
	require.Equal(t, s.with.requests, s.with.answered)
	require.Less(t, s.bare.answered, s.bare.requests)
	require.Less(t, s.with.calls, s.bare.calls/4)
	checkText(t, out.String())
}

func checkChapter(t *testing.T, c chapter) {
	require.Equal(t, 2*waveSize, c.with.requests, c.how)
	require.Equal(t, c.with.requests, c.with.answered, "%s: %v", c.how, c.with.saw)
	require.Less(t, c.with.calls, waveSize, c.how)
	require.True(t, c.recovered.answered() && !c.recovered.stale(), "%s: %v", c.how, c.recovered)
	if c.how != "slow" { // on a slow machine the page may come in time after all
		require.Equal(t, c.with.requests, c.with.stale, "%s: %v", c.how, c.with.saw)
		require.Zero(t, c.bare.answered, c.how)
	}
}

// checkText: stale answers are named as such, with the reasons, and it all fits a
// terminal.
func checkText(t *testing.T, text string) {
	for _, line := range []string{
		"20 of 20 answered (20 stale)",
		"the page, stale: the backend failed just now",
		"the page, stale: the backend failed before and was spared",
		"the page, stale: the backend took too long",
		"20 × 503 Service Unavailable",
		"20 × 502 Bad Gateway",
		"20 × no answer, the connection broke",
		"20 × half a page, then the connection broke",
		"20 × no answer, gave up after 1.5s",
		"detail=stale-if-error",
		"502 Bad Gateway: an honest error",
		"All in all",
	} {
		require.Contains(t, text, line)
	}
	require.NotContains(t, text, "Your turn")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSpace(line)), 98, line)
	}
}

// On an interruption a request under way gets its whole answer.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	cache, err := holdover.New(holdover.Config{})
	require.NoError(t, err)
	s := newSite(cache)
	require.NoError(t, s.backend.breakDown("slow"))
	got := make(chan visit, 1)
	require.NoError(t, serve(t.Context(), "127.0.0.1:0", s, func(url string) error {
		go func() { got <- see(t.Context(), url+"/time", false) }()
		for s.with.calls.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		return nil
	}))
	require.NoError(t, cache.Close())
	v := <-got
	require.NoError(t, v.err)
	require.Contains(t, v.body, "page 1,")
}

// A request that hangs with the backend doesn't keep the program from ending.
func TestServeCutsOffWhatHangs(t *testing.T) {
	t.Parallel()
	cache, err := holdover.New(holdover.Config{})
	require.NoError(t, err)
	s := newSite(cache)
	require.NoError(t, s.backend.breakDown("hang"))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ended := make(chan error, 2)
	began := time.Now()
	require.NoError(t, serve(t.Context(), "127.0.0.1:0", s, func(url string) error {
		for _, path := range []string{"/time", "/bare/time"} {
			go func() {
				answer, err := client.Get(url + path)
				if err == nil {
					answer.Body.Close()
				}
				ended <- err
			}()
		}
		for s.with.calls.Load() == 0 || s.bare.calls.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		return nil
	}))
	require.NoError(t, cache.Close())
	require.Error(t, <-ended)
	require.Error(t, <-ended)
	require.Less(t, time.Since(began), 15*time.Second)
}

// An interruption ends the program in the middle of the story, without an error.
func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var out bytes.Buffer
	require.NoError(t, run(ctx, &story{out: &out}, "127.0.0.1:0", false))
	require.NotContains(t, out.String(), "All in all")
}

func TestRunReportsABadAddress(t *testing.T) {
	t.Parallel()
	require.Error(t, run(t.Context(), &story{out: &bytes.Buffer{}}, "256.0.0.1:0", true))
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	cache, err := holdover.New(holdover.Config{})
	require.NoError(t, err)
	s := &story{out: &bytes.Buffer{}, site: newSite(cache)}
	require.NoError(t, serve(t.Context(), "127.0.0.1:0", s.site, func(url string) error {
		s.url = url
		for _, m := range mishaps() {
			require.NoError(t, s.pull(t.Context(), "/break?how="+m.how))
		}
		require.ErrorContains(t, s.pull(t.Context(), "/break?how=badly"), "400")
		require.NoError(t, s.pull(t.Context(), "/heal"))
		require.NoError(t, s.pull(t.Context(), "/purge"))
		require.True(t, see(t.Context(), url+"/time", false).answered())
		return nil
	}))
	require.NoError(t, cache.Close())
}
