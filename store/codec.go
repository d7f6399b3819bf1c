// SPDX-License-Identifier: MIT

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// The encoded form, all numbers little-endian:
//
//	offset  size
//	     0     4  magic "HLDV"
//	     4     1  format version
//	     5     1  packing of the body, 0 = as is
//	     6     1  kind
//	     7     1  source of the lifetime
//	     8     4  flags
//	    12     2  status
//	    14     1  number of positions (asOf)
//	    15     1  reserved, 0
//	    16     4  length of the head: all up to and including its checksum
//	    20     4  length of the body
//	    24     8  request time      32  8  response time   40  8  store until
//	    48     8  initial age       56  8  lifetime
//	    64     8  stale-while-revalidate                   72  8  stale-if-error
//	    80     8  URL hash          88  8  generation
//	    96        positions: 16 epoch, 8 sequence each
//	              key: 4 length, text
//	              vary: 2 count, each 2 length + name; 4 length + selected values
//	              tags: 2 count, each 8 hash, 2 length, text
//	              fields: 2 count, each 2 length + name, 2 count, each 4 length + value
//	              4  CRC-32C of all before
//	              body
//	              4  CRC-32C of the body
//
// Every length is checked before it is used; Decode never reads past its input
// and never allocates by a length that it didn't check.
const (
	magic         = "HLDV"
	formatVersion = 1

	offVersion      = 4
	offCodec        = 5
	offKind         = 6
	offSource       = 7
	offFlags        = 8
	offStatus       = 12
	offAsOfCount    = 14
	offReserved     = 15
	offHeadLen      = 16
	offBodyLen      = 20
	offRequestTime  = 24
	offResponseTime = 32
	offStoreUntil   = 40
	offInitialAge   = 48
	offLifetime     = 56
	offSWR          = 64
	offSIE          = 72
	offURLHash      = 80
	offGeneration   = 88
	headerLen       = 96

	positionLen  = 24
	maxPositions = 16
	maxBodyLen   = math.MaxUint32 / 2
	sumLen       = 4
)

// ErrFormat says that bytes are not an entry, or not one of a format that this
// release knows. Whoever reads it treats it as a miss, and leaves the bytes alone
// until something is stored in their place: another program may know better.
var ErrFormat = errors.New("not a readable entry")

// ErrDamaged is the ErrFormat of what was an entry once.
var ErrDamaged = fmt.Errorf("%w: damaged", ErrFormat)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// New encodes a response. It copies all that it is given. It fails only where a
// part exceeds what the format holds.
func New(r Response) (*Entry, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	raw := make([]byte, 0, r.encodedLen())
	raw = append(raw, magic...)
	raw = append(raw, formatVersion, 0, byte(r.Kind), byte(r.LifetimeFrom))
	raw = binary.LittleEndian.AppendUint32(raw, uint32(r.Flags))
	raw = binary.LittleEndian.AppendUint16(raw, uint16(r.Status))
	raw = append(raw, byte(len(r.AsOf)), 0)
	raw = binary.LittleEndian.AppendUint32(raw, 0) // head length, known below
	raw = binary.LittleEndian.AppendUint32(raw, uint32(len(r.Body)))
	for _, n := range [...]int64{
		r.RequestTime, r.ResponseTime, r.StoreUntil, int64(r.InitialAge), int64(r.Lifetime),
		int64(r.StaleWhileRevalidate), int64(r.StaleIfError), int64(r.URLHash), int64(r.Generation),
	} {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(n))
	}
	for _, p := range r.AsOf {
		raw = append(raw, p.Epoch[:]...)
		raw = binary.LittleEndian.AppendUint64(raw, p.Seq)
	}

	e := &Entry{bodyLen: uint32(len(r.Body))}
	e.keyAt = uint32(len(raw))
	raw = appendText32(raw, r.Key)
	e.varyAt = uint32(len(raw))
	raw = appendVary(raw, r.Vary, r.Selected)
	e.tagsAt = uint32(len(raw))
	raw = appendTags(raw, r.Tags)
	e.fieldsAt = uint32(len(raw))
	raw = appendFields(raw, r.Fields)

	e.bodyFrom = uint32(len(raw) + sumLen)
	binary.LittleEndian.PutUint32(raw[offHeadLen:], e.bodyFrom)
	raw = binary.LittleEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
	raw = append(raw, r.Body...)
	e.raw = binary.LittleEndian.AppendUint32(raw, crc32.Checksum(r.Body, castagnoli))
	return e, nil
}

