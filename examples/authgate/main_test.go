// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// lines is a log that the gate and the story write at once.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func begin(t *testing.T, outcome holdover.Outcome, out io.Writer, valid ...string) *story {
	s, err := newStory(outcome, out, valid...)
	require.NoError(t, err)
	t.Cleanup(func() { s.close() })
	return s
}

func (s *story) mustCall(t *testing.T, client string) int {
	t.Helper()
	status, err := s.call(client)
	require.NoError(t, err)
	return status
}

func TestStory(t *testing.T) {
	before := map[string]int{alice: 200, mallory: 403}
	after := map[string]int{alice: 200, mallory: 403, bob: 200, vera: 200}
	for outcome, during := range map[holdover.Outcome][2]map[string]int{
		holdover.Resilient: {
			{alice: 200, mallory: 403, bob: 502, vera: 200},
			{alice: 200, mallory: 403, bob: 503, vera: 200},
		},
		holdover.Strict: {
			{alice: 502, mallory: 502, bob: 502, vera: 200},
			{alice: 503, mallory: 503, bob: 503, vera: 200},
		},
	} {
		t.Run(outcome.String(), func(t *testing.T) {
			t.Parallel()
			log := new(lines)
			got, err := begin(t, outcome, log, alice, bob, vera).tell()
			require.NoError(t, err)
			require.Equal(t, []map[string]int{before, during[0], during[1], after}, got, log)
		})
	}
}

var auditLine = regexp.MustCompile(`(?m)^level=WARN msg="let in without a verdict".*$`)

// Who was let in is written down, without the credential.
func TestAudit(t *testing.T) {
	log := new(lines)
	s := begin(t, holdover.Resilient, log, vera)
	require.NoError(t, s.backend.stop())
	require.Equal(t, 502, s.mustCall(t, bob))
	require.Empty(t, auditLine.FindAllString(log.String(), -1))
	require.Equal(t, 200, s.mustCall(t, vera))
	audit := auditLine.FindAllString(log.String(), -1)
	require.NotEmpty(t, audit, log)
	require.NotContains(t, strings.Join(audit, " "), vera)
	require.Contains(t, audit[0], "fault=transport-error")
}

// The allow list doesn't overrule the backend, neither its word nor its last word.
func TestDenialOutranksTheAllowList(t *testing.T) {
	s := begin(t, holdover.Resilient, io.Discard)
	require.Equal(t, 403, s.mustCall(t, vera))
	time.Sleep(staleAfter)
	require.NoError(t, s.backend.stop())
	require.Equal(t, 403, s.mustCall(t, vera))
}

// A verdict is asked for once, whatever pages of the API its client visits.
func TestVerdictsAreKeptPerCredential(t *testing.T) {
	s := begin(t, holdover.Resilient, io.Discard, alice)
	for _, page := range []string{"", "/1", "/2?x=1"} {
		s.url += page
		require.Equal(t, 200, s.mustCall(t, alice))
		require.Equal(t, 403, s.mustCall(t, mallory))
	}
	require.EqualValues(t, 2, s.backend.asked.Load())
}

func TestGateWantsOneCredential(t *testing.T) {
	s := begin(t, holdover.Resilient, io.Discard, alice, vera)
	for _, keys := range [][]string{nil, {alice, vera}} {
		r, err := http.NewRequest("GET", s.url, nil)
		require.NoError(t, err)
		r.Header[credentialField] = keys
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	}
	require.Zero(t, s.backend.asked.Load())
}

func TestRunEndsByItself(t *testing.T) {
	t.Parallel()
	out, began := new(lines), time.Now()
	require.NoError(t, run(out))
	require.Less(t, time.Since(began), 10*time.Second)
	require.Contains(t, out.String(), "outcome resilient")
	require.Contains(t, out.String(), "outcome strict")
}
