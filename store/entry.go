// SPDX-License-Identifier: MIT

package store

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Kind tells the two sorts of entries apart.
type Kind uint8

const (
	// KindResponse is a stored response.
	KindResponse Kind = iota
	// KindVary stands under a primary key in place of a response and says
	// which request fields select among its variants.
	KindVary
)

// Flags are facts about a stored response that are either true or not.
type Flags uint32

// What the origin said, and how the response came about.
const (
	// NoCache: never reused without successful validation (RFC 9111 §5.2.2.4).
	NoCache Flags = 1 << iota
	// MustRevalidate: never reused stale (RFC 9111 §5.2.2.2).
	MustRevalidate
	// ProxyRevalidate: the same for shared caches (RFC 9111 §5.2.2.8).
	ProxyRevalidate
	// SMaxAge: the lifetime was given by s-maxage, which implies
	// ProxyRevalidate (RFC 9111 §5.2.2.10).
	SMaxAge
	// Public: may be stored where that would otherwise be prohibited
	// (RFC 9111 §5.2.2.9).
	Public
	// Immutable: not revalidated on a reload while fresh (RFC 8246).
	Immutable
	// Anonymous: the request carried neither Authorization nor Cookie.
	Anonymous
	// Authorized: the request carried Authorization (RFC 9111 §3.5).
	Authorized
	// Failed: stored as a failure of the origin; served while fresh, never stale.
	Failed
	// Sniffed: the handler gave no content type; the one that is stored was taken
	// from the body, and yields to one that outer middleware gives.
	Sniffed
	// Personal: the request carried credentials, and the response was never fresh,
	// nor public: for all we know nobody else may have it unvalidated.
	Personal
	// SetsCookie: the stored fields set cookies (RFC 9111 §7.3).
	SetsCookie
)

// Source names what gave a response its freshness lifetime.
type Source uint8

// The sources, in no order.
const (
	SourceNone       Source = iota // no lifetime: stale at once
	SourceSMaxAge                  // s-maxage, or a targeted field's max-age
	SourceMaxAge                   // max-age
	SourceExpires                  // Expires minus Date
	SourceHeuristic                // a fraction of the age of Last-Modified
	SourceRetryAfter               // Retry-After of a 503 or 429
	SourceStatusRule               // the policy's rule for this status
	SourceDefault                  // the policy's default TTL
)

// Absent is the value of a duration that the origin did not give.
const Absent time.Duration = -1

// Field is a header field with its values, in the order of its lines.
type Field struct {
	Name   string // in canonical form, see http.CanonicalHeaderKey
	Values []string
}

// Tag is a cache group (RFC 9875) that a response belongs to, with the hash by
// which purges address it.
type Tag struct {
	Name string
	Hash uint64
}

// Position is a place in a journal of purges.
type Position struct {
	Epoch [16]byte // which journal: random, new whenever one starts empty
	Seq   uint64   // how many of its marks had been applied
}

// Response is a stored response in plain form: what [New] makes an Entry of and
// [Entry.Response] gives back. Instants are Unix times in nanoseconds.
type Response struct {
	Kind    Kind
	Flags   Flags
	Key     string // canonical key text
	URLHash uint64 // of the normalised URL, by which purges address it

	Status int
	Fields []Field
	Body   []byte

	RequestTime  int64 // when the fetch began
	ResponseTime int64 // when its final header arrived
	StoreUntil   int64 // when stores must drop the entry

	InitialAge           time.Duration // corrected_initial_age of RFC 9111 §4.2.3
	Lifetime             time.Duration // freshness lifetime
	LifetimeFrom         Source
	StaleWhileRevalidate time.Duration // RFC 5861 §3, or Absent
	StaleIfError         time.Duration // RFC 5861 §4, or Absent

	AsOf []Position // the purges that the fetch already knew
	Tags []Tag

	Vary       []string // names of the selecting request fields, canonical
	Selected   string   // their values in canonical text; of variants only
	Generation uint64   // random; ties variants to their KindVary entry
}

// Entry is a stored response, immutable and safe for concurrent use. It is held
// in its encoded form, one block of memory that the garbage collector needn't
// look into; accessors read from it. See codec.go for the layout.
type Entry struct {
	raw                                       []byte
	keyAt, varyAt, tagsAt, fieldsAt, bodyFrom uint32
	bodyLen                                   uint32
	view                                      atomic.Pointer[any]
}

// Kind tells whether this is a response or says how responses vary.
func (e *Entry) Kind() Kind { return Kind(e.raw[offKind]) }

// Flags returns the facts about the response.
func (e *Entry) Flags() Flags { return Flags(binary.LittleEndian.Uint32(e.raw[offFlags:])) }

// Has reports whether all given flags are set.
func (e *Entry) Has(f Flags) bool { return e.Flags()&f == f }

// Status returns the final status code, 0 for a KindVary entry.
func (e *Entry) Status() int { return int(binary.LittleEndian.Uint16(e.raw[offStatus:])) }

// LifetimeFrom tells what gave the response its lifetime.
func (e *Entry) LifetimeFrom() Source { return Source(e.raw[offSource]) }

// RequestTime returns when the fetch began, in Unix nanoseconds.
func (e *Entry) RequestTime() int64 { return e.int64At(offRequestTime) }