// Bytes returns the encoded form. It must not be modified.
func (e *Entry) Bytes() []byte { return e.raw[:len(e.raw):len(e.raw)] }

// Decode reads an entry from its encoded form and keeps raw, which the caller
// must not modify any more. All that is wrong with raw gives ErrFormat, and
// ErrDamaged too where it is an entry of a known format.
func Decode(raw []byte) (*Entry, error) {
	headLen, err := checkSums(raw)
	if err != nil {
		return nil, err
	}
	if p := raw[offCodec]; p != 0 {
		return nil, fmt.Errorf("%w: packing %d", ErrFormat, p)
	}
	return decodeChecked(raw, headLen)
}

// checkSums looks at all that can be judged without knowing the packing, and returns
// the length of the head.
func checkSums(raw []byte) (headLen uint32, err error) {
	if len(raw) < headerLen || string(raw[:4]) != magic {
		return 0, fmt.Errorf("%w: no entry", ErrFormat)
	}
	if raw[offVersion] != formatVersion {
		return 0, fmt.Errorf("%w: format %d", ErrFormat, raw[offVersion])
	}
	headLen = binary.LittleEndian.Uint32(raw[offHeadLen:])
	bodyLen := binary.LittleEndian.Uint32(raw[offBodyLen:])
	if uint64(len(raw)) != uint64(headLen)+uint64(bodyLen)+sumLen || headLen < headerLen+sumLen {
		return 0, fmt.Errorf("%w: length", ErrDamaged)
	}
	if crc32.Checksum(raw[:headLen-sumLen], castagnoli) != binary.LittleEndian.Uint32(raw[headLen-sumLen:]) {
		return 0, fmt.Errorf("%w: checksum of the head", ErrDamaged)
	}
	if crc32.Checksum(raw[headLen:headLen+bodyLen], castagnoli) != binary.LittleEndian.Uint32(raw[len(raw)-sumLen:]) {
		return 0, fmt.Errorf("%w: checksum of the body", ErrDamaged)
	}
	return headLen, nil
}

// decodeChecked reads an entry whose body is unpacked and whose checksums are right.
func decodeChecked(raw []byte, headLen uint32) (*Entry, error) {
	if raw[offReserved] != 0 {
		return nil, fmt.Errorf("%w: reserved byte", ErrFormat)
	}
	e := &Entry{raw: raw, bodyFrom: headLen, bodyLen: binary.LittleEndian.Uint32(raw[offBodyLen:])}
	if err := e.locate(raw[:headLen-sumLen]); err != nil {
		return nil, err
	}
	return e, nil
}

// locate walks over the parts of variable length and notes where they begin.
func (e *Entry) locate(head []byte) error {
	if head[offKind] > byte(KindVary) || head[offAsOfCount] > maxPositions {
		return fmt.Errorf("%w: kind or positions", ErrDamaged)
	}
	r := reader{b: head, at: headerLen}
	r.skip(e.NumAsOf() * positionLen)
	e.keyAt = uint32(r.at)
	r.text32()
	e.varyAt = uint32(r.at)
	for range r.uint16() {
		r.text16()
	}
	r.text32()
	e.tagsAt = uint32(r.at)
	for range r.uint16() {
		r.skip(8)
		r.text16()
	}
	e.fieldsAt = uint32(r.at)
	for range r.uint16() {
		r.text16()
		for range r.uint16() {
			r.text32()
		}
	}
	if r.bad || r.at != len(head) {
		return fmt.Errorf("%w: parts", ErrDamaged)
	}
	return nil
}

