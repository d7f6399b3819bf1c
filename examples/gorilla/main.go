// SPDX-License-Identifier: MIT

// Command gorilla shows the three places for Holdover in a program with the
// gorilla/mux router.
//
//	go run ./examples/gorilla -mount use
//
// In front of the router (outermost) it needs nothing. Inside, it works without
// configuration too, but a request that starts a revalidation behind its answer then
// keeps its connection busy until that ends. gorilla/mux stores what it knows of a
// request with context.WithValue and never uses it for another one, so
// Config.Detach, which removes this limit, has nothing to copy.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gorilla/mux"

	"github.com/holdover-go/holdover"
)

// detach is made for holdover.Config.Detach: the values stay as they are.
func detach(ctx context.Context) context.Context { return ctx }

// mounts are the places for the cache.
var mounts = map[string]func(*holdover.Cache, http.HandlerFunc) http.Handler{
	"outermost": outermost,
	"use":       use,
	"with":      with,
}

// outermost puts the cache in front of the router. A hit doesn't even route.
func outermost(cache *holdover.Cache, item http.HandlerFunc) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/items/{id}", item)
	return cache.Handler(r)
}

// use puts the cache in front of all routes of the router. gorilla/mux runs
// middleware only for requests that match a route.
func use(cache *holdover.Cache, item http.HandlerFunc) http.Handler {
	r := mux.NewRouter()
	r.Use(cache.Handler)
	r.HandleFunc("/items/{id}", item)
	return r
}

// with puts the cache in front of one route.
func with(cache *holdover.Cache, item http.HandlerFunc) http.Handler {
	r := mux.NewRouter()
	r.Handle("/items/{id}", cache.Handler(item))
	return r
}

// item takes its time, and lets stale answers be given meanwhile.
func item(w http.ResponseWriter, r *http.Request) {
	time.Sleep(200 * time.Millisecond)
	w.Header().Set("Cache-Control", "max-age=1, stale-while-revalidate=60, stale-if-error=600")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "item %s, made at %s\n", mux.Vars(r)["id"], time.Now().Format(time.TimeOnly))
}

func run(ctx context.Context, listen, mount string, out io.Writer) (err error) {
	place, known := mounts[mount]
	if !known {
		return fmt.Errorf("flag -mount: want one of %q", slices.Sorted(maps.Keys(mounts)))
	}
	cache, err := holdover.New(holdover.Config{Detach: detach})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Close()) }()
	server := &http.Server{Addr: listen, Handler: place(cache, item), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "try: curl -i http://%s/items/42\n", listen)
	return serve(ctx, server)
}

// serve returns once the last request has ended: the cache is closed after it.
func serve(ctx context.Context, server *http.Server) error {
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.Background()) })
	if err := server.ListenAndServe(); stop() {
		return err // it didn't begin at all
	}
	return <-drained
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "serve on `ADDR`")
	mount := flag.String("mount", "use", "where the cache stands: `outermost|use|with`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *mount, os.Stdout); err != nil {
		log.Fatal(err)
	}
}
