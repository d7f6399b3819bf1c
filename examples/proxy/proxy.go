// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// proxy is everything that one command line asks for.
type proxy struct {
	settings  settings
	logger    *slog.Logger
	store     store.Store
	members   *members // of it
	cache     *holdover.Cache
	transport *http.Transport
	allow     *allowFile // nil without -fallback-allow
}

func newProxy(s settings, logger *slog.Logger) (*proxy, error) {
	p := &proxy{settings: s, logger: logger, transport: newTransport(s.timeout)}
	if err := errors.Join(p.openAllowList(), p.openCache()); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *proxy) openAllowList() (err error) {
	if p.settings.fallback.file == "" {
		return nil
	}
	if p.allow, err = openAllowFile(p.settings.fallback.file, p.logger); err != nil {
		return &flagError{flag: "fallback-allow", err: err}
	}
	return nil
}

func (p *proxy) openCache() (err error) {
	if p.store, p.members, err = openStore(p.settings, p.logger); err != nil {
		return err
	}
	var list *holdover.AllowList
	if p.allow != nil {
		list = p.allow.list
	}
	p.cache, err = holdover.New(configOf(p.settings, p.store, list, p.logger))
	return nameFlags(err)
}

// handler is what the public address serves.
func (p *proxy) handler() http.Handler {
	return p.cache.Handler(newOrigin(p.settings.origin, p.settings.methods, p.transport, p.logger))
}

// serve answers until ctx ends or a listener fails, and drains.
func (p *proxy) serve(ctx context.Context, started io.Writer) error {
	servers, err := p.listen()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var following sync.WaitGroup
	if p.allow != nil {
		following.Go(func() { p.allow.follow(ctx) })
	}
	servers.announce(started, p.settings.origin)
	err = servers.run(ctx)
	cancel()
	following.Wait()
	return err
}

// close ends what newProxy opened. The servers are closed by then.
func (p *proxy) close() error {
	var found []error
	if p.cache != nil {
		found = append(found, p.cache.Close())
	}
	if p.store != nil {
		found = append(found, store.Close(p.store))
	}
	p.transport.CloseIdleConnections()
	return errors.Join(found...)
}
