// SPDX-License-Identifier: MIT

package holdover

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/holdover-go/holdover/internal/backoff"
	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/httpfield"
	"github.com/holdover-go/holdover/internal/keystate"
)

// passThrough calls the handler with the request's own writer, on its own
// goroutine. Only Cache-Status is added, and that not to upgrades.
func (h *handler) passThrough(w http.ResponseWriter, r *http.Request, where route, why Reason) {
	began := time.Now()
	p := &passing{w: w, status: status{fwd: why}, silent: where == upgrade}
	if h.p.Outcome == None && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		h.forget(r)
	}
	rep := h.mayRepresent(w, r)
	if rep != nil {
		p.keeping = rep.keeping
		defer rep.keeping.end()
	}
	// Once at the header, since the client may come back before the handler returns,
	// and once when it has, however it ends: what was fetched meanwhile may be old.
	var marked []uint64
	p.onHeader = func(code int, header http.Header) {
		if isUnsafe(r.Method) && !h.p.caches(r.Method) && code >= 200 && code < 400 {
			header = header.Clone()
			canonicalize(header)
			marked = h.invalidate(r, rep, header.Get("Location"), header.Get("Content-Location"))
			marked = append(marked, h.invalidateGroups(r, rep, header["Cache-Group-Invalidation"])...)
		}
	}
	again := func() {
		for _, hash := range marked {
			h.mark(rep, hash)
		}
	}
	reason := ReasonPanic // unless the handler returns
	defer func() {
		if reason == ReasonPanic {
			again()
		}
		h.c.emit(Event{
			Kind: EventAnswer, Reason: reason, Method: r.Method, Host: r.Host, Path: pathOf(r),
			Status: p.code, Duration: time.Since(began),
		})
	}()
	h.next.ServeHTTP(p.wrapped(), r)
	p.finish()
	reason = why
	again()
	if rep != nil {
		rep.store()
	}
}

// inline is passThrough for a request that was looked up: nothing is stored or
// shared of the answer, unless it may be a part, but it is learned from, and it has a
// deadline to its header.
func (x *exchange) inline(why Reason, mayBePart bool) {
	x.fwd = why
	p := &passing{w: x.w, status: status{fwd: why}, onHeader: x.learnInline}
	if !x.mayShare() { // as it was said the first time
		p.status.detail = Reason(x.learned.Refused)
	}
	var g *ranged
	if mayBePart {
		g = x.keepRanged()
		p.keeping = g.keeping
		defer g.keeping.end()
	}
	r := x.r
	if x.body != nil {
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(x.body))
	}
	if x.p.hardTimeout != forever {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		timer := time.AfterFunc(x.p.hardTimeout, func() { cancel(flight.ErrTimeout) })
		defer timer.Stop()
		p.timer = timer
		r = r.WithContext(ctx)
	}
	if g != nil {
		g.keeping.ctx = r.Context()
	}
	x.sent = true
	reason := ReasonPanic // unless the handler returns
	defer func() {
		x.status = p.code
		x.report(reason, false)
	}()
	x.h.next.ServeHTTP(p.wrapped(), r)
	if p.code == 0 && (context.Cause(r.Context()) == flight.ErrTimeout || x.outOfTime()) {
		// A handler that obeys its context has nothing to say: not an empty 200.
		http.Error(p, http.StatusText(http.StatusGatewayTimeout), http.StatusGatewayTimeout)
		reason = ReasonTimeout
		return
	}
	p.finish()
	reason = why
	if g != nil {
		g.store()
	}
	if p.code == http.StatusOK && x.r.Method != http.MethodHead && !p.cut && r.Context().Err() == nil && x.telling {
		x.c.keys.Update(x.hash, func(s *keystate.State) { s.LastSize = p.written })
	}
}

