// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// drainTimeout is how long requests under way may take once the process was told to end.
const drainTimeout = 20 * time.Second

// servers are the public one and, behind it, the one of -admin.
type servers []server

type server struct {
	*http.Server
	listener net.Listener
}

func (p *proxy) listen() (servers, error) {
	public, err := listen("listen", p.settings.listen, p.handler(), p.logger)
	if err != nil {
		return nil, err
	}
	if p.settings.admin.addr == "" {
		return servers{public}, nil
	}
	admin, err := listen("admin", p.settings.admin.addr, newAdmin(p.cache, p.members, p.settings.admin.token), p.logger)
	if err != nil {
		return nil, errors.Join(err, public.listener.Close())
	}
	return servers{public, admin}, nil
}

func listen(name, addr string, handler http.Handler, logger *slog.Logger) (server, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return server{}, &flagError{flag: name, err: err}
	}
	return server{newServer(handler, logger), listener}, nil
}

// newServer speaks HTTP/1.1 and unencrypted HTTP/2. It has no write timeout: how long
// a body takes is up to the origin and the client.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// announce tells whoever started the process that it listens, and where.
func (s servers) announce(w io.Writer, origin *url.URL) {
	line := fmt.Sprintf("listening on http://%s for %s", s[0].listener.Addr(), origin)
	if len(s) > 1 {
		line += fmt.Sprintf(", admin on http://%s", s[1].listener.Addr())
	}
	fmt.Fprintln(w, line)
}

// run serves until ctx ends or a server fails, and then drains all of them.
func (s servers) run(ctx context.Context) error {
	failed := make(chan error, len(s))
	for _, one := range s {
		go func() { failed <- one.Serve(one.listener) }()
	}
	pending := len(s)
	var found []error
	select {
	case <-ctx.Done():
	case err := <-failed:
		found = append(found, err)
		pending--
	}
	found = append(found, s.drain())
	for range pending {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			found = append(found, err)
		}
	}
	return errors.Join(found...)
}

// drain waits for the requests under way, and breaks off those that take too long.
func (s servers) drain() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	var found []error
	for _, one := range s {
		if err := one.Shutdown(ctx); err != nil {
			found = append(found, fmt.Errorf("requests cut off after %v: %w", drainTimeout, err), one.Close())
		}
	}
	return errors.Join(found...)
}
