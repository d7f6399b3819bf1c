// SPDX-License-Identifier: MIT

package sql

import (
	"context"
	"time"
)

// Round drops at once what the background would drop.
func (s *Store) Round(ctx context.Context) error { return s.trimmer.round(ctx) }

// Size estimates the sum of all values.
func (s *Store) Size(ctx context.Context) (int64, error) { return s.trimmer.size(ctx) }

// TrimEvery lets the background look so often from the first write on.
func (s *Store) TrimEvery(d time.Duration) { s.trimmer.first, s.trimmer.every = d, d }

// SetMaxMarks changes how many marks are kept.
func (s *Store) SetMaxMarks(n int64) { s.maxMarks = n }

// SetMaxBytes changes the bound.
func (s *Store) SetMaxBytes(n int64) { s.trimmer.maxBytes = n }
