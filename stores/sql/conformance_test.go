// SPDX-License-Identifier: MIT

package sql_test

import (
	stdsql "database/sql"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
	"github.com/holdover-go/holdover/stores/sql"
)

// features are what both kinds have.
var features = storetest.Features{
	MaxBody: 3 << 20, MaxValue: 4 << 20,
	ManyGetter: true, AbsentSetter: true, NewerSetter: true, Scanner: true, Pinger: true, Closer: true,
}

func TestConformancePostgreSQL(t *testing.T) {
	for name, cfg := range map[string]sql.Config{
		"Logged":   {Table: "logged", MaxValue: features.MaxValue},
		"Unlogged": {Table: "unlogged", MaxValue: features.MaxValue, Unlogged: true},
		"Schema":   {Table: "cache.pages", MaxValue: features.MaxValue, Codec: store.Plain},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgresPool(t, "").Exec("CREATE SCHEMA IF NOT EXISTS cache")
			require.NoError(t, err)
			f := features
			f.Server = postgres(t)
			f.Raw = func(t *testing.T, s store.Store) storetest.Raw {
				return raw{t, postgresPool(t, ""), cfg.Table}
			}
			storetest.Run(t, func(t *testing.T) store.Store { return newStore(t, postgresPool(t, ""), cfg) }, f)
		})
	}
}

// Poolers between the store and the server may not let statements be prepared.
func TestConformanceSimpleProtocol(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		db := postgresPool(t, "&default_query_exec_mode=simple_protocol")
		return newStore(t, db, sql.Config{Table: "simple", MaxValue: features.MaxValue})
	}, features)
}

func TestConformanceSQLite(t *testing.T) {
	for name, twoPools := range map[string]bool{"OnePool": false, "TwoPools": true} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cache.db")
			f := features
			f.Raw = func(t *testing.T, s store.Store) storetest.Raw {
				db, _ := sqlitePools(t, file)
				return raw{t, db, "holdover_entries"}
			}
			storetest.Run(t, func(t *testing.T) store.Store {
				db, readers := sqlitePools(t, file)
				if !twoPools {
					readers = nil
				}
				return newStore(t, db, sql.Config{Readers: readers, MaxValue: features.MaxValue})
			}, f)
		})
	}
}

// raw goes behind the back of a store.
type raw struct {
	t     *testing.T
	db    *stdsql.DB
	table string
}

func (r raw) Load(key string) []byte {
	hash := store.HashKey(key)
	var value []byte
	err := r.db.QueryRow("SELECT v FROM "+r.table+" WHERE kh = $1", hash[:]).Scan(&value)
	if errors.Is(err, stdsql.ErrNoRows) {
		return nil
	}
	require.NoError(r.t, err)
	return append([]byte{}, value...)
}

func (r raw) Save(key string, value []byte) {
	hash := store.HashKey(key)
	_, err := r.db.Exec("INSERT INTO "+r.table+" (kh, sz, exp, ver, v) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kh) DO UPDATE SET v = EXCLUDED.v",
		hash[:], len(value), time.Now().Add(time.Hour).UnixMilli(), rand.Int64(), value)
	require.NoError(r.t, err)
}
