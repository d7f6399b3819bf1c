// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// printer tells what happens, in lines that begin with the time since the first of them.
type printer struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time
}

func newPrinter(out io.Writer) *printer { return &printer{out: out, began: time.Now()} }

func (p *printer) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, text)
}

// event tells what is done to the fleet.
func (p *printer) event(format string, args ...any) {
	p.line("———", fmt.Sprintf(format, args...))
}

// logged repeats what a proxy says about its stores.
func (p *printer) logged(name, line string) {
	if _, said, found := strings.Cut(line, `msg="a store `); found {
		p.line(name, "a store "+strings.Replace(said, `"`, ":", 1))
	}
}

func (p *printer) line(who, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%6.1fs  %-5s  %s\n", time.Since(p.began).Seconds(), who, what)
}

// follow prints a line for each process every second.
func (p *printer) follow(ctx context.Context, c *clients, s *site) {
	p.note("    time  process  requests   fresh  stale  fetched  failed  risen      p50      p99  origin")
	p.mu.Lock()
	p.began = time.Now()
	p.mu.Unlock()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	seen, asked := 0, make([]int64, len(c.fleet))
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		answers := c.since(seen)
		seen += len(answers)
		for i, process := range c.fleet {
			before := asked[i]
			asked[i] = s.asked[i].Load()
			p.second(process.name, tallyOf(of(i, answers)), asked[i]-before)
			p.wrong(process.name, of(i, answers))
		}
	}
}

// wrong tells what was wrong with the first answer that was.
func (p *printer) wrong(name string, answers []answer) {
	for _, a := range answers {
		switch {
		case a.err != nil:
			p.line(name, fmt.Sprintf("page %d failed: %v", a.page, a.err))
			return
		case a.risen:
			p.line(name, fmt.Sprintf("page %d is back, which was purged: version %d, %s", a.page, a.version, a.status))
			return
		}
	}
}

func (p *printer) second(name string, t tally, asked int64) {
	p.line(name, fmt.Sprintf("  %8d  %6d %6d %8d %7d %6d %8s %8s %7d", t.requests, t.fresh, t.stale, t.fetched,
		t.failed, t.risen, milliseconds(t.quantile(0.5)), milliseconds(t.quantile(0.99)), asked))
}

// verdict prints what all came to.
func (p *printer) verdict(phases []phase, all tally, returns []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "\n%-48s %6s %7s %6s %6s %7s %6s %6s %7s %7s %7s %6s\n", "", "time", "asked", "fresh", "stale",
		"fetched", "failed", "risen", "p50", "p99", "max", "origin")
	for _, one := range phases {
		fmt.Fprintln(p.out, one)
	}
	fmt.Fprintf(p.out, "\n%d requests, %d of them moved on from a dead process\n", all.requests, all.moved)
	fmt.Fprintf(p.out, "%d failed, %d were answered with what had been purged before: both must be 0\n", all.failed, all.risen)
	for _, took := range returns {
		fmt.Fprintf(p.out, "Redis had its traffic back after %.2fs\n", took.Seconds())
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1fms", float64(d)/float64(time.Millisecond))
}
