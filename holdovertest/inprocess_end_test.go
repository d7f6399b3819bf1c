// SPDX-License-Identifier: MIT

package holdovertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/holdovertest"
)

// endless is a request body that never comes.
type endless struct{ closed chan struct{} }

func (e *endless) Read([]byte) (int, error) { <-e.closed; return 0, errors.New("closed") }

func (e *endless) Close() error {
	select {
	case <-e.closed:
	default:
		close(e.closed)
	}
	return nil
}

// A request that ends ends its handler, wherever that stands. A bubble ends only if no
// goroutine is left.
func TestInProcessEndsWithTheRequest(t *testing.T) {
	more := strings.Repeat("more ", 10_000)
	for name, h := range map[string]http.HandlerFunc{
		"before the header": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"after the header":  func(w http.ResponseWriter, r *http.Request) { flushed(w); <-r.Context().Done() },
		"while it writes":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, more) },
		"while it reads":    func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				o := holdovertest.NewOrigin(h)
				req := request(ctx, "POST", "http://a.example/", "")
				req.Body = &endless{make(chan struct{})}
				resp, err := holdovertest.InProcess(o).RoundTrip(req)
				if err == nil {
					<-ctx.Done()
					synctest.Wait()
					_, err = io.ReadAll(resp.Body)
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				synctest.Wait()
				require.Zero(t, o.Running())
				require.Equal(t, time.Second, o.Requests()[0].Took)
			})
		})
	}
}

// Closing a body before its end ends the handler; after it the handler finishes its work.
func TestInProcessCloseEndsTheHandler(t *testing.T) {
	for name, c := range map[string]struct {
		read      bool
		cancelled bool
	}{"before the end": {false, true}, "after it": {true, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := holdovertest.NewOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "4")
					_, _ = io.WriteString(w, "page")
					flushed(w)
					select {
					case <-r.Context().Done():
					case <-time.After(time.Minute):
					}
				}))
				ctx, cancel := context.WithCancel(t.Context())
				resp, err := holdovertest.InProcess(o).RoundTrip(request(ctx, "GET", "http://a.example/", ""))
				require.NoError(t, err)
				if c.read {
					body, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.Equal(t, "page", string(body))
				}
				require.NoError(t, resp.Body.Close())
				require.NoError(t, resp.Body.Close())
				_, err = resp.Body.Read(make([]byte, 1))
				require.Error(t, err)
				cancel()
				time.Sleep(2 * time.Minute)
				require.Equal(t, c.cancelled, o.Requests()[0].Cancelled)
			})
		})
	}
}

// A handler whose answer isn't read waits, as on a connection.
func TestInProcessHoldsUpWriters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := holdovertest.NewOrigin(text(strings.Repeat("long ", 100_000)))
		resp, err := holdovertest.InProcess(o).RoundTrip(get("http://a.example/"))
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.Equal(t, 1, o.Running())
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Len(t, body, 500_000)
		synctest.Wait()
		require.Zero(t, o.Running())
	})
}

// A request that can't be sent calls no handler, and its body is closed.
func TestInProcessRefusesRequests(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	broken := io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{io.ErrNoProgress}))
	for name, c := range map[string]struct {
		req  *http.Request
		want error
		text string
	}{
		"cancelled":    {request(gone, "GET", "http://a.example/", ""), context.Canceled, ""},
		"no host":      {get("http:///path"), nil, "no host"},
		"other scheme": {get("ftp://a.example/"), nil, "scheme"},
		"no URL":       {&http.Request{Method: "GET"}, nil, "no URL"},
		"broken body":  {&http.Request{Method: "POST", URL: get("http://a.example/").URL, Body: broken, ContentLength: 10}, io.ErrNoProgress, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.req.Body == nil {
				c.req.Body = &endless{make(chan struct{})}
			}
			o := holdovertest.NewOrigin(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
			_, err := holdovertest.InProcess(o).RoundTrip(c.req)
			require.Error(t, err)
			require.ErrorContains(t, err, c.text)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			if name != "broken body" {
				require.Empty(t, o.Requests())
			}
			if e, ours := c.req.Body.(*endless); ours {
				<-e.closed
			}
		})
	}
	require.Panics(t, func() { holdovertest.InProcess(nil) })
}

// Whoever traces a request may refuse an informational response.
func TestInProcessObeysATrace(t *testing.T) {
	refused := errors.New("too many")
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { return refused },
	})
	_, err := holdovertest.InProcess(handlers["early hints"]).RoundTrip(request(ctx, "GET", "http://a.example/", ""))
	require.ErrorIs(t, err, refused)
}

// Whoever reads a body wakes when somebody else closes it.
func TestInProcessCloseEndsARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := holdovertest.InProcess(holdovertest.Stall(0.5)(works)).RoundTrip(get("http://a.example/"))
		require.NoError(t, err)
		go func() {
			time.Sleep(time.Second)
			_ = resp.Body.Close()
		}()
		body, err := io.ReadAll(resp.Body)
		require.Error(t, err)
		require.NotErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Equal(t, long[:5], string(body))
	})
}
