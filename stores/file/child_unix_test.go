// SPDX-License-Identifier: MIT

//go:build unix

package file_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/stores/file"
)

// Some tests need another process, to kill it or to set its limits. It is this test
// program, which runs one of these functions instead of its tests.
var children = map[string]func(order) error{
	"load": load,
}

const childEnv = "HOLDOVER_FILE_TEST_CHILD"

// order says what a child does.
type order struct {
	Do     string
	Config file.Config
	Worker int // its number, so that two children write different things
	Keys   int
	Length int // of bodies, at most
}

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = children[o.Do](o)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// child is a process under way.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	out *bytes.Buffer
}

// start starts a child, which is killed with the test if it doesn't end.
func start(t *testing.T, o order, attr *syscall.SysProcAttr) *child {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	c := &child{t, exec.Command(os.Args[0]), new(bytes.Buffer)}
	c.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	c.cmd.SysProcAttr = attr
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		_ = c.cmd.Wait()
	})
	return c
}

// succeeds waits until the child ends, and fails if it failed.
func (c *child) succeeds() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Wait(), "%s", c.out)
}

// kill kills it as a crash does.
func (c *child) kill() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Kill())
	err := c.cmd.Wait()
	failed, ok := errors.AsType[*exec.ExitError](err)
	require.True(c.t, ok, "it has ended by itself: %v", err)
	require.Equal(c.t, syscall.SIGKILL, failed.Sys().(syscall.WaitStatus).Signal(), "%s", c.out)
}

// halt stops it in the middle of whatever it does, and returns when all its threads stand.
func (c *child) halt() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(c.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			require.NoError(c.t, err)
			break
		}
	}
	require.True(c.t, status.Stopped(), "it has ended: %s", c.out)
}

func (c *child) resume() {
	c.t.Helper()
	require.NoError(c.t, c.cmd.Process.Signal(syscall.SIGCONT))
}

// load writes and reads until the process is asked to end, and fails where it gets wrong
// bytes. Whatever stands in the folder must have been made by signed.
func load(o order) error {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	s, err := file.New(o.Config)
	if err != nil {
		return err
	}
	var done atomic.Bool
	var workers errgroup.Group
	for w := range 8 {
		workers.Go(func() error { return loadUntil(o, s, w, &done) })
	}
	failed := make(chan error, 1)
	go func() { failed <- workers.Wait() }()
	select {
	case err := <-failed:
		return err
	case <-terminate:
	case <-time.After(time.Minute): // nobody should be waiting any more
	}
	done.Store(true)
	return errors.Join(<-failed, s.Close())
}

func loadUntil(o order, s store.Store, worker int, done *atomic.Bool) error {
	ctx := context.Background() // calls end by Config.Timeout
	worker += 100 * o.Worker
	for i := 0; !done.Load(); i++ {
		key := fmt.Sprintf("k%d", (worker*31+i*7)%o.Keys)
		e, err := store.New(response(key, signed(key, worker*1_000_000+i, (worker*7919+i*104729)%o.Length)))
		switch {
		case err != nil:
		case i%9 == 8:
			err = s.Delete(ctx, key)
		case i%5 == 4:
			_, err = store.SetIfNewer(ctx, s, key, e)
		default:
			err = s.Set(ctx, key, e)
		}
		if err == nil {
			err = readSigned(ctx, s, fmt.Sprintf("k%d", (i*13+worker)%o.Keys))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
