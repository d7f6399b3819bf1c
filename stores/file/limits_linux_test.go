// SPDX-License-Identifier: MIT

package file_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

func init() {
	children["few files"] = fewFiles
	children["short files"] = shortFiles
	children["full disk"] = fullDisk
	children["read-only disk"] = readOnlyDisk
	children["denied"] = denied
}

func TestTooManyOpenFiles(t *testing.T) {
	start(t, order{Do: "few files", Config: file.Config{Dir: t.TempDir()}}, nil).succeeds()
}

func TestFilesTooLongForTheDisk(t *testing.T) {
	start(t, order{Do: "short files", Config: file.Config{Dir: t.TempDir()}}, nil).succeeds()
}

func TestPermissionDenied(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // for the child, which isn't root any more
	t.Cleanup(func() {                                     // or it couldn't be deleted
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(path, 0o700)
			}
			return err
		}))
	})
	start(t, order{Do: "denied", Config: file.Config{Dir: filepath.Join(dir, "cache")}}, nil).succeeds()
}

// These need a disk of their own. The child makes one, which nobody else sees, where the
// system lets it.
func TestFullDisk(t *testing.T) {
	startMounting(t, order{Do: "full disk", Config: file.Config{Dir: t.TempDir(), MaxBytes: 64 << 20}})
}

func TestReadOnlyDisk(t *testing.T) {
	startMounting(t, order{Do: "read-only disk", Config: file.Config{Dir: t.TempDir()}})
}

func startMounting(t *testing.T, o order) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if id := os.Getuid(); id != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: id, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	c := start(t, o, attr)
	if err := c.cmd.Wait(); err != nil {
		require.Contains(t, c.out.String(), errNoMount.Error(), "the child failed: %v", err)
		t.Logf("not tested: %s", c.out)
	}
}

var errNoMount = errors.New("no file system may be mounted here")

func mount(dir, options string) error {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, options)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	return nil
}

// steps are checks in a child, where there is no testing.T. The first that fails ends them.
type steps struct {
	ctx context.Context
	s   *file.Store
	err error
}

func newSteps(cfg file.Config) *steps {
	s, err := file.New(cfg)
	return &steps{ctx: context.Background(), s: s, err: err}
}

func (s *steps) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// sets stores a body of that length and wants this error, or none where it is nil.
func (s *steps) sets(key string, length int, want error) {
	if s.err != nil {
		return
	}
	e, err := store.New(response(key, signed(key, 1, length)))
	if err == nil {
		err = s.s.Set(s.ctx, key, e)
	}
	s.wants("set", err, want)
}

func (s *steps) gets(key string, want error) {
	if s.err != nil {
		return
	}
	e, err := s.s.Get(s.ctx, key)
	s.wants("get", err, want)
	if err == nil && s.err == nil {
		s.err = checkSigned(key, e)
	}
	if want != nil && !errors.Is(want, store.ErrNotFound) && errors.Is(err, store.ErrNotFound) {
		s.fail("a failure of the disk is no miss: %w", err)
	}
}

func (s *steps) wants(what string, err, want error) {
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		s.fail("%s: got %v, want %v", what, err, want)
	}
}

// failsWith wants all but a hit to fail so.
func (s *steps) failsWith(want error) {
	s.sets("other", 10, want)
	if s.err == nil {
		e, err := store.New(response("k", "body"))
		if err == nil {
			_, err = s.s.SetIfNewer(s.ctx, "k", e)
		}
		s.wants("set if newer", err, want)
		s.wants("ping", s.s.Ping(s.ctx), want)
	}
}

// clean wants no temporary file to be left.
func (s *steps) clean(dir string) {
	list, err := os.ReadDir(filepath.Join(dir, "tmp"))
	if err != nil || len(list) > 0 {
		s.fail("temporary files are left: %v %v", list, err)
	}
}