// ResponseTime returns when the final header arrived, in Unix nanoseconds.
func (e *Entry) ResponseTime() int64 { return e.int64At(offResponseTime) }

// StoreUntil returns when stores must drop the entry, in Unix nanoseconds.
func (e *Entry) StoreUntil() int64 { return e.int64At(offStoreUntil) }

// InitialAge returns corrected_initial_age (RFC 9111 §4.2.3).
func (e *Entry) InitialAge() time.Duration { return time.Duration(e.int64At(offInitialAge)) }

// Lifetime returns the freshness lifetime.
func (e *Entry) Lifetime() time.Duration { return time.Duration(e.int64At(offLifetime)) }

// StaleWhileRevalidate returns the origin's window (RFC 5861 §3), or Absent.
func (e *Entry) StaleWhileRevalidate() time.Duration { return time.Duration(e.int64At(offSWR)) }

// StaleIfError returns the origin's window (RFC 5861 §4), or Absent.
func (e *Entry) StaleIfError() time.Duration { return time.Duration(e.int64At(offSIE)) }

// URLHash returns the hash of the normalised URL.
func (e *Entry) URLHash() uint64 { return binary.LittleEndian.Uint64(e.raw[offURLHash:]) }

// Generation returns the random number that ties variants to their KindVary entry.
func (e *Entry) Generation() uint64 { return binary.LittleEndian.Uint64(e.raw[offGeneration:]) }

func (e *Entry) int64At(off int) int64 { return int64(binary.LittleEndian.Uint64(e.raw[off:])) }

// Key returns the canonical key text. It copies; see KeyIs.
func (e *Entry) Key() string { return string(e.keyBytes()) }

// KeyIs reports whether the canonical key text is key, without allocating.
func (e *Entry) KeyIs(key []byte) bool { return string(e.keyBytes()) == string(key) }

func (e *Entry) keyBytes() []byte {
	n := binary.LittleEndian.Uint32(e.raw[e.keyAt:])
	return e.raw[e.keyAt+4 : e.keyAt+4+n]
}

// Body returns the body. It must not be modified.
func (e *Entry) Body() []byte {
	return e.raw[e.bodyFrom : e.bodyFrom+e.bodyLen : e.bodyFrom+e.bodyLen]
}

// BodyLen returns the length of the body in bytes.
func (e *Entry) BodyLen() int { return int(e.bodyLen) }

// Size returns the length in bytes of the encoded form.
func (e *Entry) Size() int { return len(e.raw) }

// NumAsOf returns how many positions AsOf has.
func (e *Entry) NumAsOf() int { return int(e.raw[offAsOfCount]) }

// AsOf returns the i-th position: what the fetch knew of that journal's purges.
func (e *Entry) AsOf(i int) Position {
	at := headerLen + i*positionLen
	var p Position
	copy(p.Epoch[:], e.raw[at:])
	p.Seq = binary.LittleEndian.Uint64(e.raw[at+16:])
	return p
}

// PositionIn returns the smallest position that the entry names in journals with this
// epoch, and whether it names one. There are several only where a journal was copied with its
// epoch: then nobody can tell which is which.
func (e *Entry) PositionIn(epoch *[16]byte) (seq uint64, named bool) {
	first, second := binary.LittleEndian.Uint64(epoch[:8]), binary.LittleEndian.Uint64(epoch[8:])
	for i := range int(e.raw[offAsOfCount]) {
		p := e.raw[headerLen+i*positionLen:][:positionLen]
		if binary.LittleEndian.Uint64(p) == first && binary.LittleEndian.Uint64(p[8:]) == second {
			at := binary.LittleEndian.Uint64(p[16:])
			if !named || at < seq {
				seq = at
			}
			named = true
		}
	}
	return seq, named
}

// Newer reports whether e holds a newer response than other. Newer is a larger
// position in the journals that both name, else the later start of the fetch,
// which also decides where two journals contradict each other. Of two entries
// at most one is newer.
func (e *Entry) Newer(other *Entry) bool {
	var ahead, behind bool
	for i := range e.NumAsOf() {
		a := e.AsOf(i)
		for j := range other.NumAsOf() {
			if b := other.AsOf(j); a.Epoch == b.Epoch {
				ahead = ahead || a.Seq > b.Seq
				behind = behind || a.Seq < b.Seq
			}
		}
	}
	if ahead != behind {
		return ahead
	}
	return e.RequestTime() > other.RequestTime()
}

// View returns what SetView stored last, or nil. The slot belongs to the cache:
// it keeps there what it decoded from the entry, so that a repeated hit decodes
// nothing.
func (e *Entry) View() any {
	if v := e.view.Load(); v != nil {
		return *v
	}
	return nil
}

// SetView fills the slot; nil empties it. A store empties it for an entry that
// it no longer expects to be asked for.
func (e *Entry) SetView(v any) {
	if v == nil {
		e.view.Store(nil)
		return
	}
	e.view.Store(&v)
}

// ViewSize estimates the memory in bytes that a filled slot holds.
func (e *Entry) ViewSize() int {
	n := int(binary.LittleEndian.Uint16(e.raw[e.fieldsAt:]))
	return 160 + n*64 + int(e.bodyFrom-e.fieldsAt)
}
