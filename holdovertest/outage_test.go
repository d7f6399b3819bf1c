// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// policy is the one that is tested.
var policy holdover.Policy

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache, _ := holdover.New(holdover.Config{Policy: policy})
		defer cache.Close()
		origin := holdovertest.NewOrigin(holdovertest.Pages("max-age=60, stale-if-error=86400"))
		visitors := &holdovertest.Load{
			Transport: holdovertest.InProcess(cache.Handler(origin)),
			URL:       "http://www.example", Paths: []string{"/a", "/b"}, PerSecond: 1,
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- visitors.Run(ctx) }()
		_ = origin.Play(ctx,
			holdovertest.Phase{For: time.Minute}, // works
			holdovertest.Phase{Fault: holdovertest.Status(503), For: time.Hour},
			holdovertest.Phase{Fault: holdovertest.Hang(), For: time.Hour},
			holdovertest.Phase{For: time.Minute})
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, a := range visitors.Answers() {
			if a.Err != nil {
				t.Errorf("%s: %v after %v", a.Path, a.Err, a.Took)
			}
		}
	})
}

// What the README shows is TestOutage.
func TestReadmeShowsThisTest(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	this, err := os.ReadFile("outage_test.go")
	require.NoError(t, err)
	_, shown, _ := strings.Cut(string(this), "func TestOutage(")
	shown, _, _ = strings.Cut(shown, "\n}\n")
	require.Contains(t, string(readme), "func TestOutage("+shown+"\n}\n")
}
