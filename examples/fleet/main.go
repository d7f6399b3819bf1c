// SPDX-License-Identifier: MIT

// Command fleet shows how several processes share what they have stored, and what their users
// notice while that breaks. From the repository's root,
//
//	go run ./examples/fleet
//
// starts an origin, three times examples/proxy in front of it, and Redis, if this machine
// has redis-server; SQLite stands in for it. Then it breaks Redis, processes and the
// origin, and purges pages meanwhile, while clients ask all the time. It prints a line for each second and process,
// and at the end whether anything failed or came back that was purged. -quick takes 25 s.
//
// fleet.go has the command line of each proxy: this is what you need for a fleet of your
// own. script.go is what happens to it. site.go is the origin, clients.go are its users, ledger.go
// knows what they may not see any more, story.go and print.go put it together.
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
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code: 1 where something failed, 2 for a mistake on the command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	fs := flag.NewFlagSet("fleet", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.BoolVar(&o.quick, "quick", false, "take 25 s instead of 45")
	fs.StringVar(&o.proxy, "proxy", "", "start this `FILE`, built from examples/proxy (default: build it)")
	fs.IntVar(&o.perSecond, "rate", 480, "requests of all clients together, a `SECOND`")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case fs.NArg() > 0 || o.perSecond <= 0:
		fmt.Fprintln(stderr, "fleet: want flags only, and a rate above 0")
		return 2
	}
	o.slow = 1
	err := tell(ctx, o, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "fleet:", err)
		return 1
	}
	return 0
}

// options is the command line.
type options struct {
	quick     bool
	proxy     string // a binary; "" = to be built
	perSecond int
	slow      time.Duration // how much slower than usual this machine may be
}

// tell starts everything, plays the script and ends everything.
func tell(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newStory(ctx, o, dir, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.start(); err != nil {
		return err
	}
	return s.play()
}
