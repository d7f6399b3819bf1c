// SPDX-License-Identifier: MIT

package flight_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

type ctxKey struct{}

type named string

type flatPair struct {
	ID   uint64
	Name string
}

type withPointer struct {
	ID   int
	Next *int
}

// embedding is what some frameworks do: a context type of their own.
type embedding struct{ context.Context }

// routeParams is what a router keeps in a pool.
type routeParams struct{ Names, Values []string }

func serverContext() context.Context {
	ctx := context.WithValue(context.Background(), http.ServerContextKey, &http.Server{})
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{Port: 80})
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func with(value any) context.Context { return context.WithValue(serverContext(), ctxKey{}, value) }

func TestOnlyServerValues(t *testing.T) {
	cause := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(io.EOF)
		return ctx
	}
	timeout := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		t.Cleanup(cancel)
		return ctx
	}
	afterFunc := func(ctx context.Context) context.Context {
		context.AfterFunc(ctx, func() {})
		return ctx
	}
	deep := serverContext()
	for range 100 {
		deep = context.WithValue(deep, ctxKey{}, 1)
	}
	notified, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	for name, c := range map[string]struct {
		ctx  context.Context
		want bool
	}{
		"background":                   {context.Background(), true},
		"todo":                         {context.TODO(), true},
		"server":                       {serverContext(), true},
		"cancel with cause":            {cause(serverContext()), true},
		"timeout":                      {timeout(serverContext()), true},
		"AfterFunc":                    {afterFunc(timeout(serverContext())), true},
		"WithoutCancel":                {context.WithoutCancel(serverContext()), true},
		"several wraps":                {timeout(context.WithoutCancel(cause(timeout(serverContext())))), true},
		"signal.NotifyContext":         {timeout(notified), true},
		"unix address":                 {context.WithValue(context.Background(), http.LocalAddrContextKey, &net.UnixAddr{}), true},
		"nil value":                    {with(nil), true},
		"string":                       {with("request id"), true},
		"string type":                  {with(named("x")), true},
		"number":                       {with(time.Second), true},
		"bool":                         {with(true), true},
		"array":                        {with([16]byte{}), true},
		"empty struct":                 {with(struct{}{}), true},
		"flat struct":                  {with(flatPair{}), true},
		"nil context":                  {nil, false},
		"nil pointer":                  {(*embedding)(nil), false},
		"pointer":                      {with(&routeParams{}), false},
		"nil typed pointer":            {with((*routeParams)(nil)), false},
		"pointer to flat struct":       {with(&flatPair{}), false},
		"pointer behind WithoutCancel": {context.WithoutCancel(with(&routeParams{})), false},
		"pointer behind timeout":       {timeout(with(&routeParams{})), false},
		"pointer further in":           {context.WithValue(with(&routeParams{}), named("k"), "v"), false},
		"struct with a pointer":        {with(withPointer{}), false},
		"slice":                        {with([]string{"a"}), false},
		"map":                          {with(map[string]string{}), false},
		"func":                         {with(func() {}), false},
		"channel":                      {with(make(chan int)), false},
		"array of pointers":            {with([1]*int{}), false},
		"uintptr":                      {with(uintptr(1)), false},
		"server under another key":     {with(&http.Server{}), false},
		"address under another key":    {with(&net.TCPAddr{}), false},
		"other value, server's key":    {context.WithValue(context.Background(), http.ServerContextKey, &routeParams{}), false},
		"type of the user":             {embedding{serverContext()}, false},
		"pointer to type of the user":  {&embedding{serverContext()}, false},
		"type of the user, wrapped":    {timeout(embedding{serverContext()}), false},
		"type of the user, uncanceled": {context.WithoutCancel(embedding{serverContext()}), false},
		"too long":                     {deep, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, flight.OnlyServerValues(c.ctx))
		})
	}
}

// serve asks a real server once and returns what its handler saw.
func serve(t *testing.T, http2 bool, prepare func(*http.Server), wrap func(http.Handler) http.Handler) bool {
	t.Helper()
	var saw bool
	var proto int
	server := httptest.NewUnstartedServer(wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		saw, proto = flight.OnlyServerValues(r.Context()), r.ProtoMajor
	})))
	server.EnableHTTP2 = http2
	prepare(server.Config)
	if http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/a/1")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http2, proto == 2)
	return saw
}

func TestOnlyServerValuesBehindServers(t *testing.T) {
	plain := func(h http.Handler) http.Handler { return h }
	unchanged := func(*http.Server) {}
	for name, c := range map[string]struct {
		prepare func(*http.Server)
		wrap    func(http.Handler) http.Handler
		want    bool
	}{
		"plain":          {unchanged, plain, true},
		"ServeMux":       {unchanged, throughMux, true},
		"TimeoutHandler": {unchanged, func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") }, true},
		"pooled params":  {unchanged, throughPool(), false},
		"pooled params in a mux": {unchanged, func(h http.Handler) http.Handler {
			return throughMux(throughPool()(h))
		}, false},
		"BaseContext, cancel only": {func(s *http.Server) {
			s.BaseContext = func(net.Listener) context.Context { return t.Context() }
		}, plain, true},
		"BaseContext with a pointer": {func(s *http.Server) {
			s.BaseContext = func(net.Listener) context.Context { return context.WithValue(t.Context(), ctxKey{}, &routeParams{}) }
		}, plain, false},
		"ConnContext with a number": {func(s *http.Server) {
			s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, ctxKey{}, 7)
			}
		}, plain, true},
		"ConnContext with the connection": {func(s *http.Server) {
			s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
				return context.WithValue(ctx, ctxKey{}, c)
			}
		}, plain, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, serve(t, false, c.prepare, c.wrap), "HTTP/1")
			require.Equal(t, c.want, serve(t, true, c.prepare, c.wrap), "HTTP/2")
		})
	}
}

func throughMux(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /a/{id}", next)
	return mux
}

// throughPool does what a recycling router does.
func throughPool() func(http.Handler) http.Handler {
	pool := sync.Pool{New: func() any { return new(routeParams) }}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			params := pool.Get()
			defer pool.Put(params)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ctxKey{}, params)))
		})
	}
}

func TestOnlyServerValuesAllocatesNothing(t *testing.T) {
	ctx := serverContext()
	require.Zero(t, testing.AllocsPerRun(100, func() { flight.OnlyServerValues(ctx) }))
}

func BenchmarkOnlyServerValues(b *testing.B) {
	for name, ctx := range map[string]context.Context{"server": serverContext(), "router": with(&routeParams{})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				flight.OnlyServerValues(ctx)
			}
		})
	}
}
