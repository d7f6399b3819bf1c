// SPDX-License-Identifier: MIT

//go:build unix

package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

const (
	loadBytes  = 8 << 20
	loadKeys   = 400
	loadLength = 100 << 10
)

func loadConfig(dir string) file.Config {
	return file.Config{Dir: dir, MaxBytes: loadBytes, MaxValue: 256 << 10, Timeout: 20 * time.Second}
}

// While a process writes as fast as it can, the folder never takes more than MaxBytes, at
// whatever moment it is stopped and looked at, temporary files included.
func TestTheBoundHoldsAtEveryMoment(t *testing.T) {
	for name, o := range map[string]order{
		"many keys":                         {Config: file.Config{MaxBytes: 4 << 20, MaxValue: 256 << 10}, Keys: 300, Length: 100 << 10},
		"few keys, all being written":       {Config: file.Config{MaxBytes: 1 << 20, MaxValue: 256 << 10}, Keys: 9, Length: 200 << 10},
		"files that are as large as may be": {Config: file.Config{MaxBytes: 1 << 20, MaxValue: 500 << 10}, Keys: 50, Length: 400 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			o.Do, o.Config.Dir, o.Config.Timeout = "load", t.TempDir(), 20*time.Second
			c := start(t, o, nil)
			var most int64
			for i := 0; i < 100 || i < 1000 && most <= o.Config.MaxBytes/2; i++ {
				time.Sleep(7 * time.Millisecond)
				c.halt()
				_, bytes := onDisk(t, o.Config.Dir)
				most = max(most, bytes)
				c.resume()
			}
			require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
			c.succeeds()
			require.LessOrEqual(t, most, o.Config.MaxBytes)
			require.Greater(t, most, o.Config.MaxBytes/2, "the test wrote too little to show anything")
		})
	}
}

// After a process was killed while it wrote, nothing but whole entries is served, what it
// left behind is counted and goes, and the accounts are right.
func TestKilledWhileWriting(t *testing.T) {
	dir, left := t.TempDir(), 0
	for round := range 20 {
		c := start(t, order{Do: "load", Config: loadConfig(dir), Worker: round, Keys: loadKeys, Length: loadLength}, nil)
		for round == 0 { // until it writes at all
			if entries, _ := onDisk(t, dir); entries > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(100+round*7) * time.Millisecond)
		c.kill()
		left += len(temps(t, dir))
		checkAfterKill(t, dir)
	}
	require.NotZero(t, left, "no kill left anything behind: the test shows nothing")
}

func checkAfterKill(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-11 * time.Minute)
	for _, name := range temps(t, dir) {
		require.NoError(t, os.Chtimes(filepath.Join(dir, "tmp", name), old, old))
	}
	_, bytes := onDisk(t, dir)
	require.LessOrEqual(t, bytes, int64(loadBytes+loadBytes/8), "by no more than an eighth was the bound exceeded before the survey")
	s, err := file.New(loadConfig(dir))
	require.NoError(t, err)
	for i := range loadKeys { // at once, while the survey is under way
		require.NoError(t, readSigned(t.Context(), s, fmt.Sprintf("k%d", i)))
	}
	awaitSurvey(t, s)
	found := 0
	for i := range loadKeys {
		key := fmt.Sprintf("k%d", i)
		require.NoError(t, readSigned(t.Context(), s, key))
		if _, err := s.Get(t.Context(), key); err == nil {
			found++
		}
	}
	require.NotZero(t, found)
	require.Empty(t, temps(t, dir), "what a killed process left is swept")
	requireAccounts(t, s, dir)
	scanned := 0
	for e, err := range store.Scan(t.Context(), s) {
		require.NoError(t, err)
		require.NoError(t, checkSigned(e.Key(), e))
		scanned++
	}
	require.Equal(t, found, scanned)
	require.NoError(t, s.Close())
}

// Two processes write into the same folder at the same time, as an old and a new release
// do during a deploy: neither gets wrong bytes, and each finds what the other wrote.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	var both []*child
	for i := range 2 {
		both = append(both, start(t, order{Do: "load", Config: loadConfig(dir), Worker: i, Keys: loadKeys, Length: loadLength}, nil))
	}
	s, err := file.New(loadConfig(dir))
	require.NoError(t, err)
	for range 6 {
		time.Sleep(50 * time.Millisecond)
		for i := range loadKeys {
			require.NoError(t, readSigned(t.Context(), s, fmt.Sprintf("k%d", i)))
		}
	}
	for _, c := range both {
		c.halt()
	}
	_, bytes := onDisk(t, dir)
	require.LessOrEqual(t, bytes, int64(2*loadBytes), "each keeps to the bound for what it knows")
	for _, c := range both {
		c.resume()
	}
	for _, c := range both {
		require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
		c.succeeds()
	}
	require.NoError(t, s.Close())
	require.Empty(t, temps(t, dir))
	after := open(t, loadConfig(dir))
	awaitSurvey(t, after)
	requireAccounts(t, after, dir)
	require.LessOrEqual(t, after.Stats().Bytes, int64(loadBytes), "and the next survey sees to the rest")
}
