// SPDX-License-Identifier: MIT

package holdover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
	"github.com/holdover-go/holdover/stores/memory"
)

// within asks with a deadline that outer middleware sets.
func within(t *testing.T, h http.Handler, d time.Duration, fields ...string) (*httptest.ResponseRecorder, time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	w, began := httptest.NewRecorder(), time.Now()
	h.ServeHTTP(w, request("GET", page1, fields...).WithContext(ctx))
	return w, time.Since(began)
}

// A request whose own deadline is nearer than the soft timeout gets the stored page in time.
func TestOwnDeadlineWithCopy(t *testing.T) {
	for name, age := range map[string]string{"begins the fetch": "", "joins it": "joined"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOrigin(answer(200, "old", "Cache-Control", windowed))
				h := newCache(t, holdover.Config{}).Handler(o)
				get(h)
				time.Sleep(2 * time.Second)
				o.set(slowly(300*time.Millisecond, answer(200, "new", "Cache-Control", "max-age=60")))
				if age != "" {
					go get(h)
					synctest.Wait()
				}
				w, took := within(t, h, 100*time.Millisecond)
				require.Equal(t, "old", w.Body.String())
				require.Contains(t, w.Header().Get("Cache-Status"), "detail=soft-timeout")
				require.Equal(t, 90*time.Millisecond, took, "in time for the answer to arrive")
				time.Sleep(time.Second)
				require.Equal(t, "new", get(h).Body.String(), "the fetch went on behind")
				require.EqualValues(t, 2, o.calls.Load())
			})
		})
	}
}

// Without a copy it gets an honest error, not an empty answer, and the fetch goes on.
func TestOwnDeadlineWithoutCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(slowly(2*time.Second, answer(200, "hello", "Cache-Control", "max-age=60")))
		h := newCache(t, holdover.Config{}).Handler(o)
		together(2, func(int) {
			w, took := within(t, h, time.Second)
			require.Equal(t, 504, w.Code)
			require.Equal(t, 950*time.Millisecond, took)
		})
		time.Sleep(2 * time.Second)
		require.Equal(t, "hello", get(h).Body.String())
		require.EqualValues(t, 1, o.calls.Load())
	})
}

// http.TimeoutHandler outside sees an answer before it gives up.
func TestTimeoutHandlerOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "old", "Cache-Control", windowed))
		h := http.TimeoutHandler(newCache(t, holdover.Config{}).Handler(o), 200*time.Millisecond, "too late")
		get(h)
		time.Sleep(2 * time.Second)
		o.set(slowly(time.Minute, answer(200, "new")))
		w := get(h)
		require.Equal(t, 200, w.Code)
		require.Equal(t, "old", w.Body.String())
	})
}

// A request that waits for a handler which ignores its context has its deadline too.
func TestOwnDeadlineBehindABlockedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{HardTimeout: time.Second}}}).
			Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(5 * time.Second) }))
		require.Equal(t, 504, get(h).Code)
		w, took := within(t, h, 400*time.Millisecond)
		require.Equal(t, 504, w.Code)
		require.Equal(t, 360*time.Millisecond, took)
		time.Sleep(5 * time.Second)
	})
}

// A handler that runs for one request alone and obeys its deadline has nothing to say: that
// must not become an empty page.
func TestOwnDeadlineAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "mine", "Cache-Control", "private"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		o.set(slowly(time.Minute, answer(200, "mine", "Cache-Control", "private")))
		w, _ := within(t, h, time.Second)
		require.Equal(t, 504, w.Code)
	})
}

// A healthy origin that takes long is waited for, also by a process that has not yet
// seen how long it takes.
func TestSlowOriginIsAnsweredFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, err := memory.New(memory.Config{})
		require.NoError(t, err)
		o := newOrigin(slowly(700*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			answer(200, strconv.FormatInt(time.Now().UnixNano(), 10), "Cache-Control", windowed)(w, r)
		}))
		for range 2 { // the second one finds what the first one stored
			h := newCache(t, holdover.Config{Store: shared}).Handler(o)
			for range 5 {
				began := time.Now()
				w := get(h)
				require.NotContains(t, w.Header().Get("Cache-Status"), "ttl=-")
				made, err := strconv.ParseInt(w.Body.String(), 10, 64)
				require.NoError(t, err)
				require.GreaterOrEqual(t, made, began.UnixNano())
				time.Sleep(2 * time.Second)
			}
		}
	})
}

