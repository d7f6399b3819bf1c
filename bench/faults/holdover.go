// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
)

// buildHoldover compiles examples/proxy into a file.
func buildHoldover(file string, flags ...string) error {
	root, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/holdover-go/holdover").Output()
	if err != nil {
		return fmt.Errorf("start this in the repository: %w", err)
	}
	args := append([]string{"build", "-C", filepath.Join(string(bytes.TrimSpace(root)), "examples"), "-o", file}, flags...)
	if out, err := exec.Command("go", append(args, "./proxy")...).CombinedOutput(); err != nil {
		return fmt.Errorf("building examples/proxy: %w: %s", err, out)
	}
	return nil
}
