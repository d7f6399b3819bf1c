// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net/http"
)

// gate lets requests through to the API if their credential may.
type gate struct {
	verdicts http.Handler // cached
	api      http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.Header[credentialField]) != 1 {
		http.Error(w, "want one "+credentialField, http.StatusUnauthorized)
		return
	}
	verdict := g.ask(r)
	for _, name := range [...]string{"Cache-Status", "X-Verdict"} { // to be seen in the story
		w.Header()[name] = verdict.header[name]
	}
	if verdict.status != http.StatusOK {
		http.Error(w, http.StatusText(verdict.status), verdict.status)
		return
	}
	g.api.ServeHTTP(w, r)
}

// ask gets the verdict by a request of its own, so that one is stored for each
// credential and not for each page of the API.
func (g *gate) ask(r *http.Request) *verdict {
	question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://gate.internal/verdict", nil)
	if err != nil {
		return &verdict{status: http.StatusInternalServerError}
	}
	question.Header[credentialField] = r.Header[credentialField]
	answer := &verdict{header: make(http.Header), status: http.StatusOK}
	g.verdicts.ServeHTTP(answer, question)
	return answer
}

// verdict is a response of which only status and header matter.
type verdict struct {
	header  http.Header
	status  int
	written bool
}

func (v *verdict) Header() http.Header { return v.header }

func (v *verdict) WriteHeader(status int) {
	if !v.written && status >= http.StatusOK {
		v.status, v.written = status, true
	}
}

func (v *verdict) Write(p []byte) (int, error) {
	v.written = true
	return len(p), nil
}

// hello is an API that is worth protecting.
func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello\n") }