// Twenty requests at once for a page that belongs to each of them alone wait for the
// origin, not for one another; the first time, once for what tells so.
func TestPrivatePageForMany(t *testing.T) {
	for name, credential := range map[string]string{"no credentials": "X-Who", "cookies": "Cookie", "authorization": "Authorization"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{}).Handler(newOrigin(func(w http.ResponseWriter, r *http.Request) {
					slowly(300*time.Millisecond, answer(200, r.Header.Get(credential), "Cache-Control", "private"))(w, r)
				}))
				for round := range 4 {
					began := time.Now()
					together(20, func(i int) {
						who := "user=" + string(rune('a'+i))
						w := get(h, credential, who)
						require.Equal(t, who, w.Body.String())
						took := time.Since(began)
						if round == 0 {
							require.LessOrEqual(t, took, 600*time.Millisecond)
						} else {
							require.Equal(t, 300*time.Millisecond, took)
						}
					})
					time.Sleep(time.Second)
				}
			})
		})
	}
}

// What streams is not cut, however long it lasts, and ends with its client.
func TestHourOfBytes(t *testing.T) {
	const hour = time.Hour
	for name, tt := range map[string]struct {
		accept, contentType, control string
		piece, pieces                int
	}{
		"events, asked for":              {"text/event-stream", "text/event-stream", "no-cache", 20, 3600},
		"events, not asked for":          {"", "text/event-stream", "no-store", 20, 3600},
		"events without Cache-Control":   {"", "text/event-stream", "", 20, 3600},
		"download, larger than MaxBody":  {"", "application/zip", "max-age=600", 16 << 10, 3600},
		"download that is stored":        {"", "application/zip", "max-age=7200", 1 << 10, 3600},
		"download, private":              {"", "application/zip", "private", 1 << 10, 3600},
		"long polls, a piece a minute":   {"", "application/json", "no-store", 20, 60},
		"events, a piece in ten minutes": {"text/event-stream", "text/event-stream", "no-store", 20, 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				running := make(chan struct{})
				o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
					defer close(running)
					setFields(w.Header(), []string{"Content-Type", tt.contentType})
					if tt.control != "" {
						w.Header().Set("Cache-Control", tt.control)
					}
					for range tt.pieces {
						if _, err := w.Write(make([]byte, tt.piece)); err != nil {
							return
						}
						_ = http.NewResponseController(w).Flush()
						select {
						case <-time.After(hour / time.Duration(tt.pieces)):
						case <-r.Context().Done():
							return
						}
					}
				})
				var fields []string
				if tt.accept != "" {
					fields = []string{"Accept", tt.accept}
				}
				h := newCache(t, holdover.Config{}).Handler(o)
				began := time.Now()
				w := get(h, fields...)
				require.Equal(t, tt.piece*tt.pieces, w.Body.Len())
				require.Equal(t, hour, time.Since(began))
				<-running

				if tt.control == "max-age=7200" {
					require.Contains(t, get(h).Header().Get("Cache-Status"), "hit", "it was stored on the way")
					return
				}
				// A client that leaves after a while takes the handler with it.
				running = make(chan struct{})
				ctx, leave := context.WithCancel(t.Context())
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					defer func() { _ = recover() }() // an aborted connection
					h.ServeHTTP(discards{http.Header{}}, request("GET", page1, fields...).WithContext(ctx))
				}()
				time.Sleep(20 * time.Minute)
				leave()
				<-gone
				left := time.Now()
				<-running
				require.LessOrEqual(t, time.Since(left), time.Second)
			})
		})
	}
}

