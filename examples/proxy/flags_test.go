// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// needed are the flags without which nothing works.
var needed = []string{"-listen", "127.0.0.1:0", "-origin", "http://origin.test:3000"}

func with(args ...string) []string { return append(needed[:len(needed):len(needed)], args...) }

func TestParseFlagsDefaults(t *testing.T) {
	s, err := parseFlags(needed, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:0", s.listen)
	require.Equal(t, "http://origin.test:3000", s.origin.String())
	require.Equal(t, holdover.Policy{TagFields: []string{"Surrogate-Key", "Cache-Tag"}}, policyOf(s, nil),
		"what no flag names is left to the library")
}

func TestParseFlagsReachPolicy(t *testing.T) {
	list, err := holdover.NewAllowList("alice")
	require.NoError(t, err)
	s, err := parseFlags(with("-store", "memory:", "-max-bytes", "64MiB", "-store-timeout", "20ms",
		"-status-ttl", "404=30;503=5", "-default-ttl", "1m", "-grace", "10m", "-swr", "5s",
		"-soft-timeout", "-1s", "-timeout", "9s", "-fetch-rate", "20", "-methods", "GET HEAD POST", "-outcome", "strict",
		"-fallback-allow", "clients.txt", "-fallback-header", "X-Key", "-fallback-ttl", "2m", "-fallback-max", "3h",
		"-profile", "rfc", "-admin", "0.0.0.0:9000", "-admin-token", "secret"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, int64(64<<20), s.maxBytes)
	require.Equal(t, 20*time.Millisecond, s.storeTimeout)
	require.Equal(t, adminSettings{addr: "0.0.0.0:9000", token: "secret"}, s.admin)
	require.Equal(t, holdover.Policy{
		Methods: []string{"GET", "HEAD", "POST"},
		Freshness: holdover.Freshness{
			StatusTTL:  holdover.StatusTTL{404: {TTL: 30 * time.Second}, 503: {TTL: 5 * time.Second}},
			DefaultTTL: time.Minute,
		},
		Grace:     holdover.Grace{StaleWhileRevalidate: 5 * time.Second, StaleIfError: 10 * time.Minute},
		Origin:    holdover.Origin{SoftTimeout: -time.Second, HardTimeout: 9 * time.Second, FetchRate: 20},
		Profile:   holdover.RFC,
		Outcome:   holdover.Strict,
		Fallback:  holdover.Fallback{List: list, Header: "X-Key", TTL: 2 * time.Minute, Max: 3 * time.Hour},
		TagFields: []string{"Surrogate-Key", "Cache-Tag"},
	}, policyOf(s, list))
}

// A memory store may be the last resort, behind others: then it has a bound, and a tier in
// front of all is something else.
func TestSeveralStores(t *testing.T) {
	s, err := parseFlags(with("-store", "redis://127.0.0.1:6379", "-store", "sqlite:a.db", "-store", "memory:",
		"-max-bytes", "1GiB", "-memory-tier", "64MiB", "-fleet-lease"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{"redis://127.0.0.1:6379", "sqlite:a.db", "memory:"}, s.stores)
	require.True(t, configOf(s, nil, nil, nil).FleetLease)
}

// Every mistake is told by the name of its flag.
func TestParseFlagsMistakes(t *testing.T) {
	for _, tc := range []struct {
		flag string
		args []string
	}{
		{"listen", []string{"-origin", "http://origin.test"}},
		{"listen", with("-listen", "8080")},
		{"origin", []string{"-listen", ":0"}},
		{"origin", with("-origin", "origin.test:3000")},
		{"origin", with("-origin", "ftp://origin.test")},
		{"origin", with("-origin", "http://")},
		{"origin", with("-origin", "http://ori gin/")},
		{"origin", with("-origin", "http://origin.test/?a=b")},
		{"origin", with("-origin", "http://origin.test/#top")},
		{"origin", with("-origin", "http://me:hidden@origin.test")},
		{"store", with("-store", "redis")},
		{"store", with("-store", "redis:127.0.0.1:6379")},
		{"store", with("-store", "oracle://127.0.0.1")},
		{"store", with("-store", "sqlite:")},
		{"store", with("-store", "sqlite::memory:")},
		{"store", with("-store", "file:")},
		{"store", with("-store", "file://relative")},
		{"store", with("-store", "sqlite://relative.db")},
		{"store", with("-store", "memory:", "-store", "redis://127.0.0.1:6379")},
		{"store", with("-store", "redis://127.0.0.1:6379", "-store", "redis")},
		{"store", with("-store", "redis://me:hidden@127.0.0.1", "-store", "sqlite:a.db", "-store", "redis://127.0.0.1:6379/0")},
		{"fleet-lease", with("-fleet-lease")},
		{"fleet-lease", with("-fleet-lease", "-store", "memory:")},
		{"fleet-lease", with("-fleet-lease", "-store", "file:responses", "-store", "memory:")},
		{"fleet-lease", with("-fleet-lease=often", "-store", "redis://127.0.0.1:6379")},
		{"max-bytes", with("-store", "redis://127.0.0.1:6379", "-max-bytes", "1GiB")},
		{"store", with("-store", "memory")},
		{"store", with("-store", "memory://somewhere")},
		{"store", with("-store", "memory:", "-store", "memory:")},
		{"memory-tier", with("-memory-tier", "64MiB")},
		{"memory-tier", with("-store", "redis://127.0.0.1:6379", "-memory-tier", "lots")},
		{"max-bytes", with("-max-bytes", "lots")},
		{"max-bytes", with("-max-bytes", "0")},
		{"max-bytes", with("-max-bytes", "-1MiB")},
		{"max-bytes", with("-max-bytes", "1.5GiB")},
		{"max-bytes", with("-max-bytes", "9999999TiB")},
		{"store-timeout", with("-store-timeout", "50")},
		{"store-timeout", with("-store-timeout", "-1ms")},
		{"status-ttl", with("-status-ttl", "404")},
		{"status-ttl", with("-status-ttl", "206=5")},
		{"default-ttl", with("-default-ttl", "-1s")},
		{"grace", with("-grace", "soon")},
		{"grace", with("-grace", "-1s")},
		{"swr", with("-swr", "-1s")},
		{"soft-timeout", with("-soft-timeout", "1")},
		{"timeout", with("-timeout", "-1s")},
		{"fetch-rate", with("-fetch-rate", "0")},
		{"fetch-rate", with("-fetch-rate", "many")},
		{"fetch-rate", with("-fetch-rate", "NaN")},
		{"fetch-rate", with("-fetch-rate", "Inf")},
		{"methods", with("-methods", " ")},
		{"methods", with("-methods", "GET;HEAD")},
		{"outcome", with("-outcome", "lenient")},
		{"profile", with("-profile", "RFC")},
		{"fallback-allow", with("-fallback-allow", "f")},
		{"fallback-allow", with("-fallback-allow", "", "-fallback-header", "X-Key")},
		{"fallback-allow", with("-fallback-allow", "f", "-fallback-header", "X-Key", "-fallback-query", "key")},
		{"fallback-header", with("-fallback-header", "X-Key")},
		{"fallback-query", with("-fallback-query", "key")},
		{"fallback-ttl", with("-fallback-ttl", "1m")},
		{"fallback-ttl", with("-fallback-allow", "f", "-fallback-query", "key", "-fallback-ttl", "-1m")},
		{"fallback-max", with("-fallback-max", "1m")},
		{"fallback-max", with("-fallback-allow", "f", "-fallback-query", "key", "-fallback-max", "-1m")},
		{"admin", with("-admin", "9000")},
		{"admin", with("-admin", ":9000")},
		{"admin", with("-admin", "0.0.0.0:9000")},
		{"admin", with("-admin", "192.0.2.1:9000")},
		{"admin", with("-admin", "admin.test:9000")},
		{"admin-token", with("-admin-token", "secret")},
		{"admin-token", with("-admin", "127.0.0.1:0", "-admin-token", "")},
		{"no-such-flag", with("-no-such-flag", "1")},
	} {
		t.Run(tc.flag, func(t *testing.T) {
			_, err := parseFlags(tc.args, io.Discard)
			require.ErrorContains(t, err, "-"+tc.flag)
			require.NotContains(t, err.Error(), "hidden", "a password was repeated")
			require.Equal(t, 2, exitCode(err, io.Discard))
		})
	}
}

func TestParseFlagsNamesAllMistakes(t *testing.T) {
	_, err := parseFlags([]string{"-admin", ":9000"}, io.Discard)
	require.ErrorContains(t, err, "-listen")
	require.ErrorContains(t, err, "-origin")
	require.ErrorContains(t, err, "-admin")
}

func TestParseFlagsRefusesArguments(t *testing.T) {
	_, err := parseFlags(with("http://origin.test"), io.Discard)
	require.ErrorContains(t, err, "unexpected argument")
}

func TestLoopbackAdminNeedsNoToken(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "127.1.2.3:0", "[::1]:0", "[::ffff:127.0.0.1]:0", "localhost:0"} {
		_, err := parseFlags(with("-admin", addr), io.Discard)
		require.NoError(t, err, addr)
	}
}

func TestHelp(t *testing.T) {
	var usage bytes.Buffer
	err := run(t.Context(), []string{"-h"}, io.Discard, &usage)
	require.ErrorIs(t, err, flag.ErrHelp)
	require.Equal(t, 0, exitCode(err, &usage))
	require.Contains(t, usage.String(), "-soft-timeout D\n")
	require.Contains(t, usage.String(), "-listen ADDR\n")
}

// What only the library or the file system can find is named by flag too.
func TestConstructionMistakes(t *testing.T) {
	dir := t.TempDir()
	empty, comment := filepath.Join(dir, "empty"), filepath.Join(dir, "comment")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(comment, []byte("alice # sales\n"), 0o600))
	for _, tc := range []struct {
		flag string
		args []string
	}{
		{"max-bytes", with("-max-bytes", "1KiB")},
		{"fallback-allow", with("-fallback-header", "X-Key", "-fallback-allow", filepath.Join(dir, "missing"))},
		{"fallback-allow", with("-fallback-header", "X-Key", "-fallback-allow", empty)},
		{"fallback-allow", with("-fallback-header", "X-Key", "-fallback-allow", comment)},
		{"listen", with("-listen", "256.0.0.1:0")},
	} {
		t.Run(tc.flag, func(t *testing.T) {
			err := run(t.Context(), tc.args, io.Discard, io.Discard)
			require.ErrorContains(t, err, "-"+tc.flag)
			require.NotContains(t, err.Error(), "alice")
		})
	}
}

func TestNameFlags(t *testing.T) {
	wrong := &holdover.ConfigError{Field: "Policy.Fallback.TTL", Err: http.ErrNotSupported}
	require.ErrorContains(t, nameFlags(wrong), "-fallback-ttl")
	require.ErrorIs(t, nameFlags(wrong), http.ErrNotSupported)
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "500000": 500000, "64B": 64, "1KiB": 1 << 10, "64MiB": 64 << 20, "2 GiB": 2 << 30,
		"1TiB": 1 << 40, "3kB": 3000, "5MB": 5e6, "7GB": 7e9, "1TB": 1e12,
	} {
		got, err := parseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "MiB", "-1", "0", "1.5MiB", "64mib", "1 M", "8388608TiB", "0x10"} {
		_, err := parseSize(text)
		require.Error(t, err, text)
	}
}
