// SPDX-License-Identifier: MIT

package marks

// SetRoom makes room for fewer marks that a journal lacks.
func (t *Table) SetRoom(n int) { t.room = n }
