// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// redis is a server of the example's own, to be broken. It keeps nothing on disk.
type redis struct {
	path, dir, addr string
	*child
}

// findRedis returns a server that isn't started yet, nil where this machine has none.
func findRedis(dir string) (*redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, nil
	}
	addr, err := freeAddr()
	return &redis{path: path, dir: dir, addr: addr}, err
}

// start returns when it answers.
func (r *redis) start() error {
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return err
	}
	cmd := exec.Command(r.path, "--bind", host, "--port", port, "--dir", r.dir, "--save", "", "--appendonly", "no")
	if r.child, err = startChild(cmd, func(string) {}, func(string) {}); err != nil {
		return err
	}
	for range 500 {
		if err = r.ping(); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("redis-server doesn't answer: %w", err)
}

func (r *redis) ping() error {
	conn, err := net.DialTimeout("tcp", r.addr, time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer := make([]byte, len("+PONG"))
	if _, err := conn.Read(answer); err != nil {
		return err
	}
	if string(answer) != "+PONG" {
		return fmt.Errorf("it says %q", answer)
	}
	return nil
}

// freeAddr returns an address of this machine on which nobody listens. Its port is none of
// those that systems give to clients, so that it stays free while the server is down.
func freeAddr() (string, error) {
	var err error
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(20000+rand.IntN(12000)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}
