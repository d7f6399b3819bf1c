// SPDX-License-Identifier: MIT

package holdover

import "errors"

// ErrClosed says that the Cache was closed. Its handlers still answer, by calling
// the next handler for each request, but there is nothing left to purge or ask.
var ErrClosed = errors.New("holdover: cache is closed")

// ConfigError is one problem of a Config or a Policy. New looks for all of them
// and joins what it finds with errors.Join.
type ConfigError struct {
	// Field is the path of the field, such as "Policy.Freshness.StatusTTL[404]".
	Field string
	// Err says what is wrong with its value.
	Err error
}

// Error returns the field and what is wrong with it.
func (e *ConfigError) Error() string { return "holdover: " + e.Field + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }
