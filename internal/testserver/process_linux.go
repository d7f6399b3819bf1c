// SPDX-License-Identifier: MIT

package testserver

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// setDeathSignal keeps a server from outliving a test binary that is killed.
func setDeathSignal(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// children returns the processes that pid started.
func children(pid int) (found []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state parent …", and a name may have blanks and brackets
		rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(rest) > 1 && string(rest[1]) == strconv.Itoa(pid) {
			found = append(found, child)
		}
	}
	return found
}
