// SPDX-License-Identifier: MIT

package store

import "errors"

// JournalsOf returns the journals of the slowest tier that has one: several where that is a
// Failover.
func (t *Tiered) JournalsOf() []Journal {
	for i := len(t.tiers) - 1; i >= 0; i-- {
		if list := JournalsOf(t.tiers[i]); len(list) > 0 {
			return list
		}
	}
	return nil
}

// LeaserOf returns what leases keys in the slowest tier that does, or errors.ErrUnsupported.
func (t *Tiered) LeaserOf() (Leaser, error) {
	for i := len(t.tiers) - 1; i >= 0; i-- {
		if l, err := LeaserOf(t.tiers[i]); err == nil {
			return l, nil
		}
	}
	return nil, errors.ErrUnsupported
}
