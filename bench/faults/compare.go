// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// compare plays the scripts with all caches that there are.
func (s settings) compare(ctx context.Context, out, progress io.Writer) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := filepath.Join(dir, "proxy")
	if err := buildHoldover(binary); err != nil {
		return false, err
	}
	found := present(out, allPeers(binary))
	for i, sc := range s.played() {
		fmt.Fprintf(out, "\n== %s\n\n", headline(sc))
		results, err := compareOne(ctx, filepath.Join(dir, fmt.Sprint(i)), sc, found, progress)
		if err != nil {
			return missed, err
		}
		s.print(out, results)
		missed = missed || results[0].missed()
	}
	return missed, nil
}

// present leaves out what isn't installed, with a word.
func present(out io.Writer, all []peer) (found []peer) {
	fmt.Fprintf(out, "%s, %d CPUs\n", runtime.Version(), runtime.NumCPU())
	said := ""
	for _, p := range all {
		version, err := p.installed()
		switch {
		case err != nil:
			fmt.Fprintf(out, "left out: %s: %v\n", p.name, err)
			continue
		case version != said:
			fmt.Fprintln(out, version)
			said = version
		}
		found = append(found, p)
	}
	return found
}

// compareOne starts the caches anew for a script, and ends them.
func compareOne(ctx context.Context, dir string, sc script, peers []peer, progress io.Writer) (results []result, err error) {
	var sites []*site
	defer func() {
		for _, s := range sites {
			err = errors.Join(err, s.stop())
		}
	}()
	for i, p := range peers {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(own, 0o700); err != nil {
			return nil, err
		}
		s, err := p.open(own, sc)
		if s != nil {
			sites = append(sites, s)
		}
		if err != nil {
			return nil, err
		}
	}
	return playAll(ctx, sc, sites, progress)
}

// print writes the comparison and, of the caches that didn't keep promises, why; with -v all
// there is of all of them.
func (s settings) print(out io.Writer, results []result) {
	fmt.Fprintln(out, comparison(results))
	for _, r := range results {
		if s.verbose && r.details != "" {
			fmt.Fprintf(out, "%s:\n\n%s\n", r.site, r.details)
		}
		if s.verbose || r.missed() || r.unjudged() {
			fmt.Fprintf(out, "%s:\n%s\n", r.site, verdictLines(r.verdicts))
		}
	}
}
