// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"github.com/holdover-go/holdover/internal/cachecontrol"
	"github.com/holdover-go/holdover/internal/flight"
	"github.com/holdover-go/holdover/internal/keystate"
	"github.com/holdover-go/holdover/internal/marks"
	"github.com/holdover-go/holdover/store"
)

// commit stores a complete response. It runs on the handler's goroutine before
// readers learn that the response is complete, so that who asks next finds it. True
// means that the body is in the judgement's entry.
func (f *fetch) commit(result flight.Result) bool {
	j, _ := result.Note.(*judgement)
	if j != nil && j.outcome < failed && f.tells(j.shareable) {
		took := f.took() // known before the response can be seen to be stored
		f.c.keys.Update(f.hash, func(s *keystate.State) {
			if took = max(took, 1); j.freshened {
				s.TookAtLeast(took)
				return
			}
			s.Took(took)
		})
	}
	switch {
	case j == nil:
	case f.asked.method == http.MethodHead:
		f.headSaw(j, result)
	case !j.storing() && !j.freshened:
		f.removeGone(j)
	case result.Keep || j.freshened: // else it outgrew the bounds, as the state says
		f.commitWhole(j, result)
		return j.entry != nil
	}
	return false
}

func (f *fetch) commitWhole(j *judgement, result flight.Result) {
	body, header := result.Body, result.Header
	if j.foreign {
		j.entry = f.asked.validated
		return
	}
	if j.freshened {
		body, header = f.asked.validated.Body(), freshenedHeader(f.asked.validated, header)
	}
	d := j.draft
	d.Body = body
	d.Fields = f.p.storedFields(header, j.cc, len(body), d.Status)
	if !j.storing() { // a 304 that forbids storing still answers this request
		j.entry, _ = store.New(d)
		return
	}
	if hard, _ := f.c.marks.Purged(d.URLHash, f.c.marks.Own(f.asOf)); hard {
		j.entry, _ = store.New(d) // for those who asked before the purge
		f.emit(Event{Kind: EventRefused, Reason: ReasonPurged, Status: d.Status})
		return
	}
	switch stored, err := f.store(j, d); {
	case err != nil:
		f.emit(Event{Kind: EventRefused, Reason: ReasonUnstorable, Status: d.Status, Err: err})
	case !stored:
		f.emit(Event{Kind: EventRefused, Reason: j.fault, Status: d.Status})
	default:
		f.emit(Event{Kind: EventStored, Reason: ReasonOK, Status: d.Status})
	}
}

// headSaw uses the answer to a HEAD for the stored response to GET (RFC 9111 §4.3.5):
// it freshens one that it describes and drops one that it contradicts.
func (f *fetch) headSaw(j *judgement, result flight.Result) {
	e := f.found.entry
	f.removeGone(j)
	if e == nil || result.Status != http.StatusOK || e.Status() != http.StatusOK || !f.tellsAll(j) {
		return
	}
	validated := false
	for _, name := range [...]string{"Etag", "Last-Modified", "Content-Length"} {
		stored, _ := e.Field(name)
		if name == "Content-Length" { // need not be stored as a field
			stored = strconv.Itoa(e.BodyLen())
		}
		seen := result.Header.Get(name)
		if seen != "" && seen != stored { // it is stale (RFC 9111 §4.3.5), and may stand in for a failure as before
			if now := f.c.now(); factsOf(e, f.c.marks.Entry(e, now), now).fresh() {
				f.c.marks.Mark(f.asked.urlHash, true)
			}
			f.c.dropPart(f.key, f.hash)
			return
		}
		validated = validated || seen != "" && name != "Content-Length"
	}
	if !validated && f.c.marks.Entry(e, f.c.now()) != marks.Unpurged {
		return // it would know the purge from then on, though nobody has compared anything
	}
	a := f.asked
	a.method = http.MethodGet
	header := freshenedHeader(e, result.Header)
	fresh := f.c.judge(f.p, &a, http.StatusOK, header, nil, f.c.now())
	if !fresh.storing() {
		return
	}
	d := fresh.draft
	d.Body = e.Body()
	d.Fields = f.p.storedFields(header, fresh.cc, len(d.Body), d.Status)
	if stored, err := f.store(fresh, d); stored && err == nil {
		f.emit(Event{Kind: EventStored, Reason: ReasonFreshened, Status: d.Status})
	}
}

