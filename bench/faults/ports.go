// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below those that the system gives to outgoing connections:
// while an origin refuses connections, nobody else can get its port, not even the
// cache that tries to connect to it.
const (
	firstPort = 15000
	ports     = 15000
	portTries = 100
)

// listenAnywhere listens on a free loopback port.
func listenAnywhere() (net.Listener, error) {
	var err error
	for range portTries {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(ports))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no free port: %w", err)
}

// freeAddr returns a loopback address on which nobody listens.
func freeAddr() (string, error) {
	l, err := listenAnywhere()
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
