// SPDX-License-Identifier: MIT

package file

import (
	"context"
	"fmt"
	"os"
)

// Ping writes an empty file and removes it. It makes the folder anew if it was deleted.
func (s *Store) Ping(ctx context.Context) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.failure("ping", run(ctx, s.writers, func() error { return s.inFolder(s.tryWrite) }, nil))
}

func (s *Store) tryWrite(f *folder) error {
	temps, err := f.makeTemps()
	if err != nil {
		return err
	}
	name := s.tempName()
	file, err := temps.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return temps.Remove(name)
}

// tempName returns a name that no other temporary file has.
func (s *Store) tempName() string { return fmt.Sprintf("%s-%d%s", s.tag, s.temps.Add(1), tempEnd) }
