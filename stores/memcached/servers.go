// SPDX-License-Identifier: MIT

package memcached

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
)

// servers chooses by name, as the client's own list does. It leaves it to the dialer to
// look up a host: one that isn't known at this moment keeps nobody from starting, and one
// that gets another address is found there.
type servers []server

// newServers reads "host:port", or the path of a Unix socket.
func newServers(names []string) (servers, error) {
	if len(names) == 0 {
		return nil, errors.New("memcached: Open needs servers")
	}
	var list servers
	for i, name := range names {
		network := "tcp"
		if strings.HasPrefix(name, "/") {
			network = "unix"
		} else if host, port, err := net.SplitHostPort(name); err != nil || host == "" || port == "" || strings.ContainsAny(name, "@/ ") {
			return nil, fmt.Errorf("memcached: server %d is not like host:port", i+1)
		}
		list = append(list, server{network, name})
	}
	return list, nil
}

type server struct{ network, address string }

func (s server) Network() string { return s.network }
func (s server) String() string  { return s.address }

var _ memcache.ServerSelector = servers(nil)

// PickServer returns the server that has the item of that name.
func (s servers) PickServer(name string) (net.Addr, error) {
	return s[crc32.ChecksumIEEE([]byte(name))%uint32(len(s))], nil
}

// Each calls f with all servers until one fails.
func (s servers) Each(f func(net.Addr) error) error {
	for _, server := range s {
		if err := f(server); err != nil {
			return err
		}
	}
	return nil
}
