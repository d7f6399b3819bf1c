// SPDX-License-Identifier: MIT

// Package demo is what the examples of stores have in common: a page behind a cache.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// Serve puts a cache with that store in front of a page that tells the time, and serves it
// on addr until it is interrupted. It closes the cache, and the store if that has a Close.
func Serve(addr string, st store.Store) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Printf("listening on http://%s", l.Addr())
	return ServeOn(ctx, l, st)
}

// ServeOn is Serve on a listener, until the context ends.
func ServeOn(ctx context.Context, l net.Listener, st store.Store) error {
	cache, err := holdover.New(holdover.Config{Store: st, OnEvent: report})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: cache.Handler(http.HandlerFunc(clock)), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	})
	if err = server.Serve(l); errors.Is(err, http.ErrServerClosed) {
		err = <-stopped // once the requests under way have ended
	}
	return errors.Join(err, cache.Close(), store.Close(st))
}

// clock tells the time, which is good for ten seconds, and for an hour if need be.
func clock(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=10, stale-if-error=3600")
	fmt.Fprintln(w, time.Now().Format(time.StampMilli))
}

// report tells what went wrong with the store. Requests go on without it.
func report(e holdover.Event) {
	if e.Kind == holdover.EventStoreError || e.Kind == holdover.EventUnreadable {
		log.Println(e.Kind, e.Err)
	}
}
