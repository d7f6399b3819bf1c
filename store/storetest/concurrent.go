// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
)

const (
	workers = 8
	rounds  = 40
)

// concurrent lets all workers set, get and delete the same few keys.
func (s suite) concurrent() {
	keys := make([]string, 5)
	for i := range keys {
		keys[i] = s.key(strconv.Itoa(i))
	}
	s.parallel(func(ctx context.Context, worker int) error {
		for round := range rounds {
			key := keys[(worker+round)%len(keys)]
			if err := s.disturb(ctx, key, worker, round); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s suite) disturb(ctx context.Context, key string, worker, round int) error {
	switch (worker*3 + round) % 8 {
	case 0:
		return s.store.Delete(ctx, key)
	case 1, 2, 3:
		e, err := store.New(response(key, signed(key, worker*round)))
		if err != nil {
			return err
		}
		return s.store.Set(ctx, key, e)
	}
	e, err := s.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	body := string(e.Body())
	if e.Key() != key || !strings.HasPrefix(body, key) || body != signed(key, len(body)/len(key)-1) {
		return fmt.Errorf("concurrent calls never mix entries: asked for %q, got %q with %.200q", key, e.Key(), body)
	}
	return nil
}

// signed returns a body whose every part shows the key that it belongs to.
func signed(key string, n int) string { return strings.Repeat(key, n%50+1) }

// readAfterSet has one writer for each key, which publishes every version once
// Set returned, and readers that must not see an older one.
func (s suite) readAfterSet() {
	if s.features.Eventual {
		return
	}
	var published [workers / 2]atomic.Int64
	var keys [workers / 2]string
	for i := range keys {
		keys[i] = s.key(strconv.Itoa(i))
	}
	s.parallel(func(ctx context.Context, worker int) error {
		key, version := keys[worker/2], &published[worker/2]
		if worker%2 == 0 {
			return s.writeVersions(ctx, key, version)
		}
		return s.readVersions(ctx, key, version)
	})
}

func (s suite) writeVersions(ctx context.Context, key string, published *atomic.Int64) error {
	for v := range int64(rounds) {
		e, err := store.New(response(key, strconv.FormatInt(v+1, 10)))
		if err != nil {
			return err
		}
		if err := s.store.Set(ctx, key, e); err != nil {
			return err
		}
		published.Store(v + 1)
		if err := s.readVersion(ctx, key, v+1); err != nil {
			return err
		}
	}
	return nil
}

func (s suite) readVersions(ctx context.Context, key string, published *atomic.Int64) error {
	for last := int64(0); last < rounds && ctx.Err() == nil; {
		last = published.Load()
		if err := s.readVersion(ctx, key, last); err != nil {
			return err
		}
	}
	return nil
}

// readVersion accepts a miss: a store may drop what it likes.
func (s suite) readVersion(ctx context.Context, key string, least int64) error {
	e, err := s.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	got, err := strconv.ParseInt(string(e.Body()), 10, 64)
	if err == nil && got < least {
		return fmt.Errorf("a Get that begins after a Set returned never sees an older entry: got version %d after %d", got, least)
	}
	return err
}

// parallel runs the workers and fails with the first of their errors, which
// ends the context of the others.
func (s suite) parallel(work func(ctx context.Context, worker int) error) {
	s.Helper()
	group, ctx := errgroup.WithContext(s.Context())
	for worker := range workers {
		group.Go(func() error { return work(ctx, worker) })
	}
	require.NoError(s, group.Wait())
}
