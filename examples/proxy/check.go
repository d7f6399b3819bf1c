// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"net/url"
)

// check looks at what no flag can know alone.
func (s *settings) check(fs *flag.FlagSet) error {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var found []error
	complain := func(name string, err error) {
		if err != nil {
			found = append(found, &flagError{flag: name, err: err})
		}
	}
	complain("listen", checkAddr(s.listen))
	var err error
	s.origin, err = parseOrigin(s.originText)
	complain("origin", err)
	if s.memoryTier > 0 && s.onlyMemory() {
		complain("memory-tier", errTier)
	}
	if given["max-bytes"] && !s.hasMemory() {
		complain("max-bytes", errBound)
	}
	if s.fleetLease && !s.canLease() {
		complain("fleet-lease", errLease)
	}
	s.fallback.check(given, complain)
	s.admin.check(given, complain)
	return errors.Join(found...)
}

func (f *fallbackSettings) check(given map[string]bool, complain func(string, error)) {
	if !given["fallback-allow"] {
		for _, name := range [...]string{"fallback-header", "fallback-query", "fallback-ttl", "fallback-max"} {
			if given[name] {
				complain(name, errors.New("does nothing without -fallback-allow"))
			}
		}
		return
	}
	if f.file == "" {
		complain("fallback-allow", errEmpty)
	}
	if (f.header == "") == (f.query == "") {
		complain("fallback-allow", errors.New("needs exactly one of -fallback-header and -fallback-query"))
	}
}

func (a *adminSettings) check(given map[string]bool, complain func(string, error)) {
	if given["admin-token"] && a.token == "" {
		complain("admin-token", errEmpty) // such as an unset variable of the shell
	}
	if !given["admin"] {
		if given["admin-token"] {
			complain("admin-token", errors.New("does nothing without -admin"))
		}
		return
	}
	if err := checkAddr(a.addr); err != nil {
		complain("admin", err)
		return
	}
	if !given["admin-token"] && !isLoopback(a.addr) {
		complain("admin", fmt.Errorf("%s is not a loopback address: -admin-token is needed", a.addr))
	}
}

func checkAddr(addr string) error {
	if addr == "" {
		return errNeeded
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("want HOST:PORT: %w", err)
	}
	return nil
}

// isLoopback reports whether nobody outside this machine can reach addr.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && isLoopbackHost(host)
}

func isLoopbackHost(host string) bool {
	if host == "localhost" { // RFC 6761 §6.3
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// parseOrigin takes scheme, host and a path that all requests are put under. It
// refuses the rest, since nothing of it would reach the origin. Its errors don't
// repeat the URL, which may hold a password.
func parseOrigin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errNeeded
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("want http://HOST or https://HOST")
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not hold a query or fragment")
	}
	return u, nil
}