// What has no end is never stored, whatever it or the policy says: its handler ends with its
// client.
func TestEndlessAnswersEndWithTheirClients(t *testing.T) {
	for name, fields := range map[string][]string{
		"events that may be stored":   {"Content-Type", "text/event-stream; charset=utf-8", "Cache-Control", "max-age=60"},
		"events without a word":       {"Content-Type", "Text/Event-Stream"},
		"events, no-cache":            {"Content-Type", "text/event-stream", "Cache-Control", "no-cache"},
		"pictures":                    {"Content-Type", "multipart/x-mixed-replace; boundary=x", "Cache-Control", "max-age=60"},
		"anything, no-cache":          {"Content-Type", "text/plain", "Cache-Control", "no-cache"},
		"anything, never to be stale": {"Content-Type", "text/plain", "Cache-Control", "max-age=0, must-revalidate"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCache(t, holdover.Config{Policy: holdover.Policy{
					Freshness: holdover.Freshness{DefaultTTL: time.Minute},
					Grace:     holdover.Grace{StaleIfError: time.Hour, StaleWhileRevalidate: time.Hour},
				}})
				h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					setFields(w.Header(), fields)
					for r.Context().Err() == nil {
						_, _ = io.WriteString(w, "data: x\n\n")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(time.Second)
					}
				}))
				for range 3 {
					ctx, leave := context.WithCancel(t.Context())
					gone := make(chan struct{})
					go func() {
						defer close(gone)
						defer func() { _ = recover() }() // an aborted connection
						h.ServeHTTP(discards{http.Header{}}, request("GET", page1).WithContext(ctx))
					}()
					time.Sleep(5 * time.Second)
					leave()
					<-gone
					time.Sleep(2 * time.Second)
					require.Zero(t, c.Stats().Running)
				}
			})
		})
	}
}

// A server that stops writing after a while gets its answer before.
func TestWriteTimeoutOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newCache(t, holdover.Config{}).Handler(slowly(10*time.Second, answer(200, "hello", "Cache-Control", "max-age=60")))
		server := &http.Server{WriteTimeout: 2 * time.Second}
		r := request("GET", page1)
		w, began := httptest.NewRecorder(), time.Now()
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server)))
		require.Equal(t, 504, w.Code)
		require.Equal(t, 1950*time.Millisecond, time.Since(began))
		time.Sleep(10 * time.Second)
		require.Equal(t, "hello", get(h).Body.String())
	})
}

// An origin that has become very slow is not waited for by all who come, because it answered
// once.
func TestASlowSuccessDoesNotMakeAllWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(holdovertest.Pages("max-age=5, stale-if-error=86400"))
		load := &holdovertest.Load{
			Transport: holdovertest.InProcess(newCache(t, holdover.Config{}).Handler(o)),
			URL:       "http://example.com", Paths: []string{"/a", "/b"}, PerSecond: 10, Patience: time.Minute,
		}
		for _, path := range load.Paths {
			require.NoError(t, load.Ask(t.Context(), path).Err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- load.Run(ctx) }()
		from := time.Now()
		require.NoError(t, o.Play(t.Context(), holdovertest.Phase{Fault: holdovertest.Delay(20 * time.Second), For: 20 * time.Minute}))
		stop()
		require.NoError(t, <-ended)
		r := holdovertest.NewReport(from, 5*time.Second, load.Answers())
		require.Zero(t, r.Failed, r)
		require.LessOrEqual(t, r.Max, 500*time.Millisecond, r)
	})
}

type discards struct{ h http.Header }

func (d discards) Header() http.Header         { return d.h }
func (d discards) WriteHeader(int)             {}
func (d discards) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discards) Flush()                      {}

// deadline is outer middleware.
func deadline(d time.Duration, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// A body that is under way when the deadline comes breaks off; it doesn't end as if it were whole.
func TestOwnDeadlineMidBody(t *testing.T) {
	for _, control := range []string{"max-age=60", "private"} {
		t.Run(control, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := deadline(time.Second, newCache(t, holdover.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Cache-Control", control)
					for range 10 {
						_, _ = io.WriteString(w, "0123456789")
						_ = http.NewResponseController(w).Flush()
						time.Sleep(300 * time.Millisecond)
					}
				})))
				client := &http.Client{Transport: holdovertest.InProcess(h)}
				resp, err := client.Get(page1)
				require.NoError(t, err)
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				require.Error(t, err)
				time.Sleep(10 * time.Second)
			})
		})
	}
}

