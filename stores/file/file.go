// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/holdover-go/holdover/store"
)

const (
	storeName = "file" // in errors

	// How many reads and how many writes may be under way at once. Further ones wait
	// within their deadlines.
	maxReaders = 32
	maxWriters = 16
)

// The powers that a Store has.
var (
	_ store.Store        = (*Store)(nil)
	_ store.ManyGetter   = (*Store)(nil)
	_ store.AbsentSetter = (*Store)(nil)
	_ store.NewerSetter  = (*Store)(nil)
	_ store.Scanner      = (*Store)(nil)
	_ store.Pinger       = (*Store)(nil)
	_ store.Closer       = (*Store)(nil)
)

// Store keeps entries in files. It must be closed, which ends its goroutines.
type Store struct {
	cfg    Config
	values store.Values
	codec  store.Codec

	folder    atomic.Pointer[folder]
	reopening sync.Mutex
	tag       string        // in the names of this store's temporary files
	temps     atomic.Uint64 // how many there were

	index   *index
	room    *semaphore.Weighted // for files that are being written, in blocks
	turns   keyLocks            // held by who sets or deletes, from the first look to the end
	changes keyLocks            // held for the moment in which a file comes, goes or is replaced

	readers, writers *workers
	keeper           keeper
	journal          journal
	quit             chan struct{}
	closing          sync.Once
	closed           error
}

// New returns a store on the folder cfg.Dir, or an error that names the field of cfg that
// is wrong. It serves what is in the folder at once; a survey, which counts the files and
// may find that some must go, runs in the background.
func New(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("file: Dir: %w", err)
	}
	f, err := openFolder(cfg.Dir, true)
	if err != nil {
		return nil, fmt.Errorf("file: Dir: %w", err)
	}
	quit := make(chan struct{})
	s := &Store{
		cfg:   cfg,
		codec: cfg.Codec, values: store.Values{Store: storeName, Codec: cfg.Codec, MaxLen: cfg.MaxValue},
		tag:   rand.Text()[:tagLen],
		index: newIndex(cfg.MaxBytes), room: semaphore.NewWeighted(cfg.MaxBytes / maxValueShare / blockLen),
		readers: newWorkers(maxReaders, quit), writers: newWorkers(maxWriters, quit), quit: quit,
	}
	if s.codec == nil {
		s.codec = store.Plain
	}
	s.folder.Store(f)
	s.keeper.start(s)
	return s, nil
}

// Get returns the entry stored under key, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, key string) (*store.Entry, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	e, err := s.get(ctx, key)
	return e, s.failure("get", err)
}

// Set stores the entry under key. If it fails, what stood there may be gone.
func (s *Store) Set(ctx context.Context, key string, e *store.Entry) error {
	_, err := s.set(ctx, key, e, nil)
	return s.failure("set", err)
}

// SetIfAbsent stores the entry where none stands under key, and reports whether it did.
// It is atomic among the callers of this Store; of two processes both may succeed.
func (s *Store) SetIfAbsent(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.set(ctx, key, e, func(*store.Entry) bool { return false })
	return done, s.failure("set if absent", err)
}

// SetIfNewer stores the entry where none stands under key or an older one, and reports
// whether it did. It is atomic among the callers of this Store; of two processes that set
// at the same time, the older may win.
func (s *Store) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	done, err := s.set(ctx, key, e, e.Newer)
	return done, s.failure("set if newer", err)
}

// Delete drops what is stored under key.
func (s *Store) Delete(ctx context.Context, key string) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	h := hashOf(key)
	err := s.turns.lock(ctx, h)
	if err == nil {
		err = s.drop(ctx, h)
	}
	return s.failure("delete", err)
}

// Stats are figures of a store.
type Stats struct {
	// Entries is how many files the store knows of. Another process may have
	// written some since the last survey.
	Entries int
	// Bytes is what these and the temporary files take of MaxBytes.
	Bytes int64
	// Evictions is how many files were removed to make room, since New.
	Evictions uint64
	// Surveyed says that the first survey has ended: the store knows what stood in
	// the folder when it was opened.
	Surveyed bool
}

// Stats returns the figures of now. It asks the memory only.
func (s *Store) Stats() Stats { return s.index.stats() }

// Close ends the goroutines and waits for them, for Config.Timeout at most: if a disk
// hangs, it returns an error, and the goroutines end when the disk lets go of them. The
// entries stay. All methods but Stats fail with store.ErrClosed from then on; Close may
// be called again.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.quit)
		timeout := time.NewTimer(s.cfg.Timeout)
		defer timeout.Stop()
		if !s.keeper.wait(timeout.C) || !s.readers.wait(timeout.C) || !s.writers.wait(timeout.C) {
			s.closed = s.failure("close", errHangs)
			return
		}
		s.journal.close()
		s.folder.Load().close()
	})
	return s.closed
}

var errHangs = errors.New("the disk hangs")

// bounded gives a context without a deadline the one of the config.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, set := ctx.Deadline(); set {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.cfg.Timeout)
}

func (s *Store) failure(op string, err error) error {
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.values.Failure(op, plain(err))
}
