// SPDX-License-Identifier: MIT

package marks

// Verdict is what the marks say of a stored response. The larger ones are worse.
type Verdict uint8

const (
	// Unpurged: no mark matches it.
	Unpurged Verdict = iota
	// Soft: it is stale.
	Soft
	// Unsure: it may have been purged, and nobody here knows. It is used only after
	// successful validation.
	Unsure
	// Hard: it is not used any more.
	Hard
)
