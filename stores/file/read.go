// SPDX-License-Identifier: MIT

package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/holdover-go/holdover/store"
)

// wholeLen is up to which length a file is read at once. Of a longer one the head comes
// first: memory is taken only for what says that it is an entry of that length.
const wholeLen = 1 << 20

// loaded is what was read of a file. size is set even where the value can't be read.
type loaded struct {
	head  head
	value []byte
	size  int64
}

// errNoFile says that nothing stands under the name.
var errNoFile = errors.New("no file")

// errNotRegular says that something else stands in the place of a file.
var errNotRegular = fmt.Errorf("%w: not a regular file", store.ErrFormat)

// load reads the file of an entry. The error is errNoFile where there is none, and wraps
// store.ErrFormat where what stands there isn't one.
//
// A file that the index knows is opened at once, all others are looked at before: so no
// link that somebody left is followed, and no device touched. Should one come in the place
// of a known file, os.Root keeps us inside, and what is no regular file isn't read.
func (s *Store) load(f *folder, h hash, known bool) (loaded, error) {
	part, err := f.part(h.part())
	if err != nil {
		return loaded{}, missing(err)
	}
	name := h.name()
	if !known {
		if err := regular(part.Lstat(name)); err != nil {
			return loaded{}, missing(err)
		}
	}
	file, err := part.OpenFile(name, openFlags, 0)
	if err != nil {
		if lookErr := regular(part.Lstat(name)); errors.Is(lookErr, errNotRegular) {
			err = lookErr
		}
		return loaded{}, missing(err)
	}
	defer file.Close() // was only read
	info, err := file.Stat()
	if err := regular(info, err); err != nil {
		return loaded{}, err
	}
	return s.loadFrom(file, info.Size())
}

// regular takes what Stat returns, and fails where that isn't a regular file.
func regular(info fs.FileInfo, err error) error {
	if err == nil && !info.Mode().IsRegular() {
		return errNotRegular
	}
	return err
}

func (s *Store) loadFrom(file *os.File, size int64) (loaded, error) {
	l := loaded{size: size}
	if size-headLen > int64(s.cfg.MaxValue) {
		return l, fmt.Errorf("%w: longer than MaxValue", store.ErrFormat)
	}
	if size > wholeLen {
		first := make([]byte, headLen)
		if err := readAll(file, first); err != nil {
			return l, err
		}
		if h, err := decodeHead(first); err != nil {
			return l, err
		} else if h.length != uint64(size)-headLen {
			return l, errLength
		}
	}
	content := make([]byte, size)
	err := readAll(file, content)
	if err != nil {
		return l, err
	}
	if l.head, err = decodeHead(content); err != nil {
		return l, err
	}
	l.value = content[headLen:]
	if l.head.length != uint64(len(l.value)) {
		return l, errLength
	}
	return l, nil
}

// readAll fills b from the start of the file.
func readAll(file *os.File, b []byte) error {
	n, err := file.ReadAt(b, 0)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errLength
	}
	return err
}

// missing makes errNoFile of the absence of a file.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errNoFile
	}
	return err
}

// plain takes the path out of an error of the file system: it is long, another one for
// each entry, and nobody needs it to know what is wrong.
func plain(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s: %w", link.Op, link.Err)
	}
	return err
}
