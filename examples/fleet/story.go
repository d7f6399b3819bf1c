// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"
)

const (
	pages = 40

	// lifetime is short, so that the origin is missed soon; the window lasts as long as
	// anyone will watch.
	lifetime = "max-age=1, stale-if-error=600"

	// returnPatience is how long Redis may wait for its traffic once it is back.
	returnPatience = 10 * time.Second
)

// story is a fleet, what happens to it, and what clients see of it.
type story struct {
	ctx   context.Context
	o     options
	tempo tempo
	dir   string

	print   *printer
	site    *site
	redis   *redis // nil where this machine has none
	fleet   []*process
	ledger  *ledger
	clients *clients

	ending  sync.WaitGroup
	stop    context.CancelFunc // of clients and printer
	phases  []phase
	returns []time.Duration // of Redis's traffic
}

// tempo is how long things last.
type tempo struct{ calm, broken time.Duration }

func newStory(ctx context.Context, o options, dir string, out io.Writer) (*story, error) {
	s := &story{ctx: ctx, o: o, dir: dir, tempo: tempo{calm: 4 * time.Second, broken: 5 * time.Second}}
	if o.quick {
		s.tempo = tempo{calm: 2 * time.Second, broken: 2 * time.Second}
	}
	s.print = newPrinter(out)
	var err error
	if s.redis, err = findRedis(dir); err != nil {
		return nil, err
	}
	s.site, err = newSite(pages, len(names), lifetime)
	return s, err
}

// start starts Redis, the fleet and its clients.
func (s *story) start() (err error) {
	if s.redis == nil {
		s.print.note("There is no redis-server in PATH: SQLite is the only store, and what breaks Redis is left out.")
	} else if err := s.redis.start(); err != nil {
		return err
	}
	if s.o.proxy == "" {
		s.print.note("building examples/proxy")
		s.o.proxy = filepath.Join(s.dir, "proxy")
		if err := buildProxy(s.o.proxy); err != nil {
			return err
		}
	}
	s.fleet = newFleet(s.o.proxy, s.site, s.dir, s.redis, s.print.logged)
	for _, p := range s.fleet {
		if err := p.start(); err != nil {
			return err
		}
	}
	s.ledger = newLedger(s.o.slow*250*time.Millisecond, s.o.slow*time.Second)
	s.clients = newClients(s.fleet, pages, s.ledger)
	ctx, stop := context.WithCancel(s.ctx)
	s.stop = stop
	s.ending.Go(func() { s.clients.run(ctx, s.o.perSecond) })
	s.ending.Go(func() { s.print.follow(ctx, s.clients, s.site) })
	return nil
}

// play plays all scenes and gives the verdict.
func (s *story) play() error {
	for _, scene := range script {
		if !s.plays(scene) {
			continue
		}
		began, answers, asked := time.Now(), len(s.clients.since(0)), s.site.askedAll()
		if err := scene.play(s); err != nil {
			return err
		}
		s.phases = append(s.phases, phase{scene.title, time.Since(began), tallyOf(s.clients.since(answers)), s.site.askedAll() - asked})
	}
	s.stop()
	s.ending.Wait()
	return s.verdict()
}

// phase is what clients saw of one scene.
type phase struct {
	title string
	lasts time.Duration
	tally
	asked int64 // requests at the origin
}

var (
	errInterrupted = errors.New("interrupted")
	errVerdict     = errors.New("something failed that must not")
	errNoReturn    = errors.New("the traffic has not gone back to Redis")
)

// wait lets time pass.
func (s *story) wait(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-s.ctx.Done():
		return errInterrupted
	}
}

// purge changes pages at the origin and asks one process to purge them.
func (s *story) purge(by int, t target, pages []int) error {
	versions := s.site.change(pages)
	confirmed, err := s.fleet[by].purge(t)
	if err != nil {
		return err
	}
	s.ledger.purged(by, versions, confirmed)
	stands := "which stands in a journal"
	if !confirmed {
		stands = "which no journal has yet"
	}
	s.print.event("%s purges %v: %d pages, %s", s.fleet[by].name, t, len(pages), stands)
	return nil
}

// back waits until all processes use Redis again, and then for a while.
func (s *story) back() error {
	s.ledger.reachable()
	began := time.Now()
	for !s.allUseRedis() {
		if time.Since(began) > s.o.slow*returnPatience {
			return errNoReturn
		}
		if err := s.wait(20 * time.Millisecond); err != nil {
			return err
		}
	}
	took := time.Since(began)
	s.returns = append(s.returns, took)
	s.print.event("all processes use Redis again, %.2fs after it is back", took.Seconds())
	return s.wait(s.tempo.calm)
}

func (s *story) allUseRedis() bool {
	for _, p := range s.fleet {
		st, err := p.stats()
		if err != nil || len(st.Stores) == 0 || !st.Stores[0].inUse() {
			return false
		}
	}
	return true
}

// verdict prints what all came to, and is an error if something failed.
func (s *story) verdict() error {
	all := tallyOf(s.clients.since(0))
	s.print.verdict(s.phases, all, s.returns)
	if all.failed > 0 || all.risen > 0 {
		return errVerdict
	}
	return nil
}

// close ends all that start has started.
func (s *story) close() error {
	if s.stop != nil {
		s.stop()
	}
	s.ending.Wait()
	if s.ctx.Err() != nil { // an interrupted terminal has told the proxies, too
		for _, p := range s.fleet {
			p.kill()
		}
	}
	failed := []error{endAll(s.fleet), s.site.down()}
	if s.redis != nil && s.redis.child != nil {
		s.redis.kill()
	}
	return errors.Join(failed...)
}

// String tells what a scene was like.
func (p phase) String() string {
	return fmt.Sprintf("%-48s %5.1fs %7d %6d %6d %7d %6d %6d %7s %7s %7s %6d", p.title, p.lasts.Seconds(),
		p.requests, p.fresh, p.stale, p.fetched, p.failed, p.risen,
		milliseconds(p.quantile(0.5)), milliseconds(p.quantile(0.99)), milliseconds(p.quantile(1)), p.asked)
}