// drop deletes one stored response, not the variants beside it, nor another one that has
// landed in its place, as far as that can be told without asking a store elsewhere.
func (f *fetch) drop(e *store.Entry, why Reason, status int) {
	key := e.Key()
	now, queued := f.c.writes.get([]byte(key))
	if store.IsLocal(f.c.store) {
		now, queued = f.c.get(context.Background(), []byte(key)), true
	}
	if queued && now != nil && now.RequestTime() != e.RequestTime() {
		return
	}
	f.c.writes.put(key, write{})
	f.emit(Event{Kind: EventDropped, Reason: why, Status: status})
}

// store makes the entry, with its vary record where it has variants, and writes both.
// A failure never displaces a servable good copy: then it reports false.
func (f *fetch) store(j *judgement, d store.Response) (bool, error) {
	names, selected := j.varyNames, j.selected
	record := f.found.record
	borrowed := record != nil && len(names) == 0 && (j.outcome >= failed || d.Status < 300)
	if borrowed {
		// Origins forget Vary on failures and on their default page: that must not
		// displace the variants (RFC 9111 §4.1).
		names = varyNames(record)
		selected = string(f.p.appendSelected(nil, names, f.asked.header, f.asked.host))
	}
	displaces := f.hasCopy || record != nil && !slices.Equal(names, varyNames(record))
	dry := j.outcome >= failed && displaces
	if len(names) > 0 {
		return !dry, f.storeVariant(j, d, variant{names: names, selected: selected, borrowed: borrowed, dry: dry})
	}
	e, err := store.New(d)
	if err != nil {
		return false, err
	}
	j.entry = e
	switch {
	case j.outcome < failed:
		f.written = append(f.written, d.Key)
		f.c.replacePart(f.key, f.hash)
		f.c.keys.Update(f.hash, func(s *keystate.State) { s.Record, s.VaryHint = keystate.Record{}, nil })
		f.c.writes.put(d.Key, write{entry: e, newer: f.raced.Load()})
	case !dry:
		f.written = append(f.written, d.Key)
		f.c.writes.put(d.Key, write{entry: e, absent: f.found.entry == nil})
	}
	return !dry, nil
}

// variant says as which variant a response is stored.
type variant struct {
	names    []string // of the selecting fields
	selected string   // their values
	borrowed bool     // the names aren't the response's, but those of the record that stands
	dry      bool     // nothing is written
}

// storeVariant writes the vary record under the primary key, then the variant. A
// record with the same fields keeps its generation, and so its variants; another
// one makes all of them unreachable.
func (f *fetch) storeVariant(j *judgement, d store.Response, v variant) error {
	record := d
	record.Kind, record.Flags, record.Status, record.Fields, record.Body, record.Tags = store.KindVary, 0, 0, nil, nil, nil
	record.Lifetime, record.LifetimeFrom = 0, store.SourceNone
	record.StaleWhileRevalidate, record.StaleIfError = store.Absent, store.Absent
	record.Vary = v.names
	if !v.dry {
		record.Generation = f.generation(v.names)
	}
	switch old := f.found.record; {
	case old == nil || old.Generation() != record.Generation:
	case v.borrowed:
		record.StoreUntil = old.StoreUntil() // a URL that no longer varies becomes a plain one in time
	default:
		record.StoreUntil = max(record.StoreUntil, old.StoreUntil())
	}
	d.Generation, d.Selected, d.Vary = record.Generation, v.selected, v.names
	slot := variantSlot(d.Generation, []byte(v.selected), f.c.cfg.MaxVariants)
	d.Key = string(appendVariant(nil, []byte(f.key), generationText(d.Generation), slot))

	r, err := store.New(record)
	if err != nil {
		return err
	}
	e, err := store.New(d)
	if err != nil {
		return err
	}
	j.entry = e
	if !v.dry {
		f.written = append(f.written, f.key, d.Key)
		f.c.replacePart(f.key, f.hash)
		f.c.writes.put(f.key, write{entry: r, newer: f.raced.Load()})
		f.c.writes.put(d.Key, write{entry: e, newer: f.raced.Load()})
	}
	return nil
}

