// SPDX-License-Identifier: MIT

// Command quickstart shows what Holdover does for the users of a service whose
// backend breaks. It needs nothing else:
//
//	go run ./examples/quickstart
//
// It serves a page twice, with Holdover and without, breaks its own backend in six
// ways, and tells what visitors saw of it. Then it goes on serving, for you to break
// things, until it is interrupted.
//
// This file and site.go are the wiring, backend.go is what breaks, story.go is the
// script, visitors.go and print.go are its cast and its voice.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdover-go/holdover"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "serve on `ADDR`; port 0 is a free one")
	once := flag.Bool("once", false, "end after the story")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &story{out: os.Stdout}, *listen, *once); err != nil {
		log.Fatal(err)
	}
}

// run tells the story and then serves until ctx ends. The order at the end matters:
// first the server drains, then the cache closes.
func run(ctx context.Context, s *story, listen string, once bool) (err error) {
	cache, err := holdover.New(holdover.Config{}) // the zero value is a good start
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Close()) }()

	s.site = newSite(cache)
	return serve(ctx, listen, s.site, func(url string) error {
		s.url = url
		if err := s.tell(ctx); err != nil || once || ctx.Err() != nil {
			return err
		}
		s.invite()
		<-ctx.Done()
		return nil
	})
}
