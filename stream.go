// SPDX-License-Identifier: MIT

package holdover

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/freshness"
	"github.com/holdover-go/holdover/store"
)

// serveNew answers with the response that was just stored, as the request wants it.
func (x *exchange) serveNew(j *judgement, state flight.State, how flight.How) {
	st := status{fwd: x.fwd, stored: j.storing() && j.outcome < failed, collapsed: how != flight.Started, answered: state.Status}
	if how == flight.Started {
		x.addOwnFields(j, state.Header)
	}
	if j.freshened {
		st.fwdStatus = http.StatusNotModified
	}
	e := j.entry
	age := freshness.CurrentAge(e.InitialAge(), e.ResponseTime(), x.c.clock())
	x.serveStored(e, st, e.Lifetime()-age, age)
	x.reportForwarded()
}

// addOwnFields gives the request that made the handler run what was left out of the
// stored response because it is nobody else's.
func (x *exchange) addOwnFields(j *judgement, header http.Header) {
	h := x.w.Header()
	if x.p.setCookie != StoreSetCookie {
		h["Set-Cookie"] = append(h["Set-Cookie"], header["Set-Cookie"]...)
		if len(h["Set-Cookie"]) == 0 {
			delete(h, "Set-Cookie")
		}
	}
	for _, names := range [...][]string{j.cc.PrivateFields, j.cc.NoCacheFields} {
		for _, name := range names {
			if values, given := header[name]; given && name != "Set-Cookie" {
				h[name] = values
			}
		}
	}
}

func (x *exchange) reportForwarded() { x.report(x.fwd, false) }

// stream sends the response while it arrives. False means that it can't and nothing
// was sent.
func (x *exchange) stream(rd *flight.Reader, state flight.State, j *judgement, how flight.How) bool {
	starter := how == flight.Started
	if !rd.Begin() {
		state, _ = rd.Wait(nil, func(flight.State) bool { return true })
		return x.failedFetch(state, how)
	}
	h := x.w.Header()
	header := state.Header
	if !starter {
		header = x.p.sharedHeader(header, j.cc)
		if trailer := state.Header["Trailer"]; len(trailer) > 0 {
			header["Trailer"] = trailer
		}
		if j.storing() {
			age := freshness.CurrentAge(j.draft.InitialAge, j.draft.ResponseTime, x.c.clock())
			header["Age"] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
		}
	}
	x.status, x.sent = state.Status, true
	if x.becomesNotModified(state) {
		header = notModifiedHeader(header)
	}
	mergeHeader(h, header, j.draft.Flags&store.Sniffed != 0)
	st := status{fwd: x.fwd, collapsed: !starter, stored: j.storing() && state.Keep}
	switch {
	case x.fault != "":
		st.detail = x.fault
	case !st.stored:
		st.detail = j.refused // the answer to "why isn't it cached?"
	}
	if x.status != state.Status {
		st.fwdStatus = state.Status
		x.hold(aMoment) // the client has its answer, whenever the handler returns
		if x.closeAfter {
			h["Connection"] = []string{"close"}
		}
	}
	appendStatus(h, st.String())
	x.w.WriteHeader(x.status)
	x.reportForwarded()
	if x.status == state.Status {
		x.copyBody(rd, j, starter)
	}
	return true
}

// becomesNotModified turns a 200 into a 304 where the client's own condition, which was not
// passed on, holds.
func (x *exchange) becomesNotModified(state flight.State) bool {
	is := state.Status == http.StatusOK && x.r.Method != http.MethodHead &&
		x.notModified(state.Header.Get("Etag"), state.Header.Get("Last-Modified"))
	if is {
		x.status = http.StatusNotModified
	}
	return is
}

// notModifiedHeader is what of a header goes out with a 304 in its place.
func notModifiedHeader(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		if !leftOut(http.StatusNotModified, name, len(h["Etag"]) > 0) {
			kept[name] = values
		}
	}
	return kept
}

// copyBody sends the body as it arrives, and flushes where the handler did.
func (x *exchange) copyBody(rd *flight.Reader, j *judgement, starter bool) {
	control := http.NewResponseController(x.w)
	for flushes := 0; ; {
		p, state, end := rd.Next(flushes)
		switch {
		case end == flight.Left && x.outOfTime():
			panic(http.ErrAbortHandler) // the client may still be there, and must not take it for the whole
		case end == flight.Left:
			return
		case state.Phase == flight.Complete && j.entry != nil:
			// The fetch has given its buffer back: the rest is in the entry.
			if _, err := x.w.Write(j.entry.Body()[rd.Offset():]); err == nil {
				x.sendTrailer(state.Trailer, j, starter)
			}
			return
		case len(p) > 0:
			if _, err := x.w.Write(p); err != nil {
				return
			}
			rd.Advance(len(p))
		case state.Phase == flight.Complete:
			x.sendTrailer(state.Trailer, j, starter)
			return
		case state.Phase == flight.Failed:
			// Bytes were sent that can't be completed. Only this value is sure to
			// abort the connection, whatever recovers from others outside.
			panic(http.ErrAbortHandler)
		}
		if rd.Due(state, flushes) {
			flushes = state.Flushes
			_ = control.Flush()
		}
	}
}

// sendTrailer sends what came after the body (RFC 9110 §6.5). The header must be out before:
// else net/http sends the length of a short body, and with it no trailers.
// Who joined gets of it what it would get of the header.
func (x *exchange) sendTrailer(trailer http.Header, j *judgement, starter bool) {
	if !starter {
		trailer = x.sharedTrailer(trailer, j)
	}
	if len(trailer) == 0 {
		return
	}
	_ = http.NewResponseController(x.w).Flush()
	maps.Copy(x.w.Header(), trailer)
}

// sharedTrailer leaves out the fields that sharedHeader would, declared or not.
func (x *exchange) sharedTrailer(trailer http.Header, j *judgement) http.Header {
	shared := http.Header{}
	for name, values := range trailer {
		plain := http.CanonicalHeaderKey(strings.TrimPrefix(name, http.TrailerPrefix))
		if len(x.p.sharedHeader(http.Header{plain: values}, j.cc)) > 0 {
			shared[name] = values
		}
	}
	return shared
}