// learnInline: a response that could have been shared ends the time of going alone; the
// size of the whole is learned from a part.
func (x *exchange) learnInline(code int, h http.Header) {
	size := contentLength(h)
	if code == http.StatusPartialContent {
		size = 0
		if cr, valid := httpfield.ParseContentRange(h.Get("Content-Range")); valid {
			size = cr.Size
		}
	}
	if x.outdatesPart(code, h) && x.tellsAll(h) {
		x.c.dropPart(x.key, x.hash)
		if x.c.kept.of(x.urlHash) > 0 { // what is on its way was asked for before
			x.c.marks.Mark(x.urlHash, false)
		}
	}
	j := &judgement{}
	told := x.r.Method != http.MethodHead && code != http.StatusPartialContent && x.p.classOf(code) < failed && code != http.StatusNotModified
	if told {
		a := x.p.asked(x.r, x.key)
		a.started = x.now
		j = x.c.judge(x.p, &a, code, h.Clone(), nil, x.c.clock())
	}
	now := x.c.now()
	// Not what belongs to one user's credentials.
	x.telling = j.shareable || x.class == keystate.ClassNone
	x.c.keys.Update(x.hash, func(s *keystate.State) {
		if told && x.scope.outage() != 0 { // who asks without a fetch may be the first to be answered
			x.scope.step(x.p.backoff, &s.Backoff, backoff.Event{Kind: backoff.Succeeded, Key: x.hash, Started: x.now, Answered: now}, "", now)
		}
		if size > 0 && x.r.Method != http.MethodHead && x.telling {
			s.LastSize = size
		}
		switch {
		case j.shareable:
			s.Shareable(x.class, j.draft.Lifetime, now)
		case told && j.outcome != denied:
			s.NotShareable(x.class, s.Shared(x.class, now) && !x.asksApart() && x.c.another(x.hash, x.who, now), now)
		}
	})
}

func (x *exchange) tellsAll(h http.Header) bool {
	a := x.p.asked(x.r, x.key)
	cc, _ := x.p.directives(h)
	return x.p.tellsAll(&a, &cc)
}

// outdatesPart reports whether an answer says that a stored part is of what is no more.
func (x *exchange) outdatesPart(code int, h http.Header) bool {
	if x.r.Method == http.MethodHead { // RFC 9111 §4.3.5
		etag := h.Get("Etag")
		return x.learned.Part != 0 && code == http.StatusOK && etag != "" && x.c.tagHash(etag) != x.learned.Part
	}
	return x.r.Method == http.MethodGet && x.p.ends(code) != ""
}

// passing notes the final header on its way and adds our Cache-Status to it.
type passing struct {
	w        http.ResponseWriter
	status   status
	silent   bool // no Cache-Status
	onHeader func(status int, h http.Header)
	timer    *time.Timer
	keeping  *keeping // nil where nothing is kept

	code     int   // of the final header
	written  int64 // bytes of the body
	cut      bool  // the client didn't take all that was written
	hijacked bool
}

// wrapped returns the writer for the handler: it has exactly the optional methods
// that can be told apart, the rest is reached through Unwrap.
func (p *passing) wrapped() http.ResponseWriter {
	if _, can := p.w.(http.Hijacker); can {
		return &hijackablePassing{p}
	}
	return p
}

func (p *passing) Unwrap() http.ResponseWriter { return p.w }
func (p *passing) Header() http.Header         { return p.w.Header() }

func (p *passing) WriteHeader(code int) {
	p.note(code)
	p.w.WriteHeader(code)
}

func (p *passing) note(code int) {
	if p.code != 0 || code < 200 && code != http.StatusSwitchingProtocols {
		return
	}
	p.code = code
	if p.timer != nil {
		p.timer.Stop()
	}
	h := p.w.Header()
	if p.onHeader != nil {
		p.onHeader(code, h)
	}
	p.keeping.begin(code, h)
	if !p.silent {
		if p.keeping.active() {
			p.status.stored, p.status.detail = true, ""
		}
		appendStatus(h, p.status.String())
	}
}

func (p *passing) Write(b []byte) (int, error) {
	p.note(http.StatusOK)
	n, err := p.w.Write(b)
	p.count(int64(n), err)
	p.keeping.add(b[:n], err)
	return n, err
}

func (p *passing) WriteString(s string) (int, error) {
	p.note(http.StatusOK)
	n, err := io.WriteString(p.w, s)
	p.count(int64(n), err)
	if p.keeping.active() {
		p.keeping.add([]byte(s[:n]), err)
	}
	return n, err
}

func (p *passing) count(n int64, err error) {
	p.written += n
	p.cut = p.cut || err != nil
}

// ReadFrom keeps the copy in the kernel where the connection can do that.
func (p *passing) ReadFrom(src io.Reader) (int64, error) {
	p.note(http.StatusOK)
	if p.keeping.active() {
		return io.Copy(writeOnly{p}, src)
	}
	n, err := io.Copy(p.w, src)
	p.count(n, err)
	return n, err
}

// writeOnly hides ReadFrom, where the bytes are needed here.
type writeOnly struct{ io.Writer }

func (p *passing) Flush() { _ = p.FlushError() }

// FlushError is Flush for http.ResponseController.
func (p *passing) FlushError() error {
	p.note(http.StatusOK)
	return http.NewResponseController(p.w).Flush()
}

// finish is for handlers that return without writing anything.
func (p *passing) finish() {
	if !p.hijacked {
		p.note(http.StatusOK)
	}
}
