// SPDX-License-Identifier: MIT

package main

import (
	"net/http"
	"time"

	"github.com/holdover-go/holdover"
)

// credentialField is where clients put their key.
const credentialField = "X-Api-Key"

// verdicts asks the backend about the credential of a request and answers with its
// status alone. This is the handler that is cached.
type verdicts struct {
	client *http.Client
	url    string
}

func newVerdicts(b *backend) *verdicts {
	transport := &http.Transport{DisableKeepAlives: true} // a stopped backend is noticed at once
	return &verdicts{client: &http.Client{Transport: transport}, url: "http://" + b.addr + "/authorize"}
}

func (v *verdicts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, v.url, nil)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	question.Header[credentialField] = r.Header[credentialField]
	verdict, err := v.client.Do(question)
	if err != nil {
		// "Nobody answered" isn't "the answer was 502": the cache is told.
		holdover.ErrorHandler(w, r, err)
		return
	}
	defer verdict.Body.Close()
	w.WriteHeader(verdict.StatusCode)
}

// policy makes verdicts last. The backend says nothing about lifetimes, so all of it
// is decided here.
func policy(outcome holdover.Outcome, vip *holdover.AllowList) (holdover.Policy, error) {
	lifetimes, err := holdover.ParseStatusTTL("200=1s; 403=1s")
	return holdover.Policy{
		// Without this, the first client's verdict would be everyone's.
		Key: holdover.Key{Fields: []string{credentialField}},
		// A verdict is asked for again after a second, and survives an outage of an hour.
		Freshness: holdover.Freshness{StatusTTL: lifetimes},
		Grace:     holdover.Grace{StaleIfError: time.Hour},
		Outcome:   outcome,
		// Clients that must get in although nothing is known of them yet.
		Fallback: holdover.Fallback{
			List:     vip,
			Header:   credentialField,
			Answer:   holdover.Answer{Status: http.StatusOK, Header: http.Header{"X-Verdict": {"emergency"}}},
			Statuses: []int{500, 502, 503, 504},
			TTL:      30 * time.Second,
			Max:      time.Hour,
		},
	}, err
}
