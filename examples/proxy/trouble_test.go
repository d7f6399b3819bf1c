// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func TestTroubleIsSaidNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(lines)
		said := newTrouble(slog.New(slog.NewTextHandler(log, nil)))
		store := holdover.Event{Kind: holdover.EventStoreError, Reason: holdover.ReasonStoreError, Err: errors.New("gone")}
		for range 20 {
			said.see(store)
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, strings.Count(log.String(), "the store failed"))
		require.Contains(t, log.String(), "left_out_before=9")

		said.see(holdover.Event{Kind: holdover.EventFetch, Reason: holdover.ReasonErrorStatus, Status: 503})
		require.Contains(t, log.String(), "the origin failed", "each kind counts alone")
		require.Contains(t, log.String(), "status=503")
		for _, e := range []holdover.Event{
			{Kind: holdover.EventFetch, Reason: holdover.ReasonOK, Status: 200},
			{Kind: holdover.EventFetch, Reason: holdover.ReasonCancelled},
			{Kind: holdover.EventAnswer, Reason: holdover.ReasonStale},
		} {
			before := log.String()
			said.see(e)
			require.Equal(t, before, log.String(), e)
		}
	})
}
