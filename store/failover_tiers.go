// SPDX-License-Identifier: MIT

package store

import (
	"errors"
	"reflect"
	"slices"
)

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

// LeaserOf returns what leases keys in the slowest tier outside of this process that does, or
// errors.ErrUnsupported.
func (t *Tiered) LeaserOf() (Leaser, error) {
	for i := len(t.tiers) - 1; i >= 0; i-- {
		if IsLocal(t.tiers[i]) && !t.Local() {
			continue
		}
		if l, err := LeaserOf(t.tiers[i]); err == nil {
			return l, nil
		}
	}
	return nil, errors.ErrUnsupported
}

// indexOf returns where a store stands in a list, or -1.
func indexOf(list []Store, s Store) int {
	if !reflect.TypeOf(s).Comparable() {
		return -1
	}
	return slices.IndexFunc(list, func(other Store) bool {
		return reflect.TypeOf(other) == reflect.TypeOf(s) && other == s
	})
}
