// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const wantedReport = `  passed / of  safe required  safe optimal  rfc required  rfc optimal
          age          0 / 1         1 / 1         1 / 1        1 / 1
         vary          0 / 1             -         1 / 1            -
          all          0 / 2         1 / 1         2 / 2        1 / 1

Failures that are listed, with the reason, in examples/conformance/deviations.txt:
  safe  required  must  no

NOT AS EXPECTED:
  both  check  may  is listed, but is a check, which can't fail: take it off the list
`

func TestReport(t *testing.T) {
	var text strings.Builder
	o := evaluated(t, good("must"), "safe must Reason.\nboth may Reason.")
	require.False(t, report(&text, o))
	require.Equal(t, wantedReport, text.String())
}

func TestReportOfChecksIsTheirSum(t *testing.T) {
	var text strings.Builder
	tests := []test{{ID: "may", Kind: check, Suite: "pragma"}}
	require.True(t, report(&text, evaluate(tests, map[string]results{"safe": good(""), "rfc": good("")}, nil, 1)))
	require.NotContains(t, text.String(), "pragma")
	require.Contains(t, text.String(), "All as expected.")
}

func TestMergeKeepsTheOrder(t *testing.T) {
	found := []finding{
		{profile: "safe", test: "a", what: "no"},
		{profile: "safe", test: "b", what: "no"},
		{profile: "rfc", test: "b", what: "no"},
		{profile: "rfc", test: "a", what: "never"},
	}
	require.Equal(t, []finding{
		{profile: "safe", test: "a", what: "no"},
		{profile: both, test: "b", what: "no"},
		{profile: "rfc", test: "a", what: "never"},
	}, merge(found))
}
