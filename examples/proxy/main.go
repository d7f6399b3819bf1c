// SPDX-License-Identifier: MIT

// Command proxy is a caching reverse proxy: it stands in front of one origin and
// goes on answering while that origin can't.
//
//	go run ./examples/proxy -listen 127.0.0.1:8080 -origin http://127.0.0.1:3000
//
// On SIGINT and SIGTERM it stops listening, ends the requests under way and
// closes the cache. A second signal ends it at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal has its usual effect
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// run is the whole program. It returns once everything is closed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	p, err := newProxy(s, logger)
	if err != nil {
		return err
	}
	return errors.Join(p.serve(ctx, stdout), p.close())
}

// exitCode prints what went wrong: 2 is a mistake on the command line.
func exitCode(err error, stderr io.Writer) int {
	var usage *flagError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "proxy:", err)
		return 2
	}
	fmt.Fprintln(stderr, "proxy:", err)
	return 1
}
