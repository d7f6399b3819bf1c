// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/holdover-go/holdover/store"
)

// set stores the entry if replace, which may be nil, agrees to it for the one that
// stands. It reports whether it did.
func (s *Store) set(ctx context.Context, key string, e *store.Entry, replace func(old *store.Entry) bool) (bool, error) {
	value, life, err := s.values.Encode(e)
	if err != nil {
		return false, err
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	h := hashOf(key)
	if err := s.turns.lock(ctx, h); err != nil {
		return false, err
	}
	if replace != nil {
		if agreed, err := s.agreed(ctx, h, key, replace); !agreed {
			s.turns.unlock(h)
			return false, err
		}
	}
	if life == 0 {
		err = s.drop(ctx, h)
	} else {
		err = s.write(ctx, h, value, e.StoreUntil())
	}
	return err == nil, err
}

// agreed asks replace about what stands under the key. Nothing that can be read agrees.
func (s *Store) agreed(ctx context.Context, h hash, key string, replace func(old *store.Entry) bool) (bool, error) {
	r, err := s.read(ctx, h, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	}
	return replace(r.entry), nil
}

// drop removes a file. The caller has the turn, which ends with it.
func (s *Store) drop(ctx context.Context, h hash) error {
	return run(ctx, s.writers, func() error {
		if err := s.changes.lock(ctx, h); err != nil {
			return err
		}
		defer s.changes.unlock(h)
		s.present(s.folder.Load(), h.part())
		return s.discard(h, false)
	}, func() { s.turns.unlock(h) })
}

// removeFile returns nil where there is none.
func (s *Store) removeFile(h hash) error {
	part, err := s.folder.Load().part(h.part())
	if err == nil {
		err = part.Remove(h.name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// write writes a file. The caller has the turn, which ends with it.
func (s *Store) write(ctx context.Context, h hash, value []byte, until int64) error {
	w := writing{s: s, hash: h, value: value, head: headOf(value, until), blocks: blocksOf(int64(len(value)) + headLen)}
	if err := s.room.Acquire(ctx, int64(w.blocks)); err != nil {
		s.turns.unlock(h)
		return err
	}
	return run(ctx, s.writers, func() error { return w.run(ctx) }, func() {
		s.room.Release(int64(w.blocks))
		s.turns.unlock(h)
	})
}

// writing is a file that is being written.
type writing struct {
	s      *Store
	hash   hash
	value  []byte
	head   head
	blocks uint32
	placed bool // it has its name, and the index knows it
}

func (w *writing) run(ctx context.Context) error {
	if err := w.s.makeRoom(ctx, w.blocks); err != nil {
		return err
	}
	err := w.s.inFolder(func(f *folder) error { return w.place(ctx, f) })
	if !w.placed {
		w.s.index.release(w.blocks)
	}
	if diskFull(err) {
		w.s.evict(2 * w.blocks) // so that the next one finds room, whoever took it from us
	}
	return err
}

// place writes a temporary file and gives it its name, or leaves nothing of it.
func (w *writing) place(ctx context.Context, f *folder) error {
	temps, err := f.makeTemps()
	if err != nil {
		return err
	}
	temp := w.s.tempName()
	if err = w.fill(temps, temp); err == nil {
		err = ctx.Err() // nobody waits any more: better nothing than something late
	}
	if err == nil {
		err = w.swap(ctx, f, temp)
	}
	if err != nil {
		_ = temps.Remove(temp) // it may not even exist
	}
	return err
}

func (w *writing) fill(temps *os.Root, temp string) error {
	file, err := temps.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(w.head.encode())
	if err == nil {
		_, err = file.Write(w.value)
	}
	if err == nil && w.s.cfg.Sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// swap gives the temporary file the name of the entry's.
//
// A rename over an existing file makes ext4 write the new one to the disk at once, and
// Set takes twice as long as where the old one was removed first. So that is done where
// nobody asked for Sync: as fast as a new name for every version, and simpler. For that moment there is no file, which readers of this store wait out;
// for another process it is a miss.
func (w *writing) swap(ctx context.Context, f *folder, temp string) error {
	s, h := w.s, w.hash
	i := h.part()
	made, err := f.makePart(i)
	if err != nil {
		return err
	}
	part, err := f.part(i)
	if err != nil {
		return err
	}
	if err := s.changes.lock(ctx, h); err != nil {
		return err
	}
	defer s.changes.unlock(h)
	if !s.cfg.Sync && s.index.has(h) {
		_ = part.Remove(h.name()) // if it fails, the rename says why
	}
	if err := rename(f, part, temp, h); err != nil {
		return err
	}
	s.index.put(h, w.blocks, seconds(w.head.until))
	w.placed = true
	if s.cfg.Sync {
		return syncNames(f, part, made)
	}
	return nil
}

// rename also replaces an empty folder, which somebody may have put there.
func rename(f *folder, part *os.Root, temp string, h hash) error {
	from, to := tempName+"/"+temp, partName(h.part())+"/"+h.name()
	err := f.root.Rename(from, to)
	if errors.Is(err, fs.ErrExist) && part.Remove(h.name()) == nil {
		err = f.root.Rename(from, to)
	}
	return err
}

// syncNames makes the file's name last, and that of its subfolder where that is new.
func syncNames(f *folder, part *os.Root, made bool) error {
	err := syncDir(part)
	if err == nil && made {
		err = syncDir(f.root)
	}
	return err
}

func syncDir(r *os.Root) error {
	dir, err := r.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
