// SPDX-License-Identifier: MIT

package sql_test

import (
	stdsql "database/sql"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/sql"
)

// The tables that the documentation tells an administrator to make are those that the store
// would make.
func TestDocumentedTable(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var ddl strings.Builder
	for line := range strings.Lines(string(text)) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			code, _, _ = strings.Cut(code, "--")
			ddl.WriteString(code + "\n")
		}
	}
	db := postgresPool(t, "")
	set(t, newStore(t, db, sql.Config{Table: "made"}), 0, 1, 100, time.Hour)
	for statement := range strings.SplitSeq(strings.ReplaceAll(ddl.String(), "holdover_entries", "documented"), ";") {
		if text := strings.TrimSpace(statement); text != "" && !strings.HasPrefix(text, "GRANT") {
			execute(t, db, statement)
		}
	}
	_, err = newStore(t, db, sql.Config{Table: "made"}).Append(t.Context(), marked(0, 1))
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, err = db.Exec("SELECT 1 FROM made_journal_ages"); return err == nil }, 10*time.Second, 10*time.Millisecond)
	_, err = newStore(t, db, sql.Config{Table: "made"}).Lease(t.Context(), "key", store.NewHolder(), time.Minute)
	require.NoError(t, err)
	for table, lines := range map[string]int{"": 12, "_journal": 4, "_journal_state": 8, "_journal_ages": 5, "_leases": 5} {
		made := describe(t, db, "made"+table)
		require.Len(t, made, lines)
		require.Equal(t, made, describe(t, db, "documented"+table))
	}
	set(t, newStore(t, db, sql.Config{Table: "documented"}), 0, 1, 100, time.Hour)
}

// describe returns all about a table but its name.
func describe(t *testing.T, db *stdsql.DB, table string) (lines []string) {
	t.Helper()
	rows, err := db.Query(`
SELECT concat_ws(' ', attname, atttypid::regtype, attnotnull, attstorage, attidentity, attgenerated, pg_get_expr(adbin, adrelid))
	FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = $1::text::regclass AND attnum > 0
UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = $1::text
UNION ALL SELECT coalesce(array_to_string(reloptions, ' '), '') FROM pg_class WHERE oid = $1::text::regclass
ORDER BY 1`, table)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		lines = append(lines, strings.ReplaceAll(line, table, "…"))
	}
	require.NoError(t, rows.Err())
	return lines
}
