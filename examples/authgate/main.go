// SPDX-License-Identifier: MIT

// Command authgate shows an API gateway whose authorization backend goes away. It
// tells a story and ends by itself.
//
//	go run ./examples/authgate
//
// The gateway asks the backend whether a credential may pass and caches the verdict.
// While the backend fails:
//
//   - verdicts that are known go on counting, the denials too (outcome resilient),
//     or every failure is shown (outcome strict);
//   - clients on an allow list pass by the fallback, for a bounded time, each time
//     with a line in the audit log;
//   - nobody else gets in.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/holdover-go/holdover"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "authgate:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	fmt.Fprintln(out, "alice and mallory were seen before the outage, bob and vera weren't; vera is on the allow list.")
	for _, outcome := range []holdover.Outcome{holdover.Resilient, holdover.Strict} {
		fmt.Fprintf(out, "\n== outcome %v ==\n", outcome)
		if err := tell(outcome, out); err != nil {
			return err
		}
	}
	return nil
}

func tell(outcome holdover.Outcome, out io.Writer) error {
	s, err := newStory(outcome, out, alice, bob, vera)
	if err != nil {
		return err
	}
	_, err = s.tell()
	return errors.Join(err, s.close())
}
