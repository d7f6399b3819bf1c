// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/store"
)

// closeTimeout is long enough for fetches that obey their cancelled context.
const closeTimeout = 5 * time.Second

func configOf(s settings, st store.Store, list *holdover.AllowList, logger *slog.Logger) holdover.Config {
	said := newTrouble(logger)
	return holdover.Config{
		Store:        st,
		StoreTimeout: s.storeTimeout,
		FleetLease:   s.fleetLease,
		CloseTimeout: closeTimeout,
		Policy:       policyOf(s, list),
		OnEvent: func(e holdover.Event) {
			audit(logger, e)
			said.see(e)
		},
		Logger: logger,
	}
}

func policyOf(s settings, list *holdover.AllowList) holdover.Policy {
	p := holdover.Policy{
		Methods:   s.methods,
		Outcome:   s.outcome,
		TagFields: []string{"Surrogate-Key", "Cache-Tag"},
		Freshness: holdover.Freshness{StatusTTL: s.statusTTL, DefaultTTL: s.defaultTTL},
		Grace:     holdover.Grace{StaleWhileRevalidate: s.swr, StaleIfError: s.grace},
		Origin:    holdover.Origin{SoftTimeout: s.softTimeout, HardTimeout: s.timeout, FetchRate: s.fetchRate},
		Profile:   s.profile,
	}
	if list != nil {
		p.Fallback = holdover.Fallback{
			List:   list,
			Header: s.fallback.header,
			Query:  s.fallback.query,
			TTL:    s.fallback.ttl,
			Max:    s.fallback.max,
		}
	}
	return p
}

// audit writes down who was let in without the origin's word.
func audit(logger *slog.Logger, e holdover.Event) {
	if e.Kind == holdover.EventGrant {
		logger.Warn("fallback let a client pass",
			"method", e.Method, "host", e.Host, "path", e.Path, "fault", string(e.Fault))
	}
}

// flagOf says which flag sets a field of the configuration.
var flagOf = [...]struct{ field, flag string }{
	{"StoreTimeout", "store-timeout"},
	{"FleetLease", "fleet-lease"},
	{"Policy.Methods", "methods"},
	{"Policy.Outcome", "outcome"},
	{"Policy.Freshness.StatusTTL", "status-ttl"},
	{"Policy.Freshness.DefaultTTL", "default-ttl"},
	{"Policy.Grace.StaleWhileRevalidate", "swr"},
	{"Policy.Grace.StaleIfError", "grace"},
	{"Policy.Origin.SoftTimeout", "soft-timeout"},
	{"Policy.Origin.HardTimeout", "timeout"},
	{"Policy.Origin.FetchRate", "fetch-rate"},
	{"Policy.Fallback.Header", "fallback-header"},
	{"Policy.Fallback.Query", "fallback-query"},
	{"Policy.Fallback.TTL", "fallback-ttl"},
	{"Policy.Fallback.Max", "fallback-max"},
	{"Policy.Fallback", "fallback-allow"},
}

// nameFlags puts flags in place of the fields that errors of the library name.
func nameFlags(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, e := range joined.Unwrap() {
			named = append(named, nameFlags(e))
		}
		return errors.Join(named...)
	}
	wrong, ok := errors.AsType[*holdover.ConfigError](err)
	if !ok {
		return err
	}
	for _, f := range flagOf {
		if strings.HasPrefix(wrong.Field, f.field) {
			return &flagError{flag: f.flag, err: wrong.Err}
		}
	}
	return err
}
