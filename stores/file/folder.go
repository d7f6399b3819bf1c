// SPDX-License-Identifier: MIT

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// folder is the store's folder, held open with all its subfolders, so that an open looks
// up one name: that makes a read a sixth faster. It costs up to 258 file descriptors.
type folder struct {
	root  *os.Root
	parts [numParts]atomic.Pointer[os.Root]
	temp  atomic.Pointer[os.Root]
}

// openFolder opens the folder, and makes it first if it doesn't exist and may be made.
func openFolder(dir string, mayMake bool) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if mayMake && errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, dirMode); err == nil {
			root, err = os.OpenRoot(dir)
		}
	}
	if err != nil {
		return nil, err
	}
	return &folder{root: root}, nil
}

// part returns the i-th subfolder, or an error that is fs.ErrNotExist where it was never made.
func (f *folder) part(i int) (*os.Root, error) {
	if r := f.parts[i].Load(); r != nil {
		return r, nil
	}
	return f.open(&f.parts[i], partName(i))
}

// makePart makes the subfolder first, and reports whether it did.
func (f *folder) makePart(i int) (made bool, err error) {
	if f.parts[i].Load() != nil {
		return false, nil
	}
	return f.make(partName(i))
}

// temps returns the folder of temporary files, or an error that is fs.ErrNotExist where it
// was never made.
func (f *folder) temps() (*os.Root, error) {
	if r := f.temp.Load(); r != nil {
		return r, nil
	}
	return f.open(&f.temp, tempName)
}

// makeTemps returns the same folder, and makes it first if it doesn't exist.
func (f *folder) makeTemps() (*os.Root, error) {
	r, err := f.temps()
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = f.make(tempName); err == nil {
			r, err = f.temps()
		}
	}
	return r, err
}

func (f *folder) make(name string) (made bool, err error) {
	err = f.root.Mkdir(name, dirMode)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// open opens a subfolder for good. A symbolic link is refused, even if it stays inside.
func (f *folder) open(into *atomic.Pointer[os.Root], name string) (*os.Root, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%q is not a folder", name)
	}
	r, err := f.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if !into.CompareAndSwap(nil, r) {
		_ = r.Close() // somebody was faster
	}
	return into.Load(), nil
}

// current reports whether this is still the folder that stands at dir, and its i-th
// subfolder the one in it. Somebody may have deleted them and made others.
func (f *folder) current(dir string, i int) bool {
	if now, err := os.Stat(dir); !same(now, err, f.root) {
		return false
	}
	part := f.parts[i].Load()
	if part == nil {
		return true
	}
	now, err := f.root.Lstat(partName(i))
	return same(now, err, part)
}

// same reports whether a folder that was looked at is the open one. Where we may not look
// at it any more, the open one is all that there is.
func same(now fs.FileInfo, err error, open *os.Root) bool {
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	opened, err := open.Lstat(".")
	return err == nil && os.SameFile(now, opened)
}

// close must come after the last use.
func (f *folder) close() {
	for i := range f.parts {
		if r := f.parts[i].Load(); r != nil {
			_ = r.Close() // of a folder that was only read from
		}
	}
	if r := f.temp.Load(); r != nil {
		_ = r.Close()
	}
	_ = f.root.Close()
}

// present returns f if it is still the folder that stands at Config.Dir, and the i-th
// subfolder the one in it, and else the one that does. Where there is none, f is as good.
func (s *Store) present(f *folder, i int) *folder {
	if !f.current(s.cfg.Dir, i) {
		if now, err := s.reopen(f, false); err == nil {
			return now
		}
	}
	return f
}

// inFolder runs work. Where something of the folder is missing it opens or makes the
// folder anew, and runs work a second time.
func (s *Store) inFolder(work func(*folder) error) error {
	f := s.folder.Load()
	err := work(f)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f, err = s.reopen(f, true); err != nil {
		return err
	}
	return work(f)
}

// reopen replaces the folder that the caller found missing, unless somebody has done so.
// The old one is closed by the garbage collector: others may be using it.
func (s *Store) reopen(old *folder, mayMake bool) (*folder, error) {
	s.reopening.Lock() // nothing else works while the folder is missing
	defer s.reopening.Unlock()
	if f := s.folder.Load(); f != old {
		return f, nil
	}
	f, err := openFolder(s.cfg.Dir, mayMake)
	if err == nil && !f.current(s.cfg.Dir, 0) {
		err = errUnstable
		f.close()
	}
	if err != nil {
		return nil, err
	}
	s.folder.Store(f)
	s.keeper.again.Store(true)
	return f, nil
}

// errUnstable keeps us from opening the folder again and again where the file system
// doesn't know it again.
var errUnstable = errors.New("the folder is another one whenever it is looked at")
