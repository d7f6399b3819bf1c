// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// script is what a store does before it answers: it may wait, and fail.
type script func(ctx context.Context) error

func hangs(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func fails(context.Context) error     { return errOut }
func panics(context.Context) error    { panic("out of order") }

func slow(d time.Duration) script {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// server is a store whose reads, writes and journal follow scripts, which may change.
type server struct {
	mu      sync.Mutex
	entries map[string]*store.Entry
	reading script
	writing script
	reads   []string // the keys that were asked for
	writes  []string
	asked   []time.Time
	left    []time.Duration // until the deadline of each call, 0 for none
	closed  bool
	journal serverJournal
}

func newServer() *server { return &server{entries: map[string]*store.Entry{}} }

// does sets what reads and writes do; nil is nothing.
func (s *server) does(reading, writing script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading, s.writing = reading, writing
}

func (s *server) begin(ctx context.Context, writes bool, key string) error {
	s.mu.Lock()
	do := s.reading
	if writes {
		do, s.writes = s.writing, append(s.writes, key)
	} else {
		s.reads = append(s.reads, key)
	}
	var left time.Duration
	if d, ok := ctx.Deadline(); ok {
		left = time.Until(d)
	}
	s.asked, s.left = append(s.asked, time.Now()), append(s.left, left)
	s.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

func (s *server) Get(ctx context.Context, key string) (*store.Entry, error) {
	if err := s.begin(ctx, false, key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		return e, nil
	}
	return nil, store.ErrNotFound
}

func (s *server) GetMany(ctx context.Context, keys []string) ([]*store.Entry, error) {
	if err := s.begin(ctx, false, keys[0]); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*store.Entry, len(keys))
	for i, key := range keys {
		list[i] = s.entries[key]
	}
	return list, nil
}

func (s *server) Set(ctx context.Context, key string, e *store.Entry) error {
	if err := s.begin(ctx, true, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[key] = e
	return nil
}

func (s *server) Delete(ctx context.Context, key string) error {
	if err := s.begin(ctx, true, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	return nil
}

func (s *server) Scan(ctx context.Context) iter.Seq2[*store.Entry, error] {
	return func(yield func(*store.Entry, error) bool) {
		err := s.begin(ctx, false, "scan")
		s.mu.Lock()
		list := slices.Collect(maps.Values(s.entries))
		s.mu.Unlock()
		for _, e := range list {
			if err != nil {
				break
			}
			if !yield(e, nil) {
				return
			}
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (s *server) Ping(ctx context.Context) error { return s.begin(ctx, false, "ping") }

func (s *server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *server) put(e *store.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries[e.Key()] = e
}

func (s *server) has(key string) *store.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[key]
}

// forget returns how often it was read and written, and begins to count anew.
func (s *server) forget() (reads, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reads, writes = len(s.reads), len(s.writes)
	s.reads, s.writes, s.asked, s.left = nil, nil, nil, nil
	return reads, writes
}

// share returns what the first call had until its deadline.
func (s *server) share() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left[0]
}

// serverJournal is a journal that follows a script.
type serverJournal struct {
	mu    sync.Mutex
	epoch [16]byte
	marks []store.Mark
	does  script
}

func (j *serverJournal) begin(ctx context.Context) error {
	j.mu.Lock()
	do := j.does
	j.mu.Unlock()
	if do == nil {
		return nil
	}
	return do(ctx)
}

func (j *serverJournal) is(do script) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.does = do
}

func (j *serverJournal) Append(ctx context.Context, marks []store.Mark) (store.Position, error) {
	if err := j.begin(ctx); err != nil {
		return store.Position{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marks = append(j.marks, marks...)
	return store.Position{Epoch: j.epoch, Seq: uint64(len(j.marks))}, nil
}

func (j *serverJournal) Read(ctx context.Context, from store.Position) (store.JournalPage, error) {
	if err := j.begin(ctx); err != nil {
		return store.JournalPage{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	page := store.JournalPage{Epoch: j.epoch, Marks: slices.Clone(j.marks)}
	if from.Epoch == j.epoch && from.Seq > 0 && from.Seq <= uint64(len(j.marks)) {
		page.Base = from.Seq - 1
		page.Marks = page.Marks[page.Base:]
	}
	return page, nil
}

func (j *serverJournal) Renew(ctx context.Context, epoch [16]byte) error {
	if err := j.begin(ctx); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.epoch == epoch {
		j.epoch, j.marks = [16]byte{j.epoch[0] + 1}, nil
	}
	return nil
}

func (j *serverJournal) list() []store.Mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.marks)
}

// journaled is a server whose journal is a power of it.
type journaled struct{ *server }

func (s journaled) JournalOf() (store.Journal, error) { return &s.journal, nil }

func newJournaled(epoch byte) journaled {
	s := newServer()
	s.journal.epoch = [16]byte{epoch}
	return journaled{s}
}

// follow reads journals as a cache does, every 100 ms, until the test ends.
func follow(t *testing.T, f *store.Failover) {
	var running sync.WaitGroup
	ended := make(chan struct{})
	for _, j := range store.JournalsOf(f) {
		running.Go(func() {
			var at store.Position
			for {
				began := time.Now()
				ctx, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
				page, err := j.Read(ctx, at)
				cancel()
				if err == nil {
					at = page.Position()
					j.(store.Merger).Merged(began)
				}
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ended:
					return
				}
			}
		})
	}
	t.Cleanup(func() { close(ended); running.Wait() })
}

// over returns a Failover of these members, which is closed in the end.
func over(t *testing.T, cfg store.FailoverConfig, members ...store.Store) *store.Failover {
	t.Helper()
	f, err := store.NewFailover(cfg, members...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// bubble runs a test on a virtual clock.
func bubble(t *testing.T, test func(t *testing.T)) { synctest.Test(t, test) }

// about returns a context that ends after d.
func about(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// made returns an entry that was fetched at that instant.
func made(t testing.TB, key string, at time.Time, known ...store.Position) *store.Entry {
	return encode(t, store.Response{
		Key: key, Status: 200, AsOf: known,
		RequestTime: at.UnixNano(), ResponseTime: at.UnixNano(), StoreUntil: at.Add(24 * time.Hour).UnixNano(),
		StaleWhileRevalidate: store.Absent, StaleIfError: store.Absent,
	})
}

// entry returns one that was fetched now.
func entry(t testing.TB, key string) *store.Entry { return made(t, key, time.Now()) }

// get reads within 100 ms, and returns the error and how long it took.
func get(t *testing.T, s store.Store, key string) (*store.Entry, time.Duration, error) {
	t.Helper()
	began := time.Now()
	e, err := s.Get(about(t, 100*time.Millisecond), key)
	if err != nil && errors.Is(err, context.Canceled) {
		require.Fail(t, "cancelled", "%v", err)
	}
	return e, time.Since(began), err
}

// breaks makes reads of the first member fail until it is open.
func breaks(t *testing.T, f *store.Failover, s *server) {
	t.Helper()
	s.does(fails, fails)
	for range 3 {
		_, _, _ = get(t, f, "k")
	}
	require.Equal(t, store.Open, f.States()[0])
}

// returns makes the first member work again, and waits until it was probed.
func returns(t *testing.T, f *store.Failover, s *server) {
	t.Helper()
	s.does(nil, nil)
	time.Sleep(3 * time.Second) // it is probed by itself, or now
	_, _, _ = get(t, f, "probe")
	synctest.Wait()
	require.NotEqual(t, store.Open, f.States()[0])
}
