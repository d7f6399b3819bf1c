// SPDX-License-Identifier: MIT

//go:build !race

package holdover_test

// raceDetector: tests that go through much memory go through less of it under the
// race detector.
const raceDetector = false
