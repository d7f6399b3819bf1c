// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCatalogue(t *testing.T) {
	tests, err := readCatalogue([]byte(`[
		{"id": "age", "tests": [
			{"id": "a", "name": "A", "requests": []},
			{"id": "b", "kind": "optimal", "depends_on": ["a", "c"]},
			{"id": "gone", "browser_only": true}]},
		{"id": "vary", "tests": [{"id": "c", "kind": "check"}]}]`))
	require.NoError(t, err)
	require.Equal(t, []test{
		{ID: "a", Name: "A", Kind: required, Suite: "age"},
		{ID: "b", Kind: optimal, DependsOn: []string{"a", "c"}, Suite: "age"},
		{ID: "c", Kind: check, Suite: "vary"},
	}, tests)
}

func TestCatalogueRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":            `Running`,
		"twice":              `[{"tests": [{"id": "a"}]}, {"tests": [{"id": "a"}]}]`,
		"unknown kind":       `[{"tests": [{"id": "a", "kind": "nice"}]}]`,
		"unknown dependency": `[{"tests": [{"id": "a", "depends_on": ["b"]}]}]`,
		"only in browsers":   `[{"tests": [{"id": "a", "depends_on": ["b"]}, {"id": "b", "browser_only": true}]}]`,
	} {
		_, err := readCatalogue([]byte(text))
		require.Error(t, err, name)
	}
}

func TestResults(t *testing.T) {
	var r results
	require.NoError(t, json.Unmarshal([]byte(`{
		"good": true,
		"bad": ["Assertion", "Response 2 comes from cache"],
		"early": ["Setup", "retry"]}`), &r))
	require.Equal(t, results{
		"good":  {passed: true},
		"bad":   {message: "Response 2 comes from cache"},
		"early": {message: "Setup: retry"},
	}, r)
	for _, text := range []string{`{"a": false}`, `{"a": "pass"}`, `{"a": 1}`, `{"a": {}}`} {
		require.Error(t, json.Unmarshal([]byte(text), &r), text)
	}
}
