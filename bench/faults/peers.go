// SPDX-License-Identifier: MIT

package main

import (
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"text/template"
)

// peer is a cache that can be started here.
type peer struct {
	name    string
	program string // that must be installed; "" needs none
	version string // the flag that prints it
	// command returns what runs it in the foreground, in a folder of its own.
	command func(where place) (*exec.Cmd, error)
}

// place is where a cache is started.
type place struct {
	Dir            string
	Listen, Origin string // addresses
	flags          []string
}

// allPeers has Holdover first. holdover is its binary.
func allPeers(holdover string) []peer {
	return []peer{
		{name: "Holdover", command: func(w place) (*exec.Cmd, error) {
			return exec.Command(holdover, append([]string{"-listen", w.Listen, "-origin", "http://" + w.Origin}, w.flags...)...), nil
		}},
		{name: "nginx stock", program: "nginx", version: "-v", command: nginx("nginx-stock.conf")},
		{name: "nginx tuned", program: "nginx", version: "-v", command: nginx("nginx-tuned.conf")},
		{name: "Varnish stock", program: "varnishd", version: "-V", command: varnish("varnish-stock.vcl")},
		{name: "Varnish tuned", program: "varnishd", version: "-V", command: varnish("varnish-tuned.vcl")},
	}
}

//go:embed peers
var configurations embed.FS

// Root reports whether nginx must be told to stay root: its workers would
// become a user who can't write into the folder.
func (w place) Root() bool { return os.Geteuid() == 0 }

func (w place) OriginHost() string { host, _, _ := net.SplitHostPort(w.Origin); return host }
func (w place) OriginPort() string { _, port, _ := net.SplitHostPort(w.Origin); return port }

// configure writes a configuration for the place, and returns its file.
func (w place) configure(name string) (string, error) {
	t, err := template.ParseFS(configurations, "peers/"+name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(w.Dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return path, t.Execute(f, w)
}

func nginx(configuration string) func(place) (*exec.Cmd, error) {
	return func(w place) (*exec.Cmd, error) {
		path, err := w.configure(configuration)
		if err != nil {
			return nil, err
		}
		if err := os.Mkdir(filepath.Join(w.Dir, "temp"), 0o700); err != nil {
			return nil, err
		}
		return exec.Command("nginx", "-p", w.Dir, "-e", "stderr", "-c", path), nil
	}
}

func varnish(configuration string) func(place) (*exec.Cmd, error) {
	return func(w place) (*exec.Cmd, error) {
		path, err := w.configure(configuration)
		if err != nil {
			return nil, err
		}
		return exec.Command("varnishd", "-F", "-n", w.Dir, "-j", "none", "-T", "none",
			"-a", w.Listen, "-f", path, "-s", "malloc,256m"), nil
	}
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

// installed returns a peer's version, or an error if there is no such program.
func (p peer) installed() (version string, err error) {
	if p.program == "" {
		return "", nil
	}
	out, err := exec.Command(p.program, p.version).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s isn't installed: %w", p.program, err)
	}
	return p.program + " " + versionNumber.FindString(string(out)), nil
}

// open starts a cache and its origin for a script.
func (p peer) open(dir string, sc script) (*site, error) {
	o, err := startOrigin("", sc.origin())
	if err != nil {
		return nil, err
	}
	s := &site{name: p.name, origin: o, stop: o.close}
	listen, err := freeAddr()
	if err != nil {
		return s, err
	}
	cmd, err := p.command(place{Dir: dir, Listen: listen, Origin: o.addr, flags: sc.flags()})
	if err != nil {
		return s, err
	}
	running, err := startProcess(p.name, cmd, listen)
	if err != nil {
		return s, err
	}
	s.url = "http://" + listen
	s.stop = func() error {
		_ = o.close()
		return running.end()
	}
	return s, nil
}
