// SPDX-License-Identifier: MIT

package holdovertest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPageSize = 1 << 10
	hashLength      = 2 * sha256.Size // in hex
)

// A PageOption changes what Pages answers.
type PageOption func(*pages)

// PageSize makes pages of so many bytes, up to 16 MiB. The default is 1 KiB, so that half a
// page can be sent. No page is shorter than what it has to say, about 100 bytes.
func PageSize(bytes int) PageOption {
	if bytes > maxBody {
		panic(fmt.Sprintf("holdovertest: PageSize: %d bytes are more than a Load reads, 16 MiB", bytes))
	}
	return func(p *pages) { p.size = bytes }
}

// PageUser makes pages that belong to whom the function names. Read them by
// ReadPageOf. A page for which it returns "" belongs to everybody.
func PageUser(user func(*http.Request) string) PageOption {
	return func(p *pages) { p.user = user }
}

// Pages is a handler that works: it answers every request 200 with a page that
// names its URL's path and query, its user if it has one, and the instant at
// which it was made, with a SHA-256 of all that. ReadPage tells from the bytes
// alone whether a client got the right page, whole, and how old it was.
//
// Cache-Control is what it is given; "" sends none.
func Pages(cacheControl string, options ...PageOption) http.Handler {
	p := &pages{cacheControl: cacheControl, size: defaultPageSize}
	for _, o := range options {
		o(p)
	}
	return p
}

type pages struct {
	cacheControl string
	size         int
	user         func(*http.Request) string
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := ""
	if p.user != nil {
		user = p.user(r)
	}
	page := newPage(title(user, r.URL.RequestURI()), time.Now(), p.size)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	if p.cacheControl != "" {
		h.Set("Cache-Control", p.cacheControl)
	}
	_, _ = w.Write([]byte(page)) // a client that left needs none
}

// title has no blanks.
func title(user, path string) string {
	if user == "" {
		return path
	}
	return path + "\tuser=" + url.QueryEscape(user)
}

// newPage returns title and instant, what fills it up, and the hash of both.
func newPage(title string, made time.Time, size int) string {
	head := title + " " + strconv.FormatInt(made.UnixNano(), 10) + "\n"
	fill := max(size-len(head)-hashLength-1, 0)
	text := head + strings.Repeat(".", fill) + "\n"
	sum := sha256.Sum256([]byte(text))
	return text + hex.EncodeToString(sum[:])
}

// ReadPage returns when the page of a path was made, as Pages answered it. It
// returns an error if the body isn't that: another path's page, a user's, a part
// of one or a damaged one, or nothing. The path is as in the request, with its
// query.
func ReadPage(path, body string) (made time.Time, err error) {
	return ReadPageOf("", path, body)
}

// ReadPageOf is ReadPage for the page of a user. Another user's page, or one that
// belongs to everybody, is an error.
func ReadPageOf(user, path, body string) (made time.Time, err error) {
	if body == "" {
		return time.Time{}, errors.New("an empty page")
	}
	text, sum := body[:max(len(body)-hashLength, 0)], body[max(len(body)-hashLength, 0):]
	if want := sha256.Sum256([]byte(text)); sum != hex.EncodeToString(want[:]) {
		return time.Time{}, fmt.Errorf("no whole page: %d bytes, %q", len(body), body[:min(len(body), 100)])
	}
	head, _, _ := strings.Cut(text, "\n")
	found, instant, _ := strings.Cut(head, " ")
	nanos, err := strconv.ParseInt(instant, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("no page: %q", head)
	}
	if want := title(user, path); found != want {
		return time.Time{}, fmt.Errorf("the page of %q, want that of %q", found, want)
	}
	return time.Unix(0, nanos), nil
}
