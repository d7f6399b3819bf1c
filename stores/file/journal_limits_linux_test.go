// SPDX-License-Identifier: MIT

package file_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func init() {
	children["journal on a full disk"] = journalOnFullDisk
	children["journal on a read-only disk"] = journalOnReadOnlyDisk
	children["journal denied"] = journalDenied
}

func TestJournalOnAFullDisk(t *testing.T) {
	startMounting(t, order{Do: "journal on a full disk", Config: file.Config{Dir: t.TempDir(), MaxBytes: 64 << 20}})
}

func TestJournalOnAReadOnlyDisk(t *testing.T) {
	startMounting(t, order{Do: "journal on a read-only disk", Config: file.Config{Dir: t.TempDir()}})
}

func TestJournalDenied(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for the child, which isn't root any more
		t.Fatal(err)
	}
	start(t, order{Do: "journal denied", Config: file.Config{Dir: dir, Timeout: 20 * time.Second}}, nil).succeeds()
}

// appends wants this error, or none where it is nil.
func (s *steps) appends(n int, want error) (p store.Position) {
	if s.err == nil {
		var err error
		p, err = s.s.Append(s.ctx, marked(0, n))
		s.wants("append", err, want)
	}
	return p
}

// reads wants the journal to end at a position.
func (s *steps) reads(p store.Position) {
	if s.err != nil {
		return
	}
	page, err := s.s.Read(s.ctx, p)
	s.wants("read", err, nil)
	if s.err == nil && page.Position() != p {
		s.fail("the journal ends at %d, not at %d", page.Position().Seq, p.Seq)
	}
}

// fill leaves so many bytes free.
func fill(name string, free int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(name), &disk); err != nil {
		return err
	}
	return os.WriteFile(name, make([]byte, int64(disk.Bfree)*disk.Bsize-free), 0o600)
}

func journalOnFullDisk(o order) error {
	if err := mount(o.Config.Dir, "size=2m"); err != nil {
		return err
	}
	s := newSteps(o.Config)
	p := s.appends(3, nil)
	filler := filepath.Join(o.Config.Dir, "filler")
	for _, free := range []int64{0, 8 << 10, 20 << 10} {
		if err := fill(filler, free); err != nil {
			return err
		}
		s.appends(5000, syscall.ENOSPC)
		s.reads(p)
		if s.err == nil {
			p = s.appends(1, nil) // it has room in its block
			s.reads(p)
		}
		if err := os.Truncate(filler, 0); err != nil {
			return err
		}
		p = s.appends(100, nil)
		s.reads(p)
	}
	if err := os.Remove(filepath.Join(o.Config.Dir, "journal")); err != nil {
		return err
	}
	if err := fill(filler, 0); err != nil {
		return err
	}
	if _, err := s.s.Read(s.ctx, p); s.err == nil && !errors.Is(err, syscall.ENOSPC) {
		s.fail("read: %v", err)
	}
	s.appends(1, syscall.ENOSPC)
	s.clean(o.Config.Dir)
	if err := os.Remove(filler); err != nil {
		return err
	}
	after := s.appends(1, nil)
	if s.err == nil && (after.Seq != 1 || after.Epoch == p.Epoch) {
		s.fail("another journal began: %v", after)
	}
	// Entries give way to a purge.
	for i := range 60 {
		s.sets(fmt.Sprint("k", i), 20<<10, nil)
	}
	if err := fill(filler, 0); err != nil {
		return err
	}
	s.appends(500, syscall.ENOSPC)
	for i := 0; s.err == nil; i++ {
		if _, err := s.s.Append(s.ctx, marked(0, 500)); err == nil {
			return nil
		} else if i == 20 {
			return err
		}
	}
	return s.err
}

func journalOnReadOnlyDisk(o order) error {
	if err := mount(o.Config.Dir, "size=2m"); err != nil {
		return err
	}
	s := newSteps(o.Config)
	p := s.appends(3, nil)
	if err := syscall.Mount("", o.Config.Dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	for range 2 { // the second time with a store that was opened so
		s.reads(p)
		s.appends(1, syscall.EROFS)
		if s.err == nil {
			s.wants("renew", s.s.Renew(s.ctx, p.Epoch), syscall.EROFS)
		}
		s.reads(p)
		if s.err == nil {
			s.s, s.err = file.New(o.Config)
		}
	}
	if err := syscall.Mount("", o.Config.Dir, "", syscall.MS_REMOUNT, ""); err != nil {
		return err
	}
	s.reads(s.appends(1, nil))
	return s.err
}

// journalDenied has a journal that it may read and not write.
func journalDenied(o order) error {
	s := newSteps(o.Config)
	p := s.appends(3, nil)
	for name, mode := range map[string]os.FileMode{"": 0o555, "journal": 0o444, "journal.lock": 0o444} {
		if err := os.Chmod(filepath.Join(o.Config.Dir, name), mode); err != nil {
			return err
		}
	}
	if os.Getuid() == 0 { // whom no mode keeps out
		if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			return err
		}
	}
	if s.err == nil {
		s.s, s.err = file.New(o.Config)
	}
	s.reads(p)
	s.appends(1, syscall.EACCES)
	s.reads(p)
	return s.err
}
