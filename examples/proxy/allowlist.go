// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/holdover-go/holdover"
)

// pollInterval is how often the file is looked at. A change counts once it stood
// for one interval, so it arrives after at most two.
const pollInterval = 250 * time.Millisecond

// allowFile is an allow list that follows a file.
type allowFile struct {
	path   string
	list   *holdover.AllowList
	logger *slog.Logger

	loaded  os.FileInfo // of the content in list, or of content that can't be used; nil after a failed look
	pending os.FileInfo // seen at the last look, not loaded yet
}

// openAllowFile reads the file for the first time, when everything wrong with it
// is an error, an empty list included.
func openAllowFile(path string, logger *slog.Logger) (*allowFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	credentials, err := readAllowFile(path)
	if err != nil {
		return nil, err
	}
	list, err := holdover.NewAllowList(credentials...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &allowFile{path: path, list: list, logger: logger, loaded: info}, nil
}

// follow keeps the list up to date until ctx ends.
func (f *allowFile) follow(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look()
		}
	}
}

// look loads a changed file that has stopped changing: a file under way to its
// new content would revoke everyone it doesn't name yet.
func (f *allowFile) look() {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		f.complain(err)
		f.loaded, f.pending = nil, nil
	case same(info, f.loaded):
		f.pending = nil
	case !same(info, f.pending):
		f.pending = info
	default:
		f.load(info)
	}
}

// load replaces the list, or keeps it if the file can't be used.
func (f *allowFile) load(info os.FileInfo) {
	credentials, err := readAllowFile(f.path)
	if err == nil {
		err = f.list.Replace(credentials)
	}
	if err != nil {
		f.complain(err)
	} else {
		f.logger.Info("allow list reloaded", "file", f.path, "credentials", f.list.Len())
	}
	f.loaded, f.pending = info, nil
}

// complain tells of a file that can't be used, once for each of its states.
func (f *allowFile) complain(err error) {
	if f.loaded != nil || f.pending != nil {
		f.logger.Error("allow list kept as it was", "file", f.path, "error", err)
	}
}

func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

func readAllowFile(path string) (credentials []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if credentials, err = holdover.ReadAllowList(file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return credentials, nil
}
