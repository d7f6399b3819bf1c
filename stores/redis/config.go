// SPDX-License-Identifier: MIT

package redis

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdover-go/holdover/codec"
	"github.com/holdover-go/holdover/store"
)

const (
	defaultPrefix   = "holdover:"
	defaultMaxValue = 64 << 20
	maxMaxValue     = 512 << 20 // what Redis takes in one string
	defaultTimeout  = 50 * time.Millisecond
	defaultMaxCalls = 1024

	// defaultJournalLife is a day more than holdover.Config.MaxLife is by default.
	defaultJournalLife = 8 * 24 * time.Hour
)

// Config configures a Store. The zero value is usable.
type Config struct {
	// Prefix stands before every name, so that several programs can share a
	// server; behind it come 32 hexadecimal digits. "" means "holdover:". In a
	// cluster a prefix with braces, such as "{site}:", puts all entries on one node.
	Prefix string

	// Codec is how entries are written. nil means codec.Default: text above 1 KiB is
	// compressed by zstd.
	Codec store.Codec

	// MaxValue is the length in bytes of the longest value, with its fields and
	// after compression. 0 means 64 MiB, and 512 MiB is the most that Redis takes.
	// Longer ones are refused with store.ErrTooLarge before the server is asked.
	MaxValue int

	// Timeout bounds a call whose context has no deadline, and in a Scan each
	// round trip. 0 means 50 ms.
	Timeout time.Duration

	// MaxCalls bounds the calls that wait for the server at the same time, those
	// that nobody waits for any more included. Further ones wait for a place,
	// within their deadline. 0 means 1024.
	MaxCalls int

	// JournalLife is for how long a purge is kept in the journal at least, see the
	// package's documentation. It must be as long as the life of stored responses,
	// holdover.Config.MaxLife, or longer: responses that know less than the oldest purge
	// are revalidated. Among stores on one journal the shortest counts. 0 means 8 days, a
	// day more than MaxLife is by default.
	JournalLife time.Duration
}

// withDefaults returns the config with its zero values replaced, or the mistakes in it.
func (c Config) withDefaults() (Config, error) {
	var wrong []error
	if at := strings.IndexByte(c.Prefix, '{'); at >= 0 && strings.HasPrefix(c.Prefix[at:], "{}") {
		wrong = append(wrong, errors.New("redis: Prefix must not begin its braces with {}, which a cluster doesn't take for a hash tag"))
	}
	if c.MaxValue < 0 || c.MaxValue > maxMaxValue {
		wrong = append(wrong, fmt.Errorf("redis: MaxValue is %d, must be from 0 to %d", c.MaxValue, maxMaxValue))
	}
	if c.Timeout < 0 {
		wrong = append(wrong, fmt.Errorf("redis: Timeout is %v, must not be negative", c.Timeout))
	}
	if c.MaxCalls < 0 {
		wrong = append(wrong, fmt.Errorf("redis: MaxCalls is %d, must not be negative", c.MaxCalls))
	}
	if c.JournalLife < 0 {
		wrong = append(wrong, fmt.Errorf("redis: JournalLife is %v, must not be negative", c.JournalLife))
	}
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
	if c.MaxCalls == 0 {
		c.MaxCalls = defaultMaxCalls
	}
	if c.JournalLife == 0 {
		c.JournalLife = defaultJournalLife
	}
	return c, errors.Join(wrong...)
}
