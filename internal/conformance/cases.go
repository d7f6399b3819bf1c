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
		integrity,
		transfer,
		collapsing,
		methods,
		targets,
		cacheStatus,
		ifError,
		whileRevalidate,
		preconditions,
		ranges,
		storable,
		vary,
		storedFields,
		updating,
		partial,
		combined,
		authorization,
		reuse,
		lifetime,
		heuristic,
		ageValues,
		staleUse,
		validating,
		conditional,
		invalidation,
		directives,
	)
}
