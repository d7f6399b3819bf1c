// SPDX-License-Identifier: MIT

package holdover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// remote is a store outside of this process, as a third party writes it: three
// methods. A test says what happens on the way.
type remote struct {
	before func(ctx context.Context, op, key string) error // nil for none

	mu      sync.Mutex
	entries map[string]*store.Entry
	writing map[string]int
	most    map[string]int // writes of a key at one time
	log     []string       // "set key", "delete key"
}

func newRemote(before func(ctx context.Context, op, key string) error) *remote {
	return &remote{before: before, entries: map[string]*store.Entry{}, writing: map[string]int{}, most: map[string]int{}}
}

func (s *remote) reach(ctx context.Context, op, key string) error {
	if s.before == nil {
		return ctx.Err()
	}
	return s.before(ctx, op, key)
}

func (s *remote) Get(ctx context.Context, key string) (*store.Entry, error) {
	if err := s.reach(ctx, "get", key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		return e, nil
	}
	return nil, store.ErrNotFound
}

func (s *remote) Set(ctx context.Context, key string, e *store.Entry) error {
	return s.write(ctx, "set", key, e)
}

func (s *remote) Delete(ctx context.Context, key string) error {
	return s.write(ctx, "delete", key, nil)
}

func (s *remote) write(ctx context.Context, op, key string, e *store.Entry) error {
	s.mu.Lock()
	s.log = append(s.log, op+" "+key)
	s.writing[key]++
	s.most[key] = max(s.most[key], s.writing[key])
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.writing[key]--
		s.mu.Unlock()
	}()
	if err := s.reach(ctx, op, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.entries, key)
	if e != nil {
		s.entries[key] = e
	}
	return nil
}

func (s *remote) written() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

func (s *remote) stands(key string) *store.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[key]
}

// What may happen on the way to a store.
func slow(d time.Duration) func(context.Context, string, string) error {
	return func(ctx context.Context, _, _ string) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func hanging(ctx context.Context, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func failing(context.Context, string, string) error { return errors.New("store is down") }

func panicking(context.Context, string, string) error { panic("store is broken") }

// only lets an operation have its trouble and the others none.
func only(op string, trouble func(context.Context, string, string) error) func(context.Context, string, string) error {
	return func(ctx context.Context, o, key string) error {
		if o == op {
			return trouble(ctx, o, key)
		}
		return ctx.Err()
	}
}

func filed(t testing.TB, key string, body string) *store.Entry {
	t.Helper()
	e, err := store.New(store.Response{Key: key, Status: 200, Body: []byte(body), StoreUntil: 1 << 62})
	require.NoError(t, err)
	return e
}

// queued is a cache over a remote store in a bubble; its store deadline is 50 ms.
func queued(t *testing.T, s store.Store, hook func(Event)) *Cache {
	t.Helper()
	c, err := New(Config{Store: s, OnEvent: hook, Detach: func(ctx context.Context) context.Context { return ctx }})
	require.NoError(t, err)
	return c
}

func TestWritesAreSeenWhileTheyAreQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(slow(20 * time.Millisecond))
		c := queued(t, s, nil)
		a, b := filed(t, "a", "1"), filed(t, "a", "2")
		c.writes.put("a", write{entry: a})
		got, known := c.writes.get([]byte("a"))
		require.True(t, known)
		require.Same(t, a, got)

		synctest.Wait() // a is being written
		c.writes.put("a", write{entry: b})
		got, _ = c.writes.get([]byte("a"))
		require.Same(t, b, got)
		c.writes.put("a", write{})
		got, known = c.writes.get([]byte("a"))
		require.True(t, known, "a queued delete is known")
		require.Nil(t, got)

		time.Sleep(time.Second)
		_, known = c.writes.get([]byte("a"))
		require.False(t, known)
		require.Equal(t, []string{"set a", "delete a"}, s.written(), "the newest only")
		require.Nil(t, s.stands("a"))
		require.NoError(t, c.Close())
	})
}

func TestNewestWriteWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(slow(10 * time.Millisecond))
		c := queued(t, s, nil)
		last := map[string]*store.Entry{}
		for i := range 200 {
			key := fmt.Sprintf("key-%d", i%7)
			last[key] = filed(t, key, fmt.Sprint(i))
			c.writes.put(key, write{entry: last[key]})
			if i%13 == 0 {
				time.Sleep(3 * time.Millisecond)
			}
		}
		require.NoError(t, c.Close())
		for key, e := range last {
			require.Same(t, e, s.stands(key))
			require.Equal(t, 1, s.most[key], "writes of a key overlap")
		}
		require.Less(t, len(s.written()), 100)
	})
}

