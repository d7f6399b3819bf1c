// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdover-go/holdover"
)

// settings is the command line, checked.
type settings struct {
	listen     string
	originText string
	origin     *url.URL

	stores       []string // the first one that works is used
	maxBytes     int64
	memoryTier   int64 // 0 = none
	storeTimeout time.Duration
	fleetLease   bool

	statusTTL  holdover.StatusTTL
	defaultTTL time.Duration
	grace      time.Duration
	swr        time.Duration

	softTimeout time.Duration
	fetchRate   float64
	timeout     time.Duration

	methods []string
	outcome holdover.Outcome
	profile holdover.Profile

	fallback fallbackSettings
	admin    adminSettings
}

type fallbackSettings struct {
	file   string
	header string
	query  string
	ttl    time.Duration
	max    time.Duration
}

type adminSettings struct {
	addr  string
	token string
}

// flagError is a mistake on the command line. It never repeats a value that
// may hold a secret.
type flagError struct {
	flag string // "" where several are meant, or err names it
	err  error
}

func (e *flagError) Error() string {
	if e.flag == "" {
		return e.err.Error()
	}
	return "flag -" + e.flag + ": " + e.err.Error()
}

func (e *flagError) Unwrap() error { return e.err }

// parseFlags reads the command line. Its errors name the flag.
func parseFlags(args []string, usage io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("proxy", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are printed once, by main
	s.originFlags(fs)
	s.storeFlags(fs)
	s.policyFlags(fs)
	s.fallbackFlags(fs)
	s.adminFlags(fs)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(usage)
		fs.Usage()
		return s, err
	case err != nil:
		return s, &flagError{err: err}
	case fs.NArg() > 0:
		return s, &flagError{err: fmt.Errorf("unexpected argument %q: everything is a flag", fs.Arg(0))}
	}
	return s, s.check(fs)
}

func (s *settings) originFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.listen, "listen", "", "serve on `ADDR`, such as 127.0.0.1:8080")
	fs.StringVar(&s.originText, "origin", "", "answer for the origin at `URL`. It is asked under the host name of this URL;\n"+
		"the client's Host goes along as X-Forwarded-Host")
	durationFlag(fs, &s.softTimeout, "soft-timeout", anyDuration,
		"wait `D` for the origin where a stale response could be given; negative: until -timeout\n"+
			"(default: twice what a fetch usually takes, 500ms to 5s)")
	durationFlag(fs, &s.timeout, "timeout", noNegative,
		"wait `D` for the origin's header (default 30s)")
	fs.Func("fetch-rate", "bound the fetches a second for which a stored response can be given meanwhile to `N`: that is given\n"+
		"until the page's turn comes; negative: no bound (default 100, of those that no request waits for)", func(text string) (err error) {
		s.fetchRate, err = parseRate(text)
		return err
	})
}

func parseRate(text string) (float64, error) {
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || rate == 0 || rate-rate != 0 { // no NaN, no infinity
		return 0, fmt.Errorf("%q is not a number of fetches per second", text)
	}
	return rate, nil
}

func (s *settings) storeFlags(fs *flag.FlagSet) {
	fs.Func("store", "keep responses in `URL`: memory:, redis://HOST:PORT, memcached://HOST:PORT, postgres://USER@HOST/DB,\n"+
		"sqlite:FILE or file:DIR (default memory:). Given more than once, each stands in for those\n"+
		"before it while they fail; memory: can only be the last", s.addStore)
	fs.Func("memory-tier", "keep up to `SIZE` of what the stores have in memory, in front of them", func(text string) (err error) {
		s.memoryTier, err = parseSize(text)
		return err
	})
	fs.Func("max-bytes", "bound a memory: store to `SIZE`, such as 64MiB (default 256MiB)", func(text string) (err error) {
		s.maxBytes, err = parseSize(text)
		return err
	})
	fs.BoolVar(&s.fleetLease, "fleet-lease", false, "let one process fetch a page that all processes on the same store lack, while the\n"+
		"others wait for it; not with memory: and file: alone")
	durationFlag(fs, &s.storeTimeout, "store-timeout", noNegative,
		"bound all store work that one request waits for to `D` (default 50ms)")
}

