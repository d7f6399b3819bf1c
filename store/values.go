// SPDX-License-Identifier: MIT

package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Codec turns entries into the values that a store of bytes keeps, and back. Every
// value says by itself what it is, so that a codec reads what another one of the same
// package wrote, and refuses the rest.
type Codec interface {
	// Encode returns the value of an entry. It may be the entry's own memory, so
	// that nobody may modify it.
	Encode(e *Entry) ([]byte, error)

	// Decode reads a value and may keep it. Its errors wrap ErrFormat.
	Decode(value []byte) (*Entry, error)
}

// Plain is the codec that stores entries as they are. It needs no time and no memory.
var Plain Codec = plain{}

type plain struct{}

func (plain) Encode(e *Entry) ([]byte, error)     { return e.Bytes(), nil }
func (plain) Decode(value []byte) (*Entry, error) { return Decode(value) }

// Values is what all stores of bytes do alike: it turns entries into values and
// judges the values that come back.
type Values struct {
	// Store is the store's name, for errors.
	Store string
	// Codec is how entries are written. nil means Plain.
	Codec Codec
	// MaxLen is the length in bytes of the longest value that the backend takes.
	// 0 means that there is no limit.
	MaxLen int
}

// Encode returns the value of an entry, and for how long from now it must be kept: 0
// where its storage life is over, so that what stands under the key must be dropped
// instead. A value above MaxLen is refused with ErrTooLarge.
func (v Values) Encode(e *Entry) (value []byte, life time.Duration, err error) {
	if value, err = v.codec().Encode(e); err != nil {
		return nil, 0, err
	}
	if v.MaxLen > 0 && len(value) > v.MaxLen {
		return nil, 0, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(value), v.MaxLen)
	}
	now := time.Now().UnixNano()
	return value, time.Duration(max(e.StoreUntil(), now) - now), nil
}

// Decode reads the value that was found under key, and may keep it. A value that
// can't be read or belongs to another key is a miss of which somebody should hear: the
// error then wraps ErrFormat beside ErrNotFound. An entry whose storage life is over
// is an ordinary miss.
func (v Values) Decode(key string, value []byte) (*Entry, error) {
	e, err := v.codec().Decode(value)
	switch {
	case err != nil:
		return nil, v.unreadable(err)
	case string(e.keyBytes()) != key:
		return nil, v.unreadable(fmt.Errorf("%w: the value of another key", ErrFormat))
	case e.StoreUntil() <= time.Now().UnixNano():
		return nil, ErrNotFound
	}
	return e, nil
}

func (v Values) codec() Codec {
	if v.Codec == nil {
		return Plain
	}
	return v.Codec
}

func (v Values) unreadable(err error) error {
	return &Error{Store: v.Store, Op: "read", Err: fmt.Errorf("%w: %w", ErrNotFound, err)}
}

// Failure gives an error of the backend the store's name and the operation. nil and
// whatever wraps ErrNotFound stay what they are.
func (v Values) Failure(op string, err error) error {
	if err == nil || errors.Is(err, ErrNotFound) {
		return err
	}
	if named, ok := errors.AsType[*Error](err); ok && named.Store == v.Store {
		return err
	}
	return &Error{Store: v.Store, Op: op, Err: err}
}

// HashedKey returns prefix and the hash of key in 32 hexadecimal digits: a name that
// any backend takes.
func HashedKey(prefix, key string) string {
	hash := HashKey(key)
	name := make([]byte, len(prefix), len(prefix)+2*len(hash))
	copy(name, prefix)
	return string(hex.AppendEncode(name, hash[:]))
}