// A removal that is still queued is not undone by a failed response that is to be
// stored where nothing stands.
func TestQueuedDeleteOutlivesASetIfAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(slow(10 * time.Millisecond))
		c := queued(t, s, nil)
		old, failure := filed(t, "a", "old"), filed(t, "a", "failure")
		s.entries["a"] = old
		for i := range writers { // keep the writers busy
			c.writes.put(fmt.Sprint(i), write{entry: filed(t, "x", "x")})
		}
		c.writes.put("a", write{})
		c.writes.put("a", write{entry: failure, absent: true})
		require.Same(t, failure, c.get(t.Context(), []byte("a")))
		require.NoError(t, c.Close())
		require.Same(t, failure, s.stands("a"), "nothing stands any more")
	})
}

func TestSetIfAbsentNeverReplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(nil)
		c := queued(t, s, nil)
		good, failure := filed(t, "a", "good"), filed(t, "a", "failure")
		s.entries["a"] = good
		c.writes.put("a", write{entry: failure, absent: true})
		c.writes.put("b", write{entry: failure, absent: true})
		c.writes.put("c", write{entry: good})
		c.writes.put("c", write{entry: failure, absent: true}) // behind one that is queued
		require.NoError(t, c.Close())
		require.Same(t, good, s.stands("a"))
		require.Same(t, failure, s.stands("b"))
		require.Same(t, good, s.stands("c"))
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := queued(t, newRemote(hanging), nil)
		e := filed(t, "k", "")
		for i := range maxQueued + 100 {
			c.writes.put(fmt.Sprint(i), write{entry: e})
		}
		require.EqualValues(t, 100, c.Stats().WritesDropped)
		c.writes.put("0", write{}) // the newest of a queued key always finds room
		_, known := c.writes.get([]byte("0"))
		require.True(t, known)
		require.EqualValues(t, 100, c.Stats().WritesDropped)
		_ = c.Close()
	})
}

// The bound counts bytes too: a store that hangs must not fill the memory.
func TestQueueIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Store: newRemote(hanging), MaxInFlight: 1 << 20})
		require.NoError(t, err)
		e := filed(t, "k", strings.Repeat("x", 100<<10))
		for i := range 1000 {
			c.writes.put(fmt.Sprint(i), write{entry: e})
		}
		n := 0
		for i := range 1000 {
			if _, known := c.writes.get(fmt.Append(nil, i)); known {
				n += e.Size()
			}
		}
		require.Positive(t, n)
		require.LessOrEqual(t, n, 2<<20)
		require.Positive(t, c.Stats().WritesDropped)
		_ = c.Close()
	})
}

// Queued writes get one store deadline, those under way end by their own.
func TestCloseGivesQueuedWritesOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(hanging)
		c := queued(t, s, nil)
		for i := range 500 {
			c.writes.put(fmt.Sprint(i), write{entry: filed(t, "k", "")})
		}
		began := time.Now()
		_ = c.Close()
		require.LessOrEqual(t, time.Since(began), 2*c.writes.timeout)
		require.GreaterOrEqual(t, time.Since(began), c.writes.timeout)
		n := len(s.written())
		time.Sleep(time.Minute)
		require.Len(t, s.written(), n, "nothing is written after Close")
		c.writes.put("late", write{entry: filed(t, "k", "")})
		time.Sleep(time.Minute)
		require.Len(t, s.written(), n)
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(slow(time.Millisecond))
		c := queued(t, s, nil)
		for i := range 100 {
			c.writes.put(fmt.Sprint(i), write{entry: filed(t, "k", "")})
		}
		require.NoError(t, c.Close())
		require.Len(t, s.entries, 100)
	})
}

// A store that ignores its context breaks its contract. Close is bounded all the same.
func TestCloseIsBoundedWithAStoreThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newRemote(only("set", func(context.Context, string, string) error { <-release; return nil }))
		c, err := New(Config{Store: s, CloseTimeout: time.Second})
		require.NoError(t, err)
		c.writes.put("a", write{entry: filed(t, "a", "")})
		closed := make(chan error, 1)
		go func() { closed <- c.Close() }()
		select {
		case err := <-closed:
			require.Error(t, err, "a write is still running")
		case <-time.After(time.Minute):
			t.Error("Close hangs")
		}
		close(release)
	})
}

// trouble makes a page behind a store in trouble, and the events that it causes.
func trouble(t *testing.T, s *remote, status int, lines ...string) (*Cache, http.Handler, func(EventKind) int) {
	t.Helper()
	var mu sync.Mutex
	count := map[EventKind]int{}
	c := queued(t, s, func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		count[e.Kind]++
	})
	header := fields(lines...)
	h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write([]byte("answer"))
	}))
	return c, h, func(k EventKind) int { mu.Lock(); defer mu.Unlock(); return count[k] }
}

