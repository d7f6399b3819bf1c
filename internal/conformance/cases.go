// SPDX-License-Identifier: MIT

package conformance

import "slices"

// Cases returns all cases. A new table is joined here.
func Cases() []Case {
	return slices.Concat(
		storing,
		freshness,
		age,
		validation,
		messages,
		failures,
	)
}
