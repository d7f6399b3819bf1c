// SPDX-License-Identifier: MIT

package memcached

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

const (
	defaultPrefix   = "holdover:"
	defaultTimeout  = 50 * time.Millisecond
	defaultMaxConns = 64

	// An item of memcached has 1 MiB with its header, its name and its line end.
	itemSize        = 1 << 20
	itemOverhead    = 512
	defaultMaxValue = itemSize - itemOverhead

	maxNameLen   = 250
	maxPrefixLen = maxNameLen - 32 // behind it comes the hash of the key
)

// The powers that a Store has.
var (
	_ store.Store        = (*Store)(nil)
	_ store.ManyGetter   = (*Store)(nil)
	_ store.AbsentSetter = (*Store)(nil)
	_ store.NewerSetter  = (*Store)(nil)
	_ store.Pinger       = (*Store)(nil)
	_ store.Closer       = (*Store)(nil)
)

// Config configures a Store. The zero value is usable.
type Config struct {
	// Prefix stands before the name of every item, so that several programs can
	// share servers: at most 218 bytes without blanks and control characters. ""
	// means "holdover:".
	Prefix string

	// Codec is how entries are written. nil means codec.Default: text above 1 KiB is
	// compressed by zstd.
	Codec store.Codec

	// MaxValue is the length in bytes of the longest value, with its fields and
	// after compression. 0 means 1 MiB less 512 bytes, which is what a server takes
	// that was started without the flag -I. Longer ones are refused with
	// store.ErrTooLarge, and not read where others have written them.
	MaxValue int

	// Timeout bounds a call whose context has no deadline. 0 means 50 ms.
	Timeout time.Duration

	// MaxConns bounds the connections to each server, and so the calls at the same
	// time; further ones wait. 0 means 64.
	MaxConns int

	// DialContext connects to a server, for TLS say. nil means net.Dialer's.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// withDefaults returns the config with its zero values replaced, or the mistakes in it.
func (c Config) withDefaults() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.Codec == nil {
		c.Codec = codec.Default()
	}
	if c.MaxValue == 0 {
		c.MaxValue = defaultMaxValue
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxConns == 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	var wrong []error
	if !legalPrefix(c.Prefix) {
		wrong = append(wrong, fmt.Errorf("memcached: Prefix must have at most %d bytes and neither blanks nor control characters", maxPrefixLen))
	}
	if c.MaxValue < 0 {
		wrong = append(wrong, fmt.Errorf("memcached: MaxValue is %d, must not be negative", c.MaxValue))
	}
	if c.Timeout < 0 {
		wrong = append(wrong, fmt.Errorf("memcached: Timeout is %v, must not be negative", c.Timeout))
	}
	if c.MaxConns < 0 {
		wrong = append(wrong, fmt.Errorf("memcached: MaxConns is %d, must not be negative", c.MaxConns))
	}
	return c, errors.Join(wrong...)
}

func legalPrefix(prefix string) bool {
	for i := range len(prefix) {
		if prefix[i] <= ' ' || prefix[i] == 0x7f {
			return false
		}
	}
	return len(prefix) <= maxPrefixLen
}

// Store keeps entries in memcached. It must be closed to close its connections.
type Store struct {
	cfg    Config
	values store.Values
	pool   *pool
}

// New returns a store on the servers that a selector of the client chooses among by
// name, or an error that names the field of cfg that is wrong.
func New(servers memcache.ServerSelector, cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if servers == nil {
		err = errors.Join(errors.New("memcached: New needs a selector of servers"), err)
	}
	if err != nil {
		return nil, err
	}
	return &Store{
		cfg:    cfg,
		values: store.Values{Store: "memcached", Codec: cfg.Codec, MaxLen: cfg.MaxValue},
		pool:   newPool(cfg.MaxConns, func() *slot { return newSlot(servers, cfg.DialContext, cfg.MaxValue) }),
	}, nil
}

// Open returns a store on servers, each named as "host:port" or by the path of a Unix
// socket. They need not answer yet.
func Open(cfg Config, servers ...string) (*Store, error) {
	list, err := newServers(servers)
	if err != nil {
		return nil, err
	}
	return New(list, cfg)
}

// Get returns the entry stored under key, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, key string) (*store.Entry, error) {
	name := s.name(key)
	item, err := call(ctx, s, func(c *memcache.Client) (*memcache.Item, error) { return c.Get(name) })
	if err != nil {
		return nil, s.failure("get", err)
	}
	return s.values.Decode(key, item.Value)
}

// GetMany returns the entries under keys, asking each server once.
func (s *Store) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = s.name(key)
	}
	items, err := call(ctx, s, func(c *memcache.Client) (map[string]*memcache.Item, error) { return c.GetMulti(names) })
	entries := make([]*store.Entry, len(keys))
	switch err = s.failure("get many", err); {
	case errors.Is(err, store.ErrNotFound): // beside a value that is too long nothing was read
		return entries, err
	case err != nil:
		return nil, err
	}
	var unreadable error
	for i, name := range names {
		item, found := items[name]
		if !found {
			continue
		}
		if entries[i], err = s.values.Decode(keys[i], item.Value); errors.Is(err, store.ErrFormat) {
			unreadable = err
		}
	}
	return entries, unreadable
}

// Set stores the entry under key.
func (s *Store) Set(ctx context.Context, key string, e *store.Entry) error {
	item, err := s.item(key, e)
	switch {
	case err != nil:
		return s.failure("set", err)
	case item == nil:
		return s.Delete(ctx, key)
	}
	return s.failure("set", s.do(ctx, func(c *memcache.Client) error { return c.Set(item) }))
}

// Delete drops what is stored under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	name := s.name(key)
	err := s.do(ctx, func(c *memcache.Client) error { return c.Delete(name) })
	if errors.Is(err, memcache.ErrCacheMiss) {
		return nil
	}
	return s.failure("delete", err)
}

// Ping returns nil if all servers answer.
func (s *Store) Ping(ctx context.Context) error {
	return s.failure("ping", s.do(ctx, (*memcache.Client).Ping))
}

// Close waits for the calls under way and closes all connections. All other methods
// fail with store.ErrClosed from then on; Close may be called again.
func (s *Store) Close() error { return s.values.Failure("close", s.pool.close()) }

func (s *Store) name(key string) string { return store.HashedKey(s.cfg.Prefix, key) }

// item returns what stores the entry, nil if its storage life is over.
func (s *Store) item(key string, e *store.Entry) (*memcache.Item, error) {
	value, life, err := s.values.Encode(e)
	if err != nil || life == 0 {
		return nil, err
	}
	return &memcache.Item{Key: s.name(key), Value: value, Expiration: expiration(life, time.Now())}, nil
}

// maxRelative is the longest life that is counted from now: a larger number is read as
// a Unix time.
const maxRelative = 30 * 24 * 60 * 60

// expiration rounds up to seconds: 0 would mean for ever. A Unix time must fit into 32 bits.
func expiration(life time.Duration, now time.Time) int32 {
	seconds := int64((life + time.Second - 1) / time.Second)
	if seconds > maxRelative {
		seconds = min(seconds+now.Unix(), 1<<31-1)
	}
	return int32(seconds)
}
