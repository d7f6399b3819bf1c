// SPDX-License-Identifier: MIT

package redis

import (
	"context"
	"encoding/hex"
	"iter"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/store"
)

const (
	scanCount = 100     // how many names the server is asked for at once
	scanBytes = 1 << 20 // how many bytes of values, if it is more than one value
)

// Scan yields the stored entries, each once, node by node. Values are fetched by the
// megabyte. It remembers 16 bytes for each of them, since the server may name one
// twice. A node that fails ends the scan; what moves from one node to another
// meanwhile may be missed.
func (s *Store) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		nodes, err := call(ctx, s, func(_ context.Context, c rueidis.Client) (map[string]rueidis.Client, error) {
			return c.Nodes(), nil
		})
		sc := &scan{s: s, ctx: ctx, yield: yield, seen: map[[16]byte]struct{}{}}
		for _, node := range nodes {
			if err == nil && !sc.stopped {
				err = sc.node(node)
			}
		}
		if err != nil && !sc.stopped {
			yield(nil, s.failure("scan", err))
		}
	}
}

// scan is a Scan under way.
type scan struct {
	s       *Store
	ctx     context.Context
	yield   func(*store.Entry, error) bool
	seen    map[[16]byte]struct{}
	stopped bool // by the loop
}

// node yields the entries of one node.
func (sc *scan) node(node rueidis.Client) error {
	pattern := globEscape.Replace(sc.s.cfg.Prefix) + strings.Repeat("?", hex.EncodedLen(16))
	for cursor := uint64(0); ; {
		page, err := ask(sc, func(ctx context.Context) (rueidis.ScanEntry, error) {
			return node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(scanCount).Build()).AsScanEntry()
		})
		if err == nil {
			err = sc.names(node, sc.unmet(page.Elements))
		}
		if err != nil || sc.stopped || page.Cursor == 0 {
			return err
		}
		cursor = page.Cursor
	}
}

// globEscape makes a prefix a pattern that matches only itself.
var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`)

// unmet returns those of the names that are names of ours and were not yielded yet.
func (sc *scan) unmet(names []string) []string {
	unmet := names[:0]
	for _, name := range names {
		if hash, ours := sc.hash(name); ours && !sc.met(hash) {
			unmet = append(unmet, name)
		}
	}
	return unmet
}

func (sc *scan) met(hash [16]byte) bool {
	_, met := sc.seen[hash]
	return met
}

// hash returns the hash of the key that a name was made of.
func (sc *scan) hash(name string) (hash [16]byte, ours bool) {
	digits, ours := strings.CutPrefix(name, sc.s.cfg.Prefix)
	if !ours || len(digits) != hex.EncodedLen(len(hash)) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(digits))
	return hash, err == nil
}

// names yields the entries under names, of which the node has the values. It asks how
// long these are first, to fetch no more than scanBytes at once.
func (sc *scan) names(node rueidis.Client, names []string) error {
	lengths, err := ask(sc, func(ctx context.Context) ([]rueidis.RedisResult, error) {
		commands := make(rueidis.Commands, len(names))
		for i, name := range names {
			commands[i] = node.B().Strlen().Key(name).Build()
		}
		return node.DoMulti(ctx, commands...), nil
	})
	if err != nil {
		return err
	}
	batch, bytes := names[:0], int64(0)
	for i, reply := range lengths {
		n, err := reply.AsInt64()
		switch {
		case passedOver(err):
			continue
		case err != nil:
			return err
		}
		if bytes += n; bytes > scanBytes && len(batch) > 0 {
			if err := sc.values(node, batch); err != nil || sc.stopped {
				return err
			}
			batch, bytes = names[:0], n
		}
		batch = append(batch, names[i])
	}
	return sc.values(node, batch)
}

// values yields the entries that can be read.
func (sc *scan) values(node rueidis.Client, names []string) error {
	replies, err := ask(sc, func(ctx context.Context) ([]rueidis.RedisResult, error) {
		return getAll(ctx, node, names), nil
	})
	if err != nil {
		return err
	}
	for i, reply := range replies {
		value, err := reply.AsBytes()
		if err != nil {
			if passedOver(err) {
				continue
			}
			return err
		}
		if e := sc.entry(names[i], value); e != nil && !sc.yield(e, nil) {
			sc.stopped = true
			return nil
		}
	}
	return nil
}

// entry reads a value, of which only the name is known. It returns nil where that isn't
// possible, or the entry's time is over, or it was yielded before.
func (sc *scan) entry(name string, value []byte) *store.Entry {
	e, err := sc.s.cfg.Codec.Decode(value)
	if err != nil || sc.s.name(e.Key()) != name || e.StoreUntil() <= time.Now().UnixNano() {
		return nil
	}
	hash, _ := sc.hash(name)
	if sc.met(hash) {
		return nil
	}
	sc.seen[hash] = struct{}{}
	return e
}

// passedOver reports whether a name is left out: it is gone meanwhile, or is no string, or
// another node has it, as a replica says of all it holds.
func passedOver(err error) bool {
	if rueidis.IsRedisNil(err) {
		return true
	}
	said, ok := rueidis.IsRedisErr(err)
	return ok && (isWrongType(said) || strings.HasPrefix(said.Error(), "MOVED ") || strings.HasPrefix(said.Error(), "ASK "))
}

// ask is call for one node.
func ask[T any](sc *scan, f func(ctx context.Context) (T, error)) (T, error) {
	return call(sc.ctx, sc.s, func(ctx context.Context, _ rueidis.Client) (T, error) { return f(ctx) })
}