func TestStoreErrorsAreMisses(t *testing.T) {
	for name, happens := range map[string]func(context.Context, string, string) error{
		"failing": failing, "panicking": panicking, "hanging": hanging,
	} {
		for _, op := range []string{"get", "set"} {
			t.Run(name+" "+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, h, events := trouble(t, newRemote(only(op, happens)), 200, "Cache-Control: max-age=60")
					const rounds = 2 // one more opens the breaker
					for range rounds {
						w := fetchPage(h)
						require.Equal(t, 200, w.Code)
						require.Equal(t, "answer", w.Body.String())
						time.Sleep(2 * time.Second) // a write is given up by then
					}
					require.EqualValues(t, events(EventStoreError), c.Stats().StoreErrors)
					require.Equal(t, rounds, events(EventStoreError))
					require.Equal(t, rounds, events(EventAnswer))
					require.EqualValues(t, rounds, c.Stats().Fetches)
					require.NoError(t, c.Close())
				})
			})
		}
	}
}

// Writes are never on a client's path.
func TestSlowWritesBlockNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(only("set", slow(40*time.Millisecond)))
		c, h, _ := trouble(t, s, 200, "Cache-Control: max-age=60")
		began := time.Now()
		require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "fwd=uri-miss")
		for range 5 { // found in the queue
			require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "; hit")
		}
		require.Zero(t, time.Since(began))
		require.EqualValues(t, 1, c.Stats().Fetches)
		time.Sleep(time.Second)
		require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "; hit")
		require.NoError(t, c.Close())
	})
}

// One deadline bounds all the trips of a lookup.
func TestStoreDeadlineBoundsALookup(t *testing.T) {
	for _, tt := range []struct {
		name string
		get  func(trip int) time.Duration
		want time.Duration
	}{
		{"the first trip hangs", func(int) time.Duration { return time.Hour }, 50 * time.Millisecond},
		{"the second trip hangs", func(trip int) time.Duration { return []time.Duration{20 * time.Millisecond, time.Hour}[trip-1] }, 50 * time.Millisecond},
		{"both are slow", func(int) time.Duration { return 20 * time.Millisecond }, 40 * time.Millisecond},
		{"together too slow", func(int) time.Duration { return 30 * time.Millisecond }, 50 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				trip := 0
				armed := false
				s := newRemote(only("get", func(ctx context.Context, _, _ string) error {
					if !armed {
						return nil
					}
					trip++
					return slow(tt.get(trip))(ctx, "", "")
				}))
				c, h, _ := trouble(t, s, 200, "Cache-Control: max-age=60", "Vary: Accept")
				fetchPage(h)
				synctest.Wait()
				armed = true
				began := time.Now()
				require.Equal(t, 200, fetchPage(h).Code)
				require.Equal(t, tt.want, time.Since(began))
				armed = false
				require.NoError(t, c.Close())
			})
		})
	}
}

// A store that gives another key's entry, or a variant of another generation, gave nothing.
func TestForeignEntriesAreMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(nil)
		c, h, _ := trouble(t, s, 200, "Cache-Control: max-age=60")
		fetchPage(h)
		synctest.Wait()
		require.Len(t, s.entries, 1)
		for key := range s.entries {
			foreign, err := store.New(store.Response{Key: key + "x", Status: 200, Lifetime: time.Hour, LifetimeFrom: store.SourceMaxAge, ResponseTime: time.Now().UnixNano(), StoreUntil: 1 << 62})
			require.NoError(t, err)
			s.entries[key] = foreign
		}
		require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "fwd=uri-miss")
		require.NoError(t, c.Close())
	})
}

// A client that leaves is no failure of the store.
func TestClientThatLeavesIsNoStoreError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := queued(t, newRemote(hanging), nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		require.Nil(t, c.get(ctx, []byte("a")))
		require.Zero(t, c.Stats().StoreErrors)
		require.NoError(t, c.Close())
	})
}

// wrapping gives a remote store the powers of one in this process, as a wrapper has them
// for whatever it wraps.
type wrapping struct{ *remote }

func (w wrapping) GetBytes(ctx context.Context, key []byte, _ int64) (*store.Entry, error) {
	return store.GetBytes(ctx, w.remote, key)
}

func (w wrapping) SetIfNewer(ctx context.Context, key string, e *store.Entry) (bool, error) {
	return store.SetIfNewer(ctx, w.remote, key, e)
}

// localWrapping is the same, and says so.
type localWrapping struct{ wrapping }

func (localWrapping) Local() bool { return true }

// Only a store that says that it is in this process is called without a deadline and
// written to on a client's path.
func TestWrappersAreLocalOnlyIfTheySaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(hanging)
		c := queued(t, wrapping{s}, nil)
		h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = w.Write([]byte("answer"))
		}))
		began := time.Now()
		require.Equal(t, "answer", fetchPage(h).Body.String())
		require.Equal(t, 50*time.Millisecond, time.Since(began), "the lookup's deadline; the write is queued")
		require.Contains(t, fetchPage(h).Header().Get("Cache-Status"), "; hit", "found in the queue")
		require.NoError(t, c.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		s := newRemote(nil)
		c := queued(t, localWrapping{wrapping{s}}, nil)
		c.writes.put("k", write{entry: filed(t, "k", "x")})
		require.NotNil(t, s.stands("k"), "written at once")
		require.NoError(t, c.Close())
	})
}
