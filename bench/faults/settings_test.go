// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFlags(t *testing.T) {
	for line, want := range map[string]string{
		"":                       "want -origin and -url",
		"-origin 127.0.0.1:3000": "want -origin and -url",
		"-origin 127.0.0.1:3000 -url http://127.0.0.1:8080": "",
		"-origin 127.0.0.1:3000 -url 127.0.0.1:8080":        "-url",
		"-origin http://127.0.0.1:3000/ -url http://b:2":    "",
		"-origin https://127.0.0.1:3000 -url http://b:2":    "flag -origin",
		"-origin 127.0.0.1 -url http://b:2":                 "flag -origin",
		"-peers":                                            "",
		"-peers -url http://x":                              "-peers",
		"-peers -script slow,private":                       "",
		"-peers -script fast":                               "-script",
		"-peers -keys 1,20,100":                             "",
		"-peers -keys 0":                                    "-keys",
		"-peers -keys x":                                    "-keys",
		"-peers -phase 10ms":                                "-phase",
		"-peers -faults stall,freeze":                       "",
		"-peers -faults 503,404":                            "-faults",
		"-peers -rate 0":                                    "-rate",
		"-peers -soft 0s":                                   "-soft",
		"-peers and":                                        "everything is a flag",
	} {
		_, err := parseFlags(strings.Fields(line), io.Discard)
		if want == "" {
			require.NoError(t, err, line)
		} else {
			require.ErrorContains(t, err, want, line)
		}
	}
}

func TestWhichScriptsArePlayed(t *testing.T) {
	names := func(line string) (names []string) {
		s, err := parseFlags(strings.Fields(line), io.Discard)
		require.NoError(t, err)
		for _, sc := range s.played() {
			name, _, _ := strings.Cut(sc.name(), ":")
			names = append(names, name)
		}
		return names
	}
	require.Equal(t, []string{"faults, 20 warm pages"}, names("-origin a:1 -url http://b:2"))
	require.Equal(t, []string{"faults, 20 warm pages", "slow", "private", "recovery"}, names("-peers"))
	require.Equal(t, []string{"faults, 1 warm pages", "faults, 100 warm pages"}, names("-peers -script faults -keys 1,100"))
	require.Equal(t, []string{"private"}, names("-peers -script private"))
}

func TestTable(t *testing.T) {
	require.Equal(t, "| a  | b |\n|----|---|\n| cc | é |\n", table{{"a", "b"}, {"cc", "é"}}.String())
}

func TestVerdictLines(t *testing.T) {
	v := verdict{name: "answered", promise: "all are"}
	require.Equal(t, "kept        answered: all are\n", verdictLines([]verdict{v}))
	v.unjudged = "nobody asked"
	require.Equal(t, "not judged  answered: all are\n            nobody asked\n", verdictLines([]verdict{v}))
	for range mostReasons + 2 {
		v.miss("no")
	}
	lines := verdictLines([]verdict{v})
	require.Contains(t, lines, "missed      answered: all are\n            no\n")
	require.Contains(t, lines, "and 2 more")
}
