// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

func missedNames(verdicts []verdict) (names []string) {
	for _, v := range verdicts {
		if len(v.missed) > 0 {
			names = append(names, v.name)
		}
	}
	return names
}

func TestSlowVerdicts(t *testing.T) {
	require.Empty(t, missedNames(slowVerdicts(holdovertest.Report{Answers: 100, Stale: 4})))
	require.Equal(t, []string{"fresh"}, missedNames(slowVerdicts(holdovertest.Report{Answers: 100, Stale: 5})))
	require.Equal(t, []string{"answered"}, missedNames(slowVerdicts(holdovertest.Report{Answers: 100, Failed: 1})))
	require.Equal(t, []string{"answered", "fresh"}, missedNames(slowVerdicts(holdovertest.Report{})))
}

func TestRecoveryVerdicts(t *testing.T) {
	good := recovered{report: holdovertest.Report{Answers: 100}, most: 21, fresh: 52 * time.Second}
	require.Empty(t, missedNames(good.verdicts()))
	for name, spoil := range map[string]func(*recovered){
		"answered": func(r *recovered) { r.report.Failed = 1 },
		"gentle":   func(r *recovered) { r.most = 26 },
		"fresh":    func(r *recovered) { r.fresh = 61 * time.Second },
	} {
		bad := good
		spoil(&bad)
		require.Equal(t, []string{name}, missedNames(bad.verdicts()))
	}
	none := good
	none.most = 0
	require.Equal(t, "not judged", none.verdicts()[1].word(), "an origin that got no request")
	never := good
	never.left = 1
	require.Equal(t, []string{"fresh"}, missedNames(never.verdicts()))
	require.Contains(t, never.figures(), figure{"all pages fresh after", "1 never"})
}

func TestFreshAfter(t *testing.T) {
	made := func(path string, begun, made float64, err error) holdovertest.Answer {
		return holdovertest.Answer{Path: path, Begun: at(begun), Took: time.Second, Made: at(made), Err: err}
	}
	after, left := freshAfter([]holdovertest.Answer{
		made("/a", 11, 9, nil), made("/a", 12, 11, nil), made("/a", 20, 11, nil), // fresh after 3 s
		made("/b", 13, 12, nil), made("/c", 11, 11, errors.New("cut")),
	}, at(10))
	require.Equal(t, 4*time.Second, after)
	require.Equal(t, recoveryKeys-2, left)
}

func TestPrivateVerdicts(t *testing.T) {
	answers := []holdovertest.Answer{{Took: privateTakes}, {Took: 2*privateTakes + slack + noise + 1}}
	var quick, own verdict
	inTurn(&quick, "later", answers[:1], privateTakes)
	ownPages(&own, "later", answers)
	require.Empty(t, quick.missed)
	require.Empty(t, own.missed)
	inTurn(&quick, "later", answers, 2*privateTakes)
	answers[0].Err = holdovertest.ErrWrongPage
	ownPages(&own, "later", answers)
	require.Len(t, quick.missed, 1)
	require.Len(t, own.missed, 1)
	require.Contains(t, privateFigure(answers), "1 wrong")
}
