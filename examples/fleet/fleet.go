// SPDX-License-Identifier: MIT

package main

import (
	"os/exec"
	"path/filepath"
)

// names are those of the processes.
var names = [...]string{"one", "two", "three"}

// newFleet returns the proxies, not started yet. All that makes them a fleet is that they
// have the same stores in the same order, and that clients ask all of them under the same Host.
func newFleet(binary string, s *site, dir string, r *redis, said func(name, line string)) (fleet []*process) {
	for i, name := range names {
		args := []string{
			"-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-origin", s.url(i),
			"-memory-tier", "16MiB", // each keeps what it is asked for most in its own memory
			"-fleet-lease", // and only one of them fetches a page that all of them lack
		}
		if r != nil {
			args = append(args, "-store", "redis://"+r.addr) // they share what one of them fetched
		}
		args = append(args, "-store", "sqlite:"+filepath.Join(dir, "backup.db")) // and this, while Redis is away
		fleet = append(fleet, &process{
			index: i, name: name,
			command: func() *exec.Cmd { return exec.Command(binary, args...) },
			said:    func(line string) { said(name, line) },
		})
	}
	return fleet
}
