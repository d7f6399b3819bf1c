// SPDX-License-Identifier: MIT

// Package leaktest fails the tests of a package if they leave goroutines behind.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines that are about to end get for it.
const patience = 10 * time.Second

// Main runs the tests and then checks that every goroutine of this project has ended. Use it
// as a package's TestMain:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if left := Wait(patience); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines are left:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// Wait waits until there is no goroutine of this project but the caller's, at most so
// long, and returns the stacks of those that are left.
func Wait(d time.Duration) (left []string) {
	for deadline := time.Now().Add(d); ; time.Sleep(10 * time.Millisecond) {
		if left = ours(); len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

const project = "github.com/holdover-go/holdover"

// ours returns the stacks of the project's goroutines without the caller's.
func ours() (found []string) {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	_, others, _ := strings.Cut(string(buf), "\n\n") // the first one is the caller's
	for stack := range strings.SplitSeq(others, "\n\n") {
		if strings.Contains(stack, project) {
			found = append(found, stack)
		}
	}
	return found
}
