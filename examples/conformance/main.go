// SPDX-License-Identifier: MIT

// Command conformance runs the public test suite for HTTP caches against
// examples/proxy, once for each of its profiles, and compares what fails with the
// list of deviations that we stand by, deviations.txt. It needs Node.js, and is
// best started by
//
//	make conformance
//
// which fetches the suite first.
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

// patience bounds everything; one run of the suite takes about a quarter of a minute.
const patience = 4 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

var errUnexpected = errors.New("not as expected, see the end of the list")

func run(ctx context.Context, args []string, stdout io.Writer) error {
	h, wanted, err := parseFlags(args)
	if err != nil {
		return err
	}
	accepted, err := parseDeviations(deviationList)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tests, err := h.catalogue(ctx)
	if err != nil {
		return err
	}
	judged, err := confirmed(func() (outcome, error) {
		runs, err := h.runAll(ctx)
		return evaluate(tests, runs, accepted, wanted), err
	})
	if err != nil {
		return err
	}
	if !report(stdout, judged) {
		return errUnexpected
	}
	return nil
}

// confirmed runs the suite, and once more where something is not as expected: its
// tests know nothing of stale answers for an origin that can't be reached, so that an
// origin that stands still for a second, as on a busy machine, fails one at random. What
// a cache does wrong it does wrong twice.
func confirmed(run func() (outcome, error)) (outcome, error) {
	first, err := run()
	if err != nil || len(first.problems) == 0 {
		return first, err
	}
	second, err := run()
	second.keepProblemsOf(first)
	return second, err
}

func parseFlags(args []string) (h harness, wanted int, err error) {
	fs := flag.NewFlagSet("conformance", flag.ContinueOnError)
	fs.StringVar(&h.suite, "suite", "", "the suite lies in `FOLDER`")
	fs.StringVar(&h.proxy, "proxy", "", "the `PROGRAM` to test, examples/proxy built")
	fs.StringVar(&h.out, "out", "", "leave results and logs in `FOLDER`")
	fs.IntVar(&wanted, "tests", 0, "fail unless `N` tests ran")
	if err := fs.Parse(args); err != nil {
		return h, 0, err
	}
	if h.suite == "" || h.proxy == "" || h.out == "" || wanted <= 0 || fs.NArg() > 0 {
		return h, 0, errors.New("want -suite, -proxy, -out and -tests, and nothing else")
	}
	return h, wanted, h.absolute()
}