// Response returns the entry in plain form. Strings and body share no memory
// that the caller could modify by mistake, except Body, which must not be modified.
func (e *Entry) Response() Response {
	r := Response{
		Kind: e.Kind(), Flags: e.Flags(), Key: e.Key(), URLHash: e.URLHash(),
		Status: e.Status(), Fields: e.Fields(), Body: e.Body(),
		RequestTime: e.RequestTime(), ResponseTime: e.ResponseTime(), StoreUntil: e.StoreUntil(),
		InitialAge: e.InitialAge(), Lifetime: e.Lifetime(), LifetimeFrom: e.LifetimeFrom(),
		StaleWhileRevalidate: e.StaleWhileRevalidate(), StaleIfError: e.StaleIfError(),
		Tags: e.Tags(), Vary: e.Vary(), Selected: string(e.selectedBytes()), Generation: e.Generation(),
	}
	for i := range e.NumAsOf() {
		r.AsOf = append(r.AsOf, e.AsOf(i))
	}
	return r
}

// Fields returns the stored header fields, newly decoded.
func (e *Entry) Fields() []Field {
	// One string for all names and values instead of one for each.
	text := string(e.raw[e.fieldsAt : e.bodyFrom-sumLen])
	r := reader{b: e.raw[:e.bodyFrom-sumLen], at: int(e.fieldsAt)}
	cut := func(n int) string {
		at := r.at - int(e.fieldsAt)
		r.skip(n)
		return text[at : at+n]
	}
	fields := make([]Field, r.uint16())
	for i := range fields {
		fields[i].Name = cut(r.uint16())
		values := make([]string, r.uint16())
		for j := range values {
			values[j] = cut(int(r.uint32()))
		}
		fields[i].Values = values
	}
	return fields
}

// Field returns the first value of the field with that canonical name.
func (e *Entry) Field(name string) (string, bool) {
	r := reader{b: e.raw[:e.bodyFrom-sumLen], at: int(e.fieldsAt)}
	for range r.uint16() {
		found := string(r.text16()) == name
		for range r.uint16() {
			if value := r.text32(); found {
				return string(value), true
			}
		}
	}
	return "", false
}

// Tags returns the cache groups of the response.
func (e *Entry) Tags() []Tag {
	r := reader{b: e.raw[:e.bodyFrom-sumLen], at: int(e.tagsAt)}
	n := r.uint16()
	if n == 0 {
		return nil
	}
	tags := make([]Tag, n)
	for i := range tags {
		tags[i].Hash = r.uint64()
		tags[i].Name = string(r.text16())
	}
	return tags
}

// NumTags returns the number of tags.
func (e *Entry) NumTags() int { return int(binary.LittleEndian.Uint16(e.raw[e.tagsAt:])) }

// FirstTag returns where TagHash finds the first tag, if there is one.
func (e *Entry) FirstTag() int { return int(e.tagsAt) + 2 }

// TagHash returns the hash of the tag at a place, and the place of the next one: who judges
// an entry on every use walks through NumTags of them without a call for each.
func (e *Entry) TagHash(at int) (hash uint64, next int) {
	tag := e.raw[at:]
	return binary.LittleEndian.Uint64(tag), at + 8 + 2 + int(binary.LittleEndian.Uint16(tag[8:]))
}

// Vary returns the names of the request fields that select among the variants.
func (e *Entry) Vary() []string {
	r := reader{b: e.raw[:e.bodyFrom-sumLen], at: int(e.varyAt)}
	n := r.uint16()
	if n == 0 {
		return nil
	}
	names := make([]string, n)
	for i := range names {
		names[i] = string(r.text16())
	}
	return names
}