// A deadline that has passed already, or comes while the store is asked, gets an answer all the
// same, never an empty one.
func TestOwnDeadlinePast(t *testing.T) {
	for name, d := range map[string]time.Duration{"now": 0, "before": -time.Second, "while the store hangs": 40 * time.Millisecond} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprint(name, stored), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, err := memory.New(memory.Config{})
					require.NoError(t, err)
					s := holdovertest.NewStore(m, 1)
					o := newOrigin(answer(200, "old", "Cache-Control", windowed))
					c := newCache(t, holdover.Config{Store: s})
					h := c.Handler(o)
					if stored {
						get(h)
						time.Sleep(2 * time.Second)
					}
					o.set(slowly(300*time.Millisecond, answer(200, "new", "Cache-Control", windowed)))
					if d > 0 {
						s.Behave(holdovertest.StoreFaults{Hangs: 1, Ops: []string{holdovertest.OpGet, holdovertest.OpGetMany}})
					}
					for range 20 {
						w, _ := within(t, h, d)
						require.NotEmpty(t, w.Body.String())
						time.Sleep(3 * time.Second)
					}
					require.Zero(t, c.Stats().StoreErrors, "its time was over, not the store's")
				})
			})
		}
	}
}

// A held request whose deadline comes keeps nobody else waiting: the connection ends with it.
func TestOwnDeadlineHeld(t *testing.T) {
	for _, proto := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", proto), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newCache(t, holdover.Config{}).Handler(slowly(5*time.Second, answer(200, "hello", "Cache-Control", "max-age=60")))
				recycled := map[string]int{} // what a router would take back
				ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), heldKey{}, &recycled), time.Second)
				defer cancel()
				w, began := httptest.NewRecorder(), time.Now()
				r := request("GET", page1).WithContext(ctx)
				r.ProtoMajor = proto
				h.ServeHTTP(w, r)
				require.Equal(t, 504, w.Code)
				if proto == 1 {
					require.Equal(t, "close", w.Header().Get("Connection"))
				} else {
					require.LessOrEqual(t, time.Since(began), time.Second, "its fetch was cancelled")
				}
			})
		})
	}
}

type heldKey struct{}

// held asks as behind a router that recycles contexts.
func held(h http.Handler, proto int, url string) *httptest.ResponseRecorder {
	r := request("GET", url)
	r = r.WithContext(context.WithValue(r.Context(), heldKey{}, &map[string]int{}))
	r.ProtoMajor = proto
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Where nothing can run behind, a page in its stale-while-revalidate window is fetched in front,
// within the budget, and is as good as anywhere else when that fails.
func TestRevalidationInFrontOnHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := holdovertest.NewOrigin(answer(200, "hello", "Cache-Control", "max-age=1, stale-while-revalidate=600"))
		h := newCache(t, holdover.Config{Policy: holdover.Policy{Origin: holdover.Origin{FetchRate: 10}}}).Handler(s)
		for i := range 200 {
			held(h, 2, pageURL(i))
		}
		time.Sleep(2 * time.Second)
		from := time.Now()
		for i := range 200 {
			require.Equal(t, 200, held(h, 2, pageURL(i)).Code)
		}
		require.LessOrEqual(t, s.Requests().Between(from, time.Now().Add(1)).MostWithin(time.Second), 10)

		s.Behave(holdovertest.Status(503))
		for proto := range 2 {
			for i := range 200 {
				require.Equal(t, 200, held(h, proto+1, pageURL(i)).Code)
			}
			time.Sleep(time.Second)
		}
	})
}

// One user's own page that takes long says nothing about how long the others' takes.
func TestSlowOwnPageDoesNotMakeOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "" {
				slowly(10*time.Second, answer(200, "mine", "Cache-Control", "private"))(w, r)
				return
			}
			answer(200, "old", "Cache-Control", windowed)(w, r)
		})
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		get(h, "Cookie", "own=1", "Cache-Control", "no-cache")
		o.set(slowly(time.Minute, answer(200, "new")))
		began := time.Now()
		require.Equal(t, "old", get(h).Body.String())
		require.Equal(t, 500*time.Millisecond, time.Since(began))
		time.Sleep(time.Minute)
	})
}

// The cause that middleware gives its deadline changes nothing.
func TestOwnDeadlineWithACause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(answer(200, "mine", "Cache-Control", "private"))
		h := newCache(t, holdover.Config{}).Handler(o)
		get(h)
		o.set(slowly(time.Minute, answer(200, "mine", "Cache-Control", "private")))
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("our own"))
		defer cancel()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", page1).WithContext(ctx))
		require.Equal(t, 504, w.Code)
	})
}
