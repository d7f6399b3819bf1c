// SPDX-License-Identifier: MIT

package main

import "time"

// scene is one part of the script.
type scene struct {
	title string
	when  setting
	play  func(*story) error
}

// setting is where a scene is played.
type setting int

const (
	anywhere setting = iota
	withRedis
	withoutRedis
)

var script = []scene{
	{"all is well", anywhere, (*story).allIsWell},
	{"Redis hangs", withRedis, (*story).redisHangs},
	{"Redis is dead, pages are purged, a process dies", withRedis, (*story).redisDies},
	{"Redis comes and goes", withRedis, (*story).redisFlaps},
	{"pages are purged, a process dies", withoutRedis, (*story).processDies},
	{"the origin is down", anywhere, (*story).originFails},
}

func (s *story) plays(one scene) bool {
	return one.when == anywhere || (one.when == withRedis) == (s.redis != nil)
}

func (s *story) allIsWell() error { return s.wait(s.tempo.calm) }

func (s *story) redisHangs() error {
	s.print.event("Redis hangs (SIGSTOP)")
	if err := pause(s.redis.Process); err != nil {
		return err
	}
	if err := s.wait(s.tempo.broken); err != nil {
		return err
	}
	s.print.event("Redis goes on (SIGCONT)")
	if err := resume(s.redis.Process); err != nil {
		return err
	}
	return s.back()
}

// redisDies is the worst that can happen at once: who comes back knows nothing of what was
// purged while it was dead, neither Redis nor the process.
func (s *story) redisDies() error {
	s.print.event("Redis is killed (SIGKILL)")
	s.redis.kill()
	if err := s.wait(s.tempo.broken / 4); err != nil {
		return err
	}
	if err := s.purgeAndKill(); err != nil {
		return err
	}
	s.print.event("Redis is started again, empty")
	if err := s.redis.start(); err != nil {
		return err
	}
	return s.back()
}

func (s *story) processDies() error {
	if err := s.purgeAndKill(); err != nil {
		return err
	}
	return s.wait(s.tempo.calm)
}

// purgeAndKill purges in all ways, before and after one process is killed.
func (s *story) purgeAndKill() error {
	step, last := s.tempo.broken/4, s.fleet[len(s.fleet)-1]
	for _, do := range [...]func() error{
		func() error { return s.purge(0, target{URL: "http://" + host + pathOf(7)}, []int{7}) },
		func() error { return s.purge(1, target{Tag: sectionOf(3)}, s.site.pagesOf(sectionOf(3))) },
		func() error { s.print.event("%s is killed (SIGKILL)", last.name); last.kill(); return nil },
		func() error { return s.purge(0, target{All: true}, s.site.all()) },
		func() error { s.print.event("%s is started again", last.name); return last.start() },
	} {
		if err := do(); err != nil {
			return err
		}
		if err := s.wait(step); err != nil {
			return err
		}
	}
	return nil
}

// flapPause is how long Redis is away, and how long it is back.
const flapPause = 300 * time.Millisecond

// redisFlaps lets it die and hang in turn.
func (s *story) redisFlaps() error {
	s.print.event("Redis comes and goes every %v, killed and hanging in turn", flapPause)
	for began, n := time.Now(), 0; time.Since(began) < s.tempo.broken; n++ {
		away, again := s.redisKilled, s.redis.start
		if n%2 == 1 {
			away, again = func() error { return pause(s.redis.Process) }, func() error { return resume(s.redis.Process) }
		}
		for _, do := range [...]func() error{away, again} {
			if err := do(); err != nil {
				return err
			}
			if err := s.wait(flapPause); err != nil {
				return err
			}
		}
	}
	s.print.event("Redis stays")
	return s.back()
}

func (s *story) redisKilled() error { s.redis.kill(); return nil }

func (s *story) originFails() error {
	s.print.event("the origin is down: nobody listens")
	if err := s.site.down(); err != nil {
		return err
	}
	if err := s.wait(s.tempo.broken); err != nil {
		return err
	}
	s.print.event("the origin is up")
	if err := s.site.up(); err != nil {
		return err
	}
	return s.wait(s.tempo.calm)
}
