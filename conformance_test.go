// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"testing"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/internal/conformance"
)

func TestConformance(t *testing.T) {
	for profile, policy := range map[conformance.Profile]holdover.Policy{
		conformance.Safe: {},
		conformance.RFC:  {Profile: holdover.RFC},
	} {
		t.Run(profile.String(), func(t *testing.T) {
			conformance.Run(t, conformance.Target{
				Profile: profile,
				New: func(t *testing.T, next http.Handler) http.Handler {
					return newCache(t, holdover.Config{Policy: policy}).Handler(next)
				},
				ErrorHandler: holdover.ErrorHandler,
				CacheName:    "holdover",
			})
		})
	}
}