// SelectedIs reports whether the variant was selected by these values, given in
// canonical text, without allocating.
func (e *Entry) SelectedIs(values []byte) bool { return string(e.selectedBytes()) == string(values) }

func (e *Entry) selectedBytes() []byte {
	r := reader{b: e.raw[:e.bodyFrom-sumLen], at: int(e.varyAt)}
	for range r.uint16() {
		r.text16()
	}
	return r.text32()
}

// check reports what the format can't hold, naming the part.
func (r *Response) check() error {
	switch {
	case len(r.Key) > MaxKeyLen:
		return fmt.Errorf("%w: key of %d bytes", ErrTooLarge, len(r.Key))
	case uint64(len(r.Body)) > maxBodyLen:
		return fmt.Errorf("%w: body of %d bytes", ErrTooLarge, len(r.Body))
	case len(r.AsOf) > maxPositions:
		return fmt.Errorf("%w: %d positions", ErrTooLarge, len(r.AsOf))
	case len(r.Fields) > math.MaxUint16 || len(r.Tags) > math.MaxUint16 || len(r.Vary) > math.MaxUint16:
		return fmt.Errorf("%w: too many fields, tags or selecting fields", ErrTooLarge)
	case r.Status < 0 || r.Status > 999:
		return fmt.Errorf("%w: status %d", ErrFormat, r.Status)
	case r.Kind > KindVary:
		return fmt.Errorf("%w: kind %d", ErrFormat, r.Kind)
	}
	for _, name := range r.Vary {
		if len(name) > math.MaxUint16 {
			return fmt.Errorf("%w: name in Vary", ErrTooLarge)
		}
	}
	for _, t := range r.Tags {
		if len(t.Name) > math.MaxUint16 {
			return fmt.Errorf("%w: tag of %d bytes", ErrTooLarge, len(t.Name))
		}
	}
	for _, f := range r.Fields {
		if len(f.Name) > math.MaxUint16 || len(f.Values) > math.MaxUint16 {
			return fmt.Errorf("%w: field name or number of lines", ErrTooLarge)
		}
	}
	if n := r.encodedLen(); uint64(n) > math.MaxUint32 {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, n)
	}
	return nil
}

// encodedLen returns the length of the encoded form, to allocate it once.
func (r *Response) encodedLen() int {
	n := headerLen + len(r.AsOf)*positionLen + 4 + len(r.Key) + 2 + 4 + len(r.Selected) + 2 + 2 + sumLen + len(r.Body) + sumLen
	for _, name := range r.Vary {
		n += 2 + len(name)
	}
	for _, t := range r.Tags {
		n += 8 + 2 + len(t.Name)
	}
	for _, f := range r.Fields {
		n += 2 + len(f.Name) + 2
		for _, v := range f.Values {
			n += 4 + len(v)
		}
	}
	return n
}

func appendText16(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendText32(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

func appendVary(b []byte, names []string, selected string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(names)))
	for _, name := range names {
		b = appendText16(b, name)
	}
	return appendText32(b, selected)
}

func appendTags(b []byte, tags []Tag) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(tags)))
	for _, t := range tags {
		b = binary.LittleEndian.AppendUint64(b, t.Hash)
		b = appendText16(b, t.Name)
	}
	return b
}

func appendFields(b []byte, fields []Field) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(fields)))
	for _, f := range fields {
		b = appendText16(b, f.Name)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(f.Values)))
		for _, v := range f.Values {
			b = appendText32(b, v)
		}
	}
	return b
}

// reader walks over encoded parts. Once a length was wrong it is bad for good
// and returns zero values.
type reader struct {
	b   []byte
	at  int
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b)-r.at {
		r.bad = true
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) uint16() int {
	if b := r.take(2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text16() []byte { return r.take(r.uint16()) }
func (r *reader) text32() []byte { return r.take(int(r.uint32())) }
