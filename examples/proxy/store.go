// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"log/slog"
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
	errStore      = errors.New("want memory:, redis://HOST:PORT, memcached://HOST:PORT, postgres://USER@HOST/DB, sqlite:FILE or file:DIR")
	errMemory     = errors.New("memory: takes nothing behind the colon, see -max-bytes")
	errRedis      = errors.New("want redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS")
	errMemcached  = errors.New("want memcached://HOST:PORT, more with commas: memcached://HOST:PORT,HOST:PORT")
	errSQLite     = errors.New("want sqlite:FILE")
	errFile       = errors.New("want file:DIR")
	errBound      = errors.New("bounds a memory: store, and there is none")
	errTier       = errors.New("stands in front of another store, and there is only memory")
	errHost       = errors.New("has a host where a path should be: want file:DIR, file:/DIR or file:///DIR, and sqlite: likewise")
	errMemoryLast = errors.New("memory: never fails, so that no store behind it would ever be asked: name it last")
	errTwice      = errors.New("names the same store twice: it can't stand in for itself")
	errLease      = errors.New("needs redis:, memcached:, postgres: or sqlite: among the stores, which let a process lease a page")
)

// checkStore looks at one -store alone. What it returns never repeats the URL, which may
// hold a password.
func checkStore(text string) error {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case backends[scheme] == nil || len(scheme) == len(text):
		return errStore
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

// addStore takes the next -store of the command line: each stands in for those before it.
func (s *settings) addStore(text string) error {
	if err := checkStore(text); err != nil {
		return err
	}
	for _, before := range s.stores {
		switch {
		case identityOf(before) == identityOf(text):
			return errTwice
		case before == "memory:":
			return errMemoryLast
		}
	}
	s.stores = append(s.stores, text)
	return nil
}

// hasMemory reports whether one of the stores is in memory.
func (s *settings) hasMemory() bool {
	return len(s.stores) == 0 || slices.Contains(s.stores, "memory:")
}

// onlyMemory reports whether no store is outside of this process.
func (s *settings) onlyMemory() bool { return s.hasMemory() && len(s.stores) < 2 }

// noLeases are the kinds of stores that can't lease a page to one process.
var noLeases = []string{"memory", "file"}

// canLease reports whether one of the stores leases pages.
func (s *settings) canLease() bool {
	return slices.ContainsFunc(s.stores, func(text string) bool {
		scheme, _, _ := strings.Cut(text, ":")
		return !slices.Contains(noLeases, scheme)
	})
}

// openStore opens the stores of the command line, by default a memory one, with the memory
// tier in front. The members beside it tell how they do.
func openStore(s settings, logger *slog.Logger) (store.Store, *members, error) {
	if len(s.stores) == 0 {
		s.stores = []string{"memory:"}
	}
	var opened []store.Store
	for _, text := range s.stores {
		st, err := openOne(s, text)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(opened))
		}
		opened = append(opened, st)
	}
	m, st, err := newMembers(s.stores, opened, logger)
	if err != nil {
		return nil, nil, errors.Join(err, closeAll(opened))
	}
	st, err = inFront(s.memoryTier, st)
	return st, m, err
}

func openOne(s settings, text string) (store.Store, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	st, err := backends[scheme](s, rest)
	if err != nil && scheme != "memory" {
		return nil, &flagError{flag: "store", err: err}
	}
	return st, err
}

func closeAll(list []store.Store) error {
	var failed []error
	for _, st := range list {
		failed = append(failed, store.Close(st))
	}
	return errors.Join(failed...)
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