func fewFiles(o order) error {
	s := newSteps(o.Config)
	s.sets("k", 100<<10, nil)
	s.gets("k", nil)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	few := limit
	few.Cur = 3
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		return err
	}
	s.gets("k", syscall.EMFILE)
	s.gets("never set", store.ErrNotFound) // which shows without opening anything
	s.failsWith(syscall.EMFILE)
	if s.err == nil {
		for _, err := range s.s.Scan(s.ctx) {
			s.wants("scan", err, syscall.EMFILE)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	s.gets("k", nil)
	s.sets("other", 10, nil)
	s.clean(o.Config.Dir)
	return s.err
}

func shortFiles(o order) error {
	signal.Ignore(syscall.SIGXFSZ)
	s := newSteps(o.Config)
	s.sets("k", 10<<10, nil)
	limit := syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	s.sets("k", 100<<10, syscall.EFBIG)
	s.clean(o.Config.Dir)
	s.gets("k", nil) // what stood there is whole
	s.sets("other", 10<<10, nil)
	s.gets("other", nil)
	if got := s.s.Stats(); got.Entries != 2 || got.Bytes != 24<<10 {
		s.fail("what failed doesn't count: %+v", got)
	}
	return s.err
}

// fullDisk has a disk that is smaller than MaxBytes.
func fullDisk(o order) error {
	if err := mount(o.Config.Dir, "size=4m"); err != nil {
		return err
	}
	s := newSteps(o.Config)
	full, stored := 0, 0
	for i := range 400 {
		key := fmt.Sprint("k", i)
		e, err := store.New(response(key, signed(key, i, 50<<10)))
		if err != nil {
			return err
		}
		switch err := s.s.Set(s.ctx, key, e); {
		case err == nil:
			stored++
		case errors.Is(err, syscall.ENOSPC):
			full++
			s.clean(o.Config.Dir)
		default:
			return err
		}
	}
	if full == 0 || stored < 200 {
		s.fail("%d sets found the disk full, %d stored: room must be made for those that follow", full, stored)
	}
	found := 0
	for i := range 400 {
		if key := fmt.Sprint("k", i); readSigned(s.ctx, s.s, key) != nil {
			s.fail("something is served that isn't whole")
		} else if _, err := s.s.Get(s.ctx, key); err == nil {
			found++
		}
	}
	if got := s.s.Stats().Entries; got != found || found < 30 {
		s.fail("%d entries are left, the store says %d", found, got)
	}
	return s.err
}

func readOnlyDisk(o order) error {
	if err := mount(o.Config.Dir, "size=4m"); err != nil {
		return err
	}
	s := newSteps(o.Config)
	s.sets("k", 10<<10, nil)
	if err := syscall.Mount("", o.Config.Dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	for range 2 { // the second time with a store that was opened so
		s.gets("k", nil)
		s.gets("never set", store.ErrNotFound)
		s.failsWith(syscall.EROFS)
		if s.err == nil {
			s.wants("delete", s.s.Delete(s.ctx, "k"), syscall.EROFS)
		}
		s.gets("k", nil)
		if s.err == nil {
			s.s, s.err = file.New(o.Config)
		}
	}
	if err := syscall.Mount("", o.Config.Dir, "", syscall.MS_REMOUNT, ""); err != nil {
		return err
	}
	s.sets("k", 20<<10, nil)
	s.gets("k", nil)
	s.clean(o.Config.Dir)
	return s.err
}

// denied has a folder that is somebody else's, or that nobody may use.
func denied(o order) error {
	s := newSteps(o.Config)
	s.sets("k", 10<<10, nil)
	s.sets("open to all", 10<<10, nil)
	for at, mode := range map[string]os.FileMode{
		o.Config.Dir: 0o555, filepath.Join(o.Config.Dir, "tmp"): 0o555,
		filepath.Dir(path(o.Config.Dir, "k")): 0o555, path(o.Config.Dir, "k"): 0,
		filepath.Dir(path(o.Config.Dir, "open to all")): 0o555, path(o.Config.Dir, "open to all"): 0o444,
	} {
		if err := os.Chmod(at, mode); err != nil {
			return err
		}
	}
	if os.Getuid() == 0 { // whom no mode keeps out
		if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			return err
		}
	}
	for range 2 { // the second time with a store that was opened so
		s.gets("k", syscall.EACCES)
		s.gets("open to all", nil)
		s.failsWith(syscall.EACCES)
		if s.err == nil && strings.Contains(s.s.Ping(s.ctx).Error(), o.Config.Dir) {
			s.fail("errors name no paths")
		}
		if s.err == nil {
			s.s, s.err = file.New(o.Config)
		}
	}
	_, err := file.New(file.Config{Dir: filepath.Join(o.Config.Dir, "new"), Timeout: time.Second})
	s.wants("New in a folder that may not be written to", err, syscall.EACCES)
	return s.err
}
