// SPDX-License-Identifier: MIT

package outage_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxyBinary is where TestMain's directory holds examples/proxy, once it was built.
var proxyBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workDir, "proxy")
	args := []string{"build", "-o", path}
	if raceDetector() {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "../proxy")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// raceDetector reports whether this test was built with it. The proxy then is, too,
// and ends with an error if it found something.
func raceDetector() bool {
	info, known := debug.ReadBuildInfo()
	return known && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

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
	var stderr bytes.Buffer
	cmd := exec.Command(path, "-listen", "127.0.0.1:0", "-origin", "http://"+o.addr)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		require.NoError(t, err, "it drains and closes: %s", stderr.String())
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return listening.FindString(line)
}
