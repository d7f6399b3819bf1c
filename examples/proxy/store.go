// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
	"github.com/holdover-go/holdover/stores/memcached"
	"github.com/holdover-go/holdover/stores/memory"
	"github.com/holdover-go/holdover/stores/redis"
)

// backend opens what one kind of -store URL names. rest is the URL behind "scheme:". It
// asks no server: one that is away must not keep the proxy from starting.
type backend func(s settings, rest string) (store.Store, error)

// backends are the kinds of stores by the scheme of their URL.
var backends = map[string]backend{
	"memory":     openMemory,
	"redis":      openRedis,
	"rediss":     openRedisTLS,
	"memcached":  openMemcached,
	"postgres":   openPostgres,
	"postgresql": openPostgres,
	"sqlite":     openSQLite,
	"file":       openFile,
}

var (
	errStore     = errors.New("want memory:, redis://HOST:PORT, memcached://HOST:PORT, postgres://USER@HOST/DB, sqlite:FILE or file:DIR")
	errMemory    = errors.New("memory: takes nothing behind the colon, see -max-bytes")
	errRedis     = errors.New("want redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS")
	errMemcached = errors.New("want memcached://HOST:PORT, more with commas: memcached://HOST:PORT,HOST:PORT")
	errSQLite    = errors.New("want sqlite:FILE")
	errFile      = errors.New("want file:DIR")
	errBound     = errors.New("bounds a memory: store, and there is none")
	errTier      = errors.New("stands in front of another store, and there is only memory")
	errHost      = errors.New("has a host where a path should be: want file:DIR, file:/DIR or file:///DIR, and sqlite: likewise")
	errOneStore  = errors.New("this build keeps responses in one store, not in several")
)

// checkStore looks at one -store, the nth on the command line. What it returns never
// repeats the URL, which may hold a password.
func checkStore(text string, n int) error {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case backends[scheme] == nil || len(scheme) == len(text):
		return errStore
	case n > 1:
		return errOneStore
	case scheme == "memory" && rest != "":
		return errMemory
	case strings.HasPrefix(scheme, "redis") && !strings.HasPrefix(rest, "//"):
		return errRedis
	case scheme == "sqlite" && (rest == "" || strings.HasPrefix(rest, ":")): // :memory: would be one for each connection
		return errSQLite
	case scheme == "file" && rest == "":
		return errFile
	case (scheme == "file" || scheme == "sqlite") && strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "///"):
		return errHost
	}
	return nil
}

func (s *settings) inMemory() bool {
	return len(s.stores) == 0 || slices.Contains(s.stores, "memory:")
}

// openStore opens the store of the command line, by default a memory one.
func openStore(s settings) (store.Store, error) {
	if len(s.stores) == 0 {
		return openMemory(s, "")
	}
	scheme, rest, _ := strings.Cut(s.stores[0], ":")
	st, err := backends[scheme](s, rest)
	switch {
	case err == nil:
		return inFront(s.memoryTier, st)
	case scheme != "memory":
		return nil, &flagError{flag: "store", err: err}
	}
	return nil, err
}

// inFront puts a memory tier of that size in front of a store.
func inFront(size int64, st store.Store) (store.Store, error) {
	if size == 0 {
		return st, nil
	}
	tier, err := memory.New(memory.Config{MaxBytes: size})
	if err != nil {
		return nil, errors.Join(&flagError{flag: "memory-tier", err: err}, store.Close(st))
	}
	return store.NewTiered(tier, st)
}

func openMemory(s settings, _ string) (store.Store, error) {
	st, err := memory.New(memory.Config{MaxBytes: s.maxBytes})
	if err != nil {
		return nil, &flagError{flag: "max-bytes", err: err}
	}
	return st, nil
}

func openRedis(_ settings, rest string) (store.Store, error) {
	return redis.OpenURL("redis:"+rest, redis.Config{})
}

func openRedisTLS(_ settings, rest string) (store.Store, error) {
	return redis.OpenURL("rediss:"+rest, redis.Config{})
}

func openMemcached(_ settings, rest string) (store.Store, error) {
	servers, slashes := strings.CutPrefix(strings.TrimSuffix(rest, "/"), "//")
	if !slashes || servers == "" {
		return nil, errMemcached
	}
	return memcached.Open(memcached.Config{}, strings.Split(servers, ",")...)
}

func openFile(_ settings, dir string) (store.Store, error) {
	return file.New(file.Config{Dir: pathOf(dir)})
}

// pathOf reads file:///path as file:/path.
func pathOf(rest string) string {
	if strings.HasPrefix(rest, "///") {
		return rest[2:]
	}
	return rest
}
