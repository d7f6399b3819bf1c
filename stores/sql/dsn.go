// SPDX-License-Identifier: MIT

package sql

import (
	"path/filepath"
	"strings"
)

const (
	// Waiting for a lock is the one thing that no driver of SQLite does by its
	// context. So it waits for moments only, and the store asks again.
	sqliteWait = "_pragma=busy_timeout(10)"

	// auto_vacuum comes before all that writes the first page: a file that has one
	// takes it no more. The journal is cut to 32 MiB after it has grown.
	sqliteWriter = sqliteWait + "&_pragma=auto_vacuum(INCREMENTAL)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(NORMAL)&_pragma=journal_size_limit(33554432)&_txlock=immediate"

	// What readers ask for needs no lock: a new connection of theirs is never in the
	// way of a writer.
	sqliteReaders = sqliteWait + "&_pragma=query_only(true)"
)

// SQLiteDSN returns the data source names of both pools for a file, in the form that
// modernc.org/sqlite reads. The first is for the pool that writes, which should have one
// connection, since SQLite has one writer at a time:
//
//	db.SetMaxOpenConns(1)
//
// It sets a write-ahead log, so that readers and the writer don't wait for each other,
// and, where the file is new, that the file can shrink. A database that is lost with the
// power loses its last writes and is not damaged.
//
// The second name is for [Config].Readers. Other drivers need the same settings in their
// own form. The file must be on a local disk, not one of a network.
func SQLiteDSN(file string) (writer, readers string) {
	uri := "file:" + uriPath.Replace(filepath.ToSlash(filepath.Clean(file))) + "?"
	return uri + sqliteWriter, uri + sqliteReaders
}

// uriPath keeps a path from ending where its characters have a meaning in a URI.
var uriPath = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")
