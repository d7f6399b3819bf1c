// SPDX-License-Identifier: MIT

package main

import (
	stdsql "database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/examples/internal/demotest"
	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
)

func TestTwoProcessesShareResponses(t *testing.T) {
	server := testserver.Postgres(t)
	db, err := stdsql.Open("pgx", "postgres://postgres@"+server.Addr()+"/postgres")
	require.NoError(t, err)
	defer db.Close()
	demotest.TwoProcesses(t, func() (store.Store, error) { return open(db) })
}
