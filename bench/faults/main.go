// SPDX-License-Identifier: MIT

// Faults plays a script of failures of an origin against a caching proxy, any one, while
// clients ask for pages through it, and judges what the clients got:
//
//	go run ./bench/faults -origin 127.0.0.1:3000 -url http://127.0.0.1:8080
//
// is the origin of the proxy that listens on port 8080, and
//
//	go run ./bench/faults -peers
//
// starts Holdover's proxy, nginx and Varnish side by side. README.md says what
// is measured, and what came of it.
//
// It exits with 1 if a promise was missed; with -peers those of Holdover count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitMissed = 1
	exitError  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, complaints io.Writer) int {
	s, err := parseFlags(args, complaints)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(complaints, err)
		return exitError
	}
	measure := s.alone
	if s.peers {
		measure = s.compare
	}
	missed, err := measure(ctx, out, complaints)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(complaints, "interrupted")
		return exitError
	case err != nil:
		fmt.Fprintln(complaints, err)
		return exitError
	case missed:
		return exitMissed
	}
	return 0
}

// alone plays the scripts with the cache that the command line names.
func (s settings) alone(ctx context.Context, out, progress io.Writer) (missed bool, err error) {
	for _, sc := range s.played() {
		o, err := startOrigin(s.originAddr, sc.origin())
		if err != nil {
			return missed, fmt.Errorf("flag -origin: %w", err)
		}
		fmt.Fprintf(out, "== %s\n\n", headline(sc))
		r, err := sc.play(ctx, &site{name: s.url, url: s.url, origin: o, progress: progress})
		if err := errors.Join(err, o.close()); err != nil {
			return missed, err
		}
		r.site = s.url
		if r.details != "" {
			fmt.Fprintln(out, r.details)
		}
		fmt.Fprintln(out, comparison([]result{r}))
		fmt.Fprintln(out, verdictLines(r.verdicts))
		missed = missed || r.missed()
	}
	return missed, nil
}

// headline says what is played, and how long that takes.
func headline(sc script) string { return fmt.Sprintf("%s (takes %s)", sc.name(), sc.duration()) }
