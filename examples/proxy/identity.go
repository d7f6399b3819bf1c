// SPDX-License-Identifier: MIT

package main

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// labelOf names a store by its scheme and its host, without user, password and path.
func labelOf(text string) string {
	scheme, rest, _ := strings.Cut(text, ":")
	if scheme == "memcached" { // several hosts, and no room for a password
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !strings.HasPrefix(rest, "//") {
		return scheme + ":"
	}
	return scheme + "://" + u.Host
}

// identityOf returns the same text for -store URLs that name the same store.
func identityOf(text string) string {
	scheme, rest, _ := strings.Cut(text, ":")
	switch scheme {
	case "memory":
		return text
	case "file", "sqlite":
		return scheme + ":" + placeOf(pathOf(rest))
	case "memcached":
		servers := strings.Split(strings.Trim(strings.ToLower(rest), "/"), ",")
		slices.Sort(servers)
		return scheme + "://" + strings.Join(servers, ",")
	}
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	kind := kinds[scheme]
	port, path := u.Port(), strings.Trim(u.Path, "/")
	if port == "" {
		port = kind.port
	}
	if path == "" {
		path = kind.path
	}
	return kind.name + "://" + strings.ToLower(u.Hostname()) + ":" + port + "/" + path + "?" + u.RawQuery
}

// kinds are servers that go by several names, and what their URLs leave out.
var kinds = map[string]struct{ name, port, path string }{
	"redis":      {"redis", "6379", "0"},
	"rediss":     {"redis", "6379", "0"},
	"postgres":   {"postgres", "5432", ""},
	"postgresql": {"postgres", "5432", ""},
}

// placeOf returns where a file or folder is, whatever its path is like. It need not be there.
func placeOf(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(absolute); err == nil {
		return real
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil {
		return filepath.Join(folder, filepath.Base(absolute))
	}
	return absolute
}
