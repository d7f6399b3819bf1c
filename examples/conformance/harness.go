// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

var (
	//go:embed server.mjs
	serverScript string
	//go:embed catalogue.mjs
	catalogueScript string
)

// profiles are those of examples/proxy, by the name of its flag. The first is its
// default, and started without the flag.
var profiles = []profile{{name: "safe"}, {name: "rfc", flags: []string{"-profile", "rfc"}}}

type profile struct {
	name  string
	flags []string
}

// harness runs the suite as it was published: its server behind a proxy of ours,
// its client in front of it.
type harness struct {
	suite string // the folder of the package
	proxy string // the program to test
	out   string // where results and logs go
}

// absolute makes the paths independent of the folder that a process runs in.
func (h *harness) absolute() error {
	for _, path := range []*string{&h.suite, &h.proxy, &h.out} {
		full, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = full
	}
	return os.MkdirAll(h.out, 0o755)
}

func (h harness) catalogue(ctx context.Context) ([]test, error) {
	text, err := h.node(ctx, nil, "--input-type=module", "-e", catalogueScript).Output()
	if err != nil {
		return nil, fmt.Errorf("the suite's index: %w", withStderr(err))
	}
	return readCatalogue(text)
}

// runAll runs all profiles at the same time: the suite mostly waits for responses
// to get old.
func (h harness) runAll(ctx context.Context) (map[string]results, error) {
	found := make([]results, len(profiles))
	failed := make([]error, len(profiles))
	var wg sync.WaitGroup
	for i, p := range profiles {
		wg.Go(func() {
			found[i], failed[i] = h.run(ctx, p)
		})
	}
	wg.Wait()
	runs := map[string]results{}
	for i, p := range profiles {
		runs[p.name] = found[i]
	}
	return runs, errors.Join(failed...)
}

// run is the suite against one fresh proxy.
func (h harness) run(ctx context.Context, p profile) (r results, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("profile %s: %w", p.name, err)
		}
	}()
	origin, err := h.startOrigin(ctx, p)
	if err != nil {
		return nil, err
	}
	defer origin.stop()
	proxy, err := h.startProxy(ctx, p, origin.url)
	if err != nil {
		return nil, err
	}
	defer proxy.stop()
	text, err := h.client(ctx, proxy.url)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(h.file(p, "results.json"), text, 0o644); err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &r)
	return r, err
}

func (h harness) startOrigin(ctx context.Context, p profile) (*server, error) {
	cmd := h.node(ctx, []string{
		"npm_config_protocol=http",
		"npm_config_port=0",
		"npm_config_pidfile=" + os.DevNull,
	}, "--input-type=module", "-e", serverScript)
	return startServer(cmd, h.file(p, "origin.log"))
}

func (h harness) startProxy(ctx context.Context, p profile, origin string) (*server, error) {
	args := append([]string{"-listen", "127.0.0.1:0", "-origin", origin}, p.flags...)
	return startServer(exec.CommandContext(ctx, h.proxy, args...), h.file(p, "proxy.log"))
}

// client returns what the suite's client prints: a JSON object with a member for each test.
func (h harness) client(ctx context.Context, base string) ([]byte, error) {
	cmd := h.node(ctx, []string{"npm_config_base=" + base, "npm_config_id=", "npm_package_config_id="},
		"--no-warnings", "cli.mjs")
	text, err := cmd.Output()
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = errors.New("printed nothing")
	}
	if err != nil {
		return nil, fmt.Errorf("the suite's client: %w", withStderr(err))
	}
	return text, nil
}

func (h harness) node(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = h.suite
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func (h harness) file(p profile, name string) string {
	return filepath.Join(h.out, p.name+"-"+name)
}

// withStderr adds what a program said before it failed.
func withStderr(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
