// SPDX-License-Identifier: MIT

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseDeviations(t *testing.T) {
	list, err := parseDeviations(`# for people

both a  RFC 9111 says  so.
  safe b The default is careful.
rfc	c	Tabs will do.
`)
	require.NoError(t, err)
	require.Equal(t, deviations{
		"safe": {"a": "RFC 9111 says so.", "b": "The default is careful."},
		"rfc":  {"a": "RFC 9111 says so.", "c": "Tabs will do."},
	}, list)
}

func TestParseDeviationsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"both a":                          "line 1: want PROFILE TEST REASON",
		"# x\nall a Reason.":              `line 2: no profile is called "all"`,
		"rfc a Reason.\nrfc a Reason.":    "line 2: a stands there twice for profile rfc",
		"rfc a Reason.\n\nboth a Reason.": "line 3: a stands there twice for profile rfc",
	} {
		_, err := parseDeviations(text)
		require.ErrorContains(t, err, want)
	}
}

// The reason names the paragraph that we follow instead, or the setting.
func TestOurDeviationsCiteSomething(t *testing.T) {
	list, err := parseDeviations(deviationList)
	require.NoError(t, err)
	for profile, tests := range list {
		for id, reason := range tests {
			require.Regexp(t, `RFC \d+ §|-profile`, reason, "%s %s", profile, id)
		}
	}
}
