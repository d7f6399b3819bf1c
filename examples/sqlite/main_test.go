// SPDX-License-Identifier: MIT

package main

import (
	"path/filepath"
	"testing"

	"github.com/holdover-go/holdover/examples/internal/demotest"
	"github.com/holdover-go/holdover/store"
)

func TestTwoProcessesShareResponses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "responses.db")
	demotest.TwoProcesses(t, func() (store.Store, error) { return open(file) })
}