func (s *settings) policyFlags(fs *flag.FlagSet) {
	fs.Func("status-ttl", "lifetimes by status where the origin is silent, such as `\"404=30;503=5\"`", func(text string) (err error) {
		s.statusTTL, err = holdover.ParseStatusTTL(text)
		return err
	})
	durationFlag(fs, &s.defaultTTL, "default-ttl", noNegative, "lifetime `D` where the origin is silent (default: none)")
	durationFlag(fs, &s.grace, "grace", noNegative, "stale-if-error `D` where the origin is silent (default: none)")
	durationFlag(fs, &s.swr, "swr", noNegative, "stale-while-revalidate `D` where the origin is silent (default: none)")
	fs.Func("methods", "answer `\"GET HEAD POST\"` from the cache (default \"GET HEAD\")", func(text string) (err error) {
		s.methods, err = parseMethods(text)
		return err
	})
	fs.Func("outcome", "what failures and denials do to what is stored:\n`strict|resilient|allow|none` (default resilient)", func(text string) (err error) {
		s.outcome, err = holdover.ParseOutcome(text)
		return err
	})
	fs.Func("profile", "`safe|rfc`: rfc reuses all that RFC 9111 allows, also responses that set cookies, and obeys CDN-Cache-Control (default safe)", func(text string) (err error) {
		if s.profile, err = holdover.ParseProfile(text); err != nil {
			return errProfile
		}
		return nil
	})
}

func (s *settings) fallbackFlags(fs *flag.FlagSet) {
	f := &s.fallback
	fs.StringVar(&f.file, "fallback-allow", "", "while the origin fails, let clients pass whose credential stands in `FILE`,\n"+
		"one a line; read again within 1s of a change")
	fs.StringVar(&f.header, "fallback-header", "", "the credential stands in the request field `NAME`")
	fs.StringVar(&f.query, "fallback-query", "", "the credential stands in the query parameter `NAME`")
	durationFlag(fs, &f.ttl, "fallback-ttl", noNegative, "a grant lasts `D` (default 1m)")
	durationFlag(fs, &f.max, "fallback-max", noNegative, "all grants of one outage end after `D` (default 1h)")
}

func (s *settings) adminFlags(fs *flag.FlagSet) {
	fs.StringVar(&s.admin.addr, "admin", "", "POST /purge and GET /stats on `ADDR`, loopback unless -admin-token is given")
	fs.StringVar(&s.admin.token, "admin-token", "", "ask for Authorization: Bearer `TOKEN` on the -admin address")
}

var (
	errNegative = errors.New("must not be negative")
	errEmpty    = errors.New("must not be empty")
	errNeeded   = errors.New("is needed")
	errProfile  = errors.New("want safe or rfc")
	errMethods  = errors.New("want methods separated by blanks, such as GET HEAD POST")
)

func anyDuration(time.Duration) error { return nil }

func noNegative(d time.Duration) error {
	if d < 0 {
		return errNegative
	}
	return nil
}

// durationFlag is fs.DurationVar with a check, and without a default in the
// usage text: 0 leaves the default to the library.
func durationFlag(fs *flag.FlagSet, to *time.Duration, name string, check func(time.Duration) error, usage string) {
	fs.Func(name, usage, func(text string) error {
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("want a duration such as 90s or 1h30m")
		}
		*to = d
		return check(d)
	})
}

func parseMethods(text string) ([]string, error) {
	methods := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	for _, m := range methods {
		if strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			return nil, errMethods
		}
	}
	if len(methods) == 0 {
		return nil, errMethods
	}
	return methods, nil
}
