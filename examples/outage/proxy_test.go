// SPDX-License-Identifier: MIT

package outage_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxyBinary is where TestMain's directory holds examples/proxy, once it was built.
var proxyBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workDir, "proxy")
	out, err := exec.Command("go", "build", "-o", path, "../proxy").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

var workDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "outage")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	workDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var listening = regexp.MustCompile(`http://[^ ]+`)

// startProxy runs examples/proxy in front of the origin, without any further flag,
// and returns its URL.
func startProxy(t *testing.T, o *origin) string {
	path, err := proxyBinary()
	require.NoError(t, err)
	cmd := exec.Command(path, "-listen", "127.0.0.1:0", "-origin", "http://"+o.addr)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait(), "it drains and closes")
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return listening.FindString(line)
}
