// SPDX-License-Identifier: MIT

package codec

import "sync"

// pool keeps what is costly to make until somebody needs it again. The garbage
// collector empties it when nobody does.
type pool[T any] struct {
	free sync.Pool
	make func() (T, error)
}

func (p *pool[T]) get() (T, error) {
	if v, ok := p.free.Get().(T); ok {
		return v, nil
	}
	return p.make()
}

func (p *pool[T]) put(v T) { p.free.Put(v) }