// generation returns the one that stands, where the names are the same: in the store,
// or just being stored by another fetch. Else it is a new one.
func (f *fetch) generation(names []string) (g uint64) {
	f.c.keys.Update(f.hash, func(s *keystate.State) {
		old := f.found.record
		switch {
		case old != nil && slices.Equal(varyNames(old), names):
			g = old.Generation()
		case s.Record.Names != nil && slices.Equal(s.Record.Names, names):
			g = s.Record.Generation
		default:
			g = rand.Uint64()
		}
		s.Record = keystate.Record{Names: names, Generation: g}
	})
	return g
}

// removeGone drops the stored response that a final answer contradicts, where the
// answer itself can't be stored to replace it.
func (f *fetch) removeGone(j *judgement) {
	why := f.contradicts(j)
	if why == "" {
		return
	}
	f.c.dropPart(f.key, f.hash)
	if f.c.kept.of(f.asked.urlHash) > 0 { // what is on its way was asked for before
		f.c.marks.Mark(f.asked.urlHash, false)
	}
	if f.found.entry != nil {
		f.c.writes.put(f.key, write{})
		f.emit(Event{Kind: EventDropped, Reason: why, Status: j.draft.Status})
	}
}

// contradicts says why an answer that isn't stored ends what is.
func (f *fetch) contradicts(j *judgement) Reason {
	why := f.p.ends(j.draft.Status)
	if j.storing() || j.outcome >= failed || why != "" && !f.tellsAll(j) {
		return ""
	}
	return why
}

// tellsAll reports whether an answer tells of what others get, or there are none who share.
func (f *fetch) tellsAll(j *judgement) bool {
	if f.p.tellsAll(&f.asked, &j.cc) {
		return true
	}
	s, _ := f.c.keys.Get(f.hash)
	return !s.SharedByAny(f.c.now())
}

// tellsAll reports whether an answer tells of what others get: not if it belongs to the
// credentials of the one who asked, or nobody's page would be safe from what he may not see.
func (p *rules) tellsAll(a *asked, cc *cachecontrol.Response) bool {
	switch {
	case p.keysCredentials():
		return true // the page is his
	case a.authorization && !cc.Public && !cc.MustRevalidate && cc.SMaxAge == cachecontrol.Absent: // RFC 9111 §3.5
		return false
	}
	return !a.authorization && !a.cookie || !cc.Private && !cc.NoStore
}

// ends says why a status ends what is stored: 404 and 410 always, a denial where the key
// is one credential's own or the policy is strict. "" means that it doesn't.
func (p *rules) ends(status int) Reason {
	switch {
	case gone(status):
		return ReasonGone
	case p.classOf(status) == denied && (p.Outcome == Strict || p.keysCredentials()):
		return ReasonDenied
	}
	return ""
}

// gone reports whether a status says that there is no page any more.
func gone(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// keysCredentials reports whether every response belongs to one credential.
func (p *rules) keysCredentials() bool {
	if p.keysAuthority || p.keysCookie || len(p.Key.Cookies) > 0 || p.Key.Parts != nil || p.Fallback.Query != "" {
		return true
	}
	return slices.ContainsFunc(p.keyFields, p.isCredentialField)
}
