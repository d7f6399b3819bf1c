// SPDX-License-Identifier: MIT

package cachecontrol

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// sfKind is the type of a Structured Fields value (RFC 8941 §3).
type sfKind uint8

const (
	sfBoolean sfKind = iota
	sfInteger
	sfString
	sfToken
	sfOther // decimals, byte sequences, inner lists: checked, but not kept
)

type sfItem struct {
	kind   sfKind
	truth  bool
	number int64
	text   string
}

// parseDictionary parses a dictionary by RFC 8941 §4.2.2. Of equal keys the last
// counts. Parameters are checked and dropped (RFC 9213 §2.1).
func parseDictionary(s string) (map[string]sfItem, bool) {
	p := sfParser{rest: strings.Trim(s, " ")}
	members := map[string]sfItem{}
	for p.rest != "" {
		name, v, ok := p.member()
		if !ok {
			return nil, false
		}
		members[name] = v
		p.skip(" \t")
		if p.rest == "" {
			break
		}
		if !p.take(',') {
			return nil, false
		}
		if p.skip(" \t"); p.rest == "" { // a trailing comma
			return nil, false
		}
	}
	return members, true
}

// sfParser consumes rest. Its methods report false on the first error, after
// which it is of no more use.
type sfParser struct{ rest string }

func (p *sfParser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *sfParser) skip(set string) { p.rest = strings.TrimLeft(p.rest, set) }

// span consumes the longest prefix of bytes for which is holds.
func (p *sfParser) span(is func(byte) bool) string {
	n := 0
	for n < len(p.rest) && is(p.rest[n]) {
		n++
	}
	out := p.rest[:n]
	p.rest = p.rest[n:]
	return out
}

func (p *sfParser) member() (name string, v sfItem, ok bool) {
	if name, ok = p.key(); !ok {
		return "", v, false
	}
	switch {
	case !p.take('='):
		v = sfItem{kind: sfBoolean, truth: true}
	case strings.HasPrefix(p.rest, "("):
		v = sfItem{kind: sfOther}
		ok = p.innerList()
	default:
		v, ok = p.bareItem()
	}
	return name, v, ok && p.parameters()
}

// key: RFC 8941 §4.2.3.3, lower case only.
func (p *sfParser) key() (string, bool) {
	if p.rest == "" || p.rest[0] != '*' && !isLower(p.rest[0]) {
		return "", false
	}
	return p.span(func(c byte) bool {
		return isLower(c) || isDigit(c) || strings.IndexByte("_-.*", c) >= 0
	}), true
}

// parameters: RFC 8941 §4.2.3.2.
func (p *sfParser) parameters() bool {
	for p.take(';') {
		p.skip(" ")
		if _, ok := p.key(); !ok {
			return false
		}
		if p.take('=') {
			if _, ok := p.bareItem(); !ok {
				return false
			}
		}
	}
	return true
}

// innerList: RFC 8941 §4.2.1.2.
func (p *sfParser) innerList() bool {
	p.take('(')
	for {
		p.skip(" ")
		if p.take(')') {
			return true
		}
		if _, ok := p.bareItem(); !ok || !p.parameters() {
			return false
		}
		if p.rest == "" || p.rest[0] != ' ' && p.rest[0] != ')' {
			return false
		}
	}
}

// bareItem: RFC 8941 §4.2.3.1.
func (p *sfParser) bareItem() (sfItem, bool) {
	if p.rest == "" {
		return sfItem{}, false
	}
	switch c := p.rest[0]; {
	case c == '-' || isDigit(c):
		return p.number()
	case c == '"':
		return p.quoted()
	case c == '*' || isLetter(c):
		text := p.span(func(c byte) bool { return isNameByte(c) || c == ':' || c == '/' })
		return sfItem{kind: sfToken, text: text}, true
	case c == ':':
		return sfItem{kind: sfOther}, p.bytes()
	case c == '?':
		return p.boolean()
	}
	return sfItem{}, false
}

// number: RFC 8941 §4.2.4, at most 15 digits, or 12 and 3 after the point.
func (p *sfParser) number() (sfItem, bool) {
	negative := p.take('-')
	whole := p.span(isDigit)
	if whole == "" {
		return sfItem{}, false
	}
	if p.take('.') {
		fraction := p.span(isDigit)
		ok := len(whole) <= 12 && len(fraction) >= 1 && len(fraction) <= 3
		return sfItem{kind: sfOther}, ok
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if negative {
		n = -n
	}
	return sfItem{kind: sfInteger, number: n}, err == nil && len(whole) <= 15
}

// quoted: RFC 8941 §4.2.5.
func (p *sfParser) quoted() (sfItem, bool) {
	var text strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == '"':
			p.rest = p.rest[i+1:]
			return sfItem{kind: sfString, text: text.String()}, true
		case c == '\\':
			if i++; i == len(p.rest) || p.rest[i] != '"' && p.rest[i] != '\\' {
				return sfItem{}, false
			}
			c = p.rest[i]
		case c < ' ' || c > '~':
			return sfItem{}, false
		}
		text.WriteByte(c)
	}
	return sfItem{}, false
}

// bytes: RFC 8941 §4.2.7; padding may be missing.
func (p *sfParser) bytes() bool {
	text, rest, found := strings.Cut(p.rest[1:], ":")
	p.rest = rest
	_, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return found && err == nil && !strings.ContainsAny(text, "\r\n")
}

// boolean: RFC 8941 §4.2.8.
func (p *sfParser) boolean() (sfItem, bool) {
	p.take('?')
	truth := p.take('1')
	return sfItem{kind: sfBoolean, truth: truth}, truth || p.take('0')
}

func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return isLower(c) || 'A' <= c && c <= 'Z' }
