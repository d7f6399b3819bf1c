// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdentityOf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.Mkdir("real", 0o700))
	require.NoError(t, os.Symlink("real", "link"))
	for _, same := range [][]string{
		{"redis://127.0.0.1", "redis://127.0.0.1:6379", "redis://127.0.0.1:6379/", "redis://127.0.0.1:6379/0", "redis://me:secret@127.0.0.1:6379", "rediss://127.0.0.1"},
		{"redis://127.0.0.1/1", "redis://127.0.0.1:6379/1/"},
		{"redis://127.0.0.1:6380"},
		{"redis://Redis.test", "redis://redis.test"},
		{"redis://one.test?addr=two.test&master_set=a"}, {"redis://one.test?addr=two.test&master_set=b"},
		{"postgres://a@db.test/pages", "postgresql://b:secret@DB.test:5432/pages"},
		{"postgres://a@db.test/other"},
		{"memcached://one.test:1,two.test:2", "memcached://two.test:2,ONE.test:1/"},
		{"memcached://one.test:1"},
		{"sqlite:a.db", "sqlite:./a.db", "sqlite:" + filepath.Join(dir, "a.db"), "sqlite://" + filepath.Join(dir, "a.db")},
		{"file:a.db"},
		{"file:real", "file:link", "file:real/", "file:link/../real"},
		{"file:real/new", "file:link/new"},
		{"memory:"},
	} {
		for _, text := range same {
			require.NoError(t, checkStore(text))
			require.Equal(t, identityOf(same[0]), identityOf(text), text)
			s, err := parseFlags(with("-store", "postgres://else.test/", "-store", text), io.Discard)
			require.NoError(t, err)
			require.NotEqual(t, identityOf(s.stores[0]), identityOf(s.stores[1]))
		}
	}
}

// Texts of different stores in the table above differ.
func TestIdentitiesDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"redis://127.0.0.1", "redis://127.0.0.1/1", "redis://127.0.0.1:6380", "redis://127.0.0.2", "postgres://127.0.0.1",
		"postgres://127.0.0.1/pages", "memcached://127.0.0.1:1", "memcached://127.0.0.1:1,127.0.0.1:2", "file:a", "sqlite:a", "file:b", "memory:",
	} {
		require.Empty(t, seen[identityOf(text)], text)
		seen[identityOf(text)] = text
	}
}

func TestLabelOf(t *testing.T) {
	for text, want := range map[string]string{
		"redis://me:secret@one.test:6379/0?x=secret":      "redis://one.test:6379",
		"rediss://:secret@one.test":                       "rediss://one.test",
		"postgres://me:secret@db.test/pages?password=a@b": "postgres://db.test",
		"postgres:///pages?host=/run&password=secret":     "postgres:",
		"postgres://me:sec/ret@db.test/pages":             "postgres:",
		"memcached://one.test:1,two.test:2":               "memcached://one.test:1,two.test:2",
		"sqlite:/secret/a.db":                             "sqlite:",
		"file:///secret":                                  "file:",
		"memory:":                                         "memory:",
	} {
		require.Equal(t, want, labelOf(text), text)
	}
}
