// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// sections are what pages are tagged with, page n with section n % sections.
const sections = 5

// site is the origin: small pages with a version each, which rises when the page is
// changed. Each process of the fleet has an address of its own here, by which it is known.
type site struct {
	cacheControl string

	mu       sync.Mutex
	versions []int
	fetched  func(process, page int) // see onFetch
	addrs    []string
	servers  []*http.Server // none while the origin is down
	asked    []atomic.Int64 // by each process
}

// newSite returns an origin that is up.
func newSite(pages, processes int, cacheControl string) (*site, error) {
	s := &site{cacheControl: cacheControl, versions: make([]int, pages), asked: make([]atomic.Int64, processes)}
	for range processes {
		s.addrs = append(s.addrs, "127.0.0.1:0")
	}
	return s, s.up()
}

// url is where a process finds the origin.
func (s *site) url(process int) string { return "http://" + s.addrs[process] }

// up starts to listen.
func (s *site) up() error {
	for i, addr := range s.addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		s.addrs[i] = l.Addr().String() // the same when it is up again
		server := &http.Server{Handler: s.handler(i)}
		s.servers = append(s.servers, server)
		go server.Serve(l)
	}
	return nil
}

// down hangs up, and nobody listens any more.
func (s *site) down() error {
	var failed []error
	for _, server := range s.servers {
		failed = append(failed, server.Close())
	}
	s.servers = nil
	return errors.Join(failed...)
}

func (s *site) handler(process int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page/"))
		if err != nil || page < 0 || page >= len(s.versions) {
			http.NotFound(w, r)
			return
		}
		s.asked[process].Add(1)
		version, fetched := s.look(page)
		if fetched != nil {
			fetched(process, page)
		}
		w.Header().Set("Cache-Control", s.cacheControl)
		w.Header().Set("Surrogate-Key", sectionOf(page))
		io.WriteString(w, bodyOf(page, version))
	})
}

func (s *site) look(page int) (version int, fetched func(process, page int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.versions[page], s.fetched
}

// version returns the newest version of a page.
func (s *site) version(page int) int {
	version, _ := s.look(page)
	return version
}

// onFetch calls f with each request before it is answered.
func (s *site) onFetch(f func(process, page int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched = f
}

// change gives the pages a new version each, and returns the new versions.
func (s *site) change(pages []int) map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := make(map[int]int, len(pages))
	for _, page := range pages {
		s.versions[page]++
		changed[page] = s.versions[page]
	}
	return changed
}

// askedAll is how many requests reached the origin so far.
func (s *site) askedAll() (n int64) {
	for i := range s.asked {
		n += s.asked[i].Load()
	}
	return n
}

// all returns the pages.
func (s *site) all() (pages []int) {
	for page := range s.versions {
		pages = append(pages, page)
	}
	return pages
}

func sectionOf(page int) string { return fmt.Sprintf("section-%d", page%sections) }

// pagesOf returns the pages of the same section.
func (s *site) pagesOf(section string) (pages []int) {
	for page := range s.versions {
		if sectionOf(page) == section {
			pages = append(pages, page)
		}
	}
	return pages
}

var filler = strings.Repeat("All that was ever said about fleets. ", 27) // a page has 1 KiB

// bodyOf tells which page it is, and which version of it.
func bodyOf(page, version int) string {
	return fmt.Sprintf("page %d version %d\n%s", page, version, filler)
}

var errBody = errors.New("the body isn't that of this page")

// versionOf reads what bodyOf wrote.
func versionOf(page int, body string) (version int, err error) {
	if _, err = fmt.Sscanf(body, fmt.Sprintf("page %d version %%d\n", page), &version); err != nil || body != bodyOf(page, version) {
		return 0, errBody
	}
	return version, nil
}
