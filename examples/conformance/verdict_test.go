// SPDX-License-Identifier: MIT

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	yes, no := result{passed: true}, result{message: "no"}
	for _, tc := range []struct {
		name  string
		tests []test
		found results
		want  map[string]verdict
	}{
		{
			"own result",
			[]test{{ID: "a"}, {ID: "b"}, {ID: "c"}},
			results{"a": yes, "b": no},
			map[string]verdict{"a": passed, "b": failed, "c": missing},
		},
		{
			"dependency passed",
			[]test{{ID: "a", DependsOn: []string{"c"}}, {ID: "b", DependsOn: []string{"c"}}, {ID: "c", Kind: check}},
			results{"a": yes, "b": no, "c": yes},
			map[string]verdict{"a": passed, "b": failed, "c": passed},
		},
		{
			"dependency failed",
			[]test{{ID: "a", DependsOn: []string{"c"}}, {ID: "b", DependsOn: []string{"c"}}, {ID: "c", Kind: check}},
			results{"a": yes, "b": no, "c": no},
			map[string]verdict{"a": blocked, "b": blocked, "c": failed},
		},
		{
			"one of two failed",
			[]test{{ID: "a", DependsOn: []string{"b", "c"}}, {ID: "b"}, {ID: "c"}},
			results{"a": no, "b": yes, "c": no},
			map[string]verdict{"a": blocked, "b": passed, "c": failed},
		},
		{
			"dependency of a dependency failed",
			[]test{{ID: "a", DependsOn: []string{"b"}}, {ID: "b", DependsOn: []string{"c"}}, {ID: "c"}},
			results{"a": yes, "b": yes, "c": no},
			map[string]verdict{"a": blocked, "b": blocked, "c": failed},
		},
		{
			"dependency missing",
			[]test{{ID: "a", DependsOn: []string{"b"}}, {ID: "b"}},
			results{"a": yes},
			map[string]verdict{"a": blocked, "b": missing},
		},
		{
			"missing in front of a failed dependency",
			[]test{{ID: "a", DependsOn: []string{"b"}}, {ID: "b"}},
			results{"b": no},
			map[string]verdict{"a": missing, "b": failed},
		},
		{
			"circle",
			[]test{{ID: "a", DependsOn: []string{"b"}}, {ID: "b", DependsOn: []string{"a"}}},
			results{"a": yes, "b": yes},
			map[string]verdict{"a": blocked, "b": blocked},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, judge(tc.tests, tc.found))
		})
	}
}
