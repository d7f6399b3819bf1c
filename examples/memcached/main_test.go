// SPDX-License-Identifier: MIT

package main

import (
	"testing"

	"github.com/holdover-go/holdover/examples/internal/demotest"
	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
)

func TestTwoProcessesShareResponses(t *testing.T) {
	server := testserver.Memcached(t)
	demotest.TwoProcesses(t, func() (store.Store, error) { return open(server.Addr()) })
}
