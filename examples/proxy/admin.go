// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/holdover-go/holdover"
)

// maxPurgeBody is room for one URL or tag, in bytes.
const maxPurgeBody = 64 << 10

// newAdmin returns the handler of the -admin address: POST /purge and GET /stats.
func newAdmin(cache *holdover.Cache, m *members, token string) http.Handler {
	guard := loopbackOnly
	if token != "" {
		guard = bearer(token)
	}
	// Browsers must not purge on behalf of a page that their user looks at.
	purge := http.NewCrossOriginProtection().Handler(method(http.MethodPost, purgeHandler(cache)))
	stats := method(http.MethodGet, statsHandler(cache, m))
	return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/purge":
			purge.ServeHTTP(w, r)
		case "/stats":
			stats.ServeHTTP(w, r)
		default:
			refuse(w, http.StatusNotFound, "there is /purge and /stats")
		}
	}))
}

func method(want string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != want {
			w.Header().Set("Allow", want)
			refuse(w, http.StatusMethodNotAllowed, "want "+want)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stats are the counters of the cache, and how its stores are.
type stats struct {
	holdover.Stats
	Stores []memberStats `json:"stores"`
}

func statsHandler(cache *holdover.Cache, m *members) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, stats{cache.Stats(), m.stats()})
	})
}

func purgeHandler(cache *holdover.Cache) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := readPurge(http.MaxBytesReader(w, r.Body, maxPurgeBody))
		if err == nil {
			err = cache.Purge(r.Context(), request)
		}
		switch {
		case err == nil:
			answer(w, http.StatusOK, purged{Status: "purged", PurgeRequest: request})
		case errors.Is(err, holdover.ErrUnconfirmed): // it counts here, and soon elsewhere
			answer(w, http.StatusAccepted, purged{Status: "unconfirmed", PurgeRequest: request})
		default:
			refuse(w, purgeStatus(err), err.Error())
		}
	})
}

// purged repeats what was understood.
type purged struct {
	Status string `json:"status"`
	holdover.PurgeRequest
}

func purgeStatus(err error) int {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge
	}
	switch {
	case errors.Is(err, holdover.ErrPurgeRequest):
		return http.StatusBadRequest
	case errors.Is(err, holdover.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// readPurge is strict: a misspelt member must not purge something else.
func readPurge(body io.Reader) (holdover.PurgeRequest, error) {
	var request holdover.PurgeRequest
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return request, fmt.Errorf("%w: %w", holdover.ErrPurgeRequest, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return request, fmt.Errorf("%w: want one JSON object and nothing behind it", holdover.ErrPurgeRequest)
	}
	return request, nil
}

func refuse(w http.ResponseWriter, status int, reason string) {
	answer(w, status, struct {
		Error string `json:"error"`
	}{reason})
}

func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
