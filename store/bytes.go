// SPDX-License-Identifier: MIT

package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Bytes is a backend that keeps values under names. Methods may be called
// concurrently and obey their context, as those of [Store].
type Bytes interface {
	// Get returns the value under name, which the caller may keep, or
	// ErrNotFound.
	Get(ctx context.Context, name string) ([]byte, error)

	// Set keeps the value under name, in place of what was there, for life or a
	// little longer: a backend that counts in seconds rounds up. It must not
	// modify the value.
	Set(ctx context.Context, name string, value []byte, life time.Duration) error

	// Delete drops what is kept under name, and returns nil where nothing is.
	Delete(ctx context.Context, name string) error
}

// BytesConfig configures what FromBytes makes. The zero value is usable.
type BytesConfig struct {
	// Name is the store's name in errors. "" means "bytes".
	Name string
	// Prefix stands before every name, so that several programs can share a
	// backend. Behind it come 32 hexadecimal digits.
	Prefix string
	// Codec is how entries are written. nil means Plain.
	Codec Codec
	// MaxValue is the length in bytes of the longest value that the backend
	// takes. Longer ones are refused without asking it. 0 means no limit.
	MaxValue int
}

// FromBytes makes a Store of anything that can keep bytes. It hashes the keys, writes
// entries by the codec, and reads what it gets back with distrust: a value that is
// damaged, of another key or past its time is a miss. Where the backend has Ping
// or Close, the store has it too.
func FromBytes(b Bytes, cfg BytesConfig) (Store, error) {
	if b == nil {
		return nil, errors.New("store: FromBytes needs a backend")
	}
	if cfg.MaxValue < 0 {
		return nil, fmt.Errorf("store: MaxValue is %d, must not be negative", cfg.MaxValue)
	}
	if cfg.Name == "" {
		cfg.Name = "bytes"
	}
	s := bytesStore{b, cfg.Prefix, Values{Store: cfg.Name, Codec: cfg.Codec, MaxLen: cfg.MaxValue}}
	pinger, pings := b.(Pinger)
	closer, closes := b.(Closer)
	switch {
	case pings && closes:
		return &struct {
			bytesStore
			Pinger
			Closer
		}{s, pinger, closer}, nil
	case pings:
		return &struct {
			bytesStore
			Pinger
		}{s, pinger}, nil
	case closes:
		return &struct {
			bytesStore
			Closer
		}{s, closer}, nil
	}
	return &s, nil
}

type bytesStore struct {
	backend Bytes
	prefix  string
	values  Values
}

func (s bytesStore) Get(ctx context.Context, key string) (*Entry, error) {
	value, err := s.backend.Get(ctx, HashedKey(s.prefix, key))
	if err != nil {
		return nil, s.values.Failure("get", err)
	}
	return s.values.Decode(key, value)
}

func (s bytesStore) Set(ctx context.Context, key string, e *Entry) error {
	value, life, err := s.values.Encode(e)
	switch {
	case err != nil:
	case life == 0:
		err = s.backend.Delete(ctx, HashedKey(s.prefix, key))
	default:
		err = s.backend.Set(ctx, HashedKey(s.prefix, key), value, life)
	}
	return s.values.Failure("set", err)
}

func (s bytesStore) Delete(ctx context.Context, key string) error {
	return s.values.Failure("delete", s.backend.Delete(ctx, HashedKey(s.prefix, key)))
}
