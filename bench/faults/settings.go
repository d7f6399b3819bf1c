// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings is the command line, checked.
type settings struct {
	originAddr, url string
	peers           bool
	scripts         []string
	keys            []int
	behaviours      []behaviour
	phaseLength     time.Duration
	perSecond       int
	soft, hard      time.Duration
	strict, verbose bool
}

// scriptNames are the values of -script.
var scriptNames = []string{"faults", "slow", "private", "recovery"}

func parseFlags(args []string, usage io.Writer) (settings, error) {
	var s settings
	var scripts, keys, behaviours string
	fs := flag.NewFlagSet("faults", flag.ContinueOnError)
	fs.SetOutput(usage)
	fs.StringVar(&s.originAddr, "origin", "", "be an origin on `ADDR`, such as 127.0.0.1:3000 or http://127.0.0.1:3000")
	fs.StringVar(&s.url, "url", "", "ask the cache at `URL`, which must stand in front of that origin")
	fs.BoolVar(&s.peers, "peers", false, "start Holdover's proxy, nginx and Varnish in place of that, each with an origin of its own, and compare them")
	fs.StringVar(&scripts, "script", "", "play `NAMES`: "+strings.Join(scriptNames, ",")+" (default: faults; with -peers all). How long they take is printed first")
	fs.StringVar(&keys, "keys", "20", "how many warm pages the fault script has; with several `NUMBERS`, 1,20,100, it is played several times")
	fs.StringVar(&behaviours, "faults", "503,hang,reset,truncate,chunk,drip,panic,refuse", "how the origin fails in the fault script, one after the other; also `NAMES` stall,freeze")
	fs.DurationVar(&s.phaseLength, "phase", 10*time.Second, "how long each phase of the fault script lasts, 3s or more to judge all. slow takes two of them, recovery fails for one and a half, private has none")
	fs.IntVar(&s.perSecond, "rate", 100, "requests a second")
	fs.DurationVar(&s.soft, "soft", 500*time.Millisecond, "judge 99 of 100 answers by this time")
	fs.DurationVar(&s.hard, "hard", 5*time.Second, "judge answers for cold pages by this time. Holdover's proxy gets it as -timeout")
	fs.BoolVar(&s.strict, "strict", false, "judge also what only Holdover promises")
	fs.BoolVar(&s.verbose, "v", false, "print a table of phases for each cache with -peers too")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: everything is a flag", fs.Arg(0))
	}
	s.originAddr = strings.TrimSuffix(strings.TrimPrefix(s.originAddr, "http://"), "/")
	return s, errors.Join(s.setKeys(keys), s.setScripts(scripts), s.setFaults(behaviours), s.check())
}

func (s *settings) setKeys(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10_000 {
			return fmt.Errorf("flag -keys: want numbers from 1 to 10000 such as 1,20,100, not %q", text)
		}
		s.keys = append(s.keys, n)
	}
	return nil
}

func (s *settings) setScripts(list string) error {
	switch {
	case list == "" && s.peers:
		s.scripts = scriptNames
	case list == "":
		s.scripts = scriptNames[:1]
	default:
		s.scripts = strings.Split(list, ",")
	}
	for _, name := range s.scripts {
		if !slices.Contains(scriptNames, name) {
			return fmt.Errorf("flag -script: want names out of %s, not %q", strings.Join(scriptNames, ","), name)
		}
	}
	return nil
}

// setFaults lets the origin be well before, between and after the faults.
func (s *settings) setFaults(list string) error {
	s.behaviours = []behaviour{healthy}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(everyFault, func(b behaviour) bool { return b.name == name })
		if i < 0 {
			return fmt.Errorf("flag -faults: don't know %q", name)
		}
		s.behaviours = append(s.behaviours, everyFault[i], healthy)
	}
	return nil
}

func (s *settings) check() error {
	switch u, err := url.Parse(s.url); {
	case s.phaseLength < time.Second:
		return errors.New("flag -phase: want a second or more")
	case s.perSecond < 1:
		return errors.New("flag -rate: want one or more")
	case s.soft <= 0 || s.hard <= 0:
		return errors.New("flags -soft and -hard: want more than 0")
	case s.peers && (s.originAddr != "" || s.url != ""):
		return errors.New("flag -peers: has origins and caches of its own, without -origin and -url")
	case !s.peers && (s.originAddr == "" || s.url == ""):
		return errors.New("want -origin and -url, or -peers")
	case !s.peers && !isAddr(s.originAddr):
		return fmt.Errorf("flag -origin: want something like 127.0.0.1:3000, not %q", s.originAddr)
	case !s.peers && (err != nil || u.Host == ""):
		return errors.New("flag -url: want something like http://127.0.0.1:8080")
	}
	return nil
}

func isAddr(text string) bool {
	_, port, err := net.SplitHostPort(text)
	return err == nil && port != ""
}

// played returns the scripts in the order in which they are played.
func (s settings) played() (list []script) {
	for _, name := range s.scripts {
		switch name {
		case "faults":
			for _, keys := range s.keys {
				list = append(list, faults{settings: s, keys: keys, cacheControl: window})
			}
		case "slow":
			list = append(list, slow{s})
		case "private":
			list = append(list, private{s})
		case "recovery":
			list = append(list, recovery{s})
		}
	}
	return list
}
