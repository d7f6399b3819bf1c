// SPDX-License-Identifier: MIT

// Package memcached keeps entries in memcached, by the client gomemcache:
//
//	st, err := memcached.Open(memcached.Config{}, "127.0.0.1:11211")
//	…
//	cache, err := holdover.New(holdover.Config{Store: st})
//
// An item's name is the prefix and a hash of the key. Its value has the whole key, which
// is compared when it is read.
//
// What memcached keeps is gone when it is restarted, and it drops what was used least
// recently when it is full; both are misses. A server takes values up to 1 MiB, unless
// it is started with -I, and Config.MaxValue says so too: what is larger is refused
// before it is sent, and a server that refuses one drops what stood under the name.
//
// While a server is away or hangs, calls for its keys fail, each within its deadline,
// and work again as soon as it answers. Calls for other servers don't suffer, as long as
// connections are left (Config.MaxConns).
//
// memcached counts in seconds. The store rounds up, and compares the entry's own end when
// it is read, so that nothing is ever returned late.
//
// All stores on the same servers with one Prefix share leases, see [store.Leaser], each an item
// of its own. It says itself when it ends, by the clock of the machine that took it. No two get
// one at the same time, as long as the clocks agree and nothing is evicted: else two
// processes fetch the same. One that was released leaves an item for a second. What stands
// under such a name and isn't a lease is left alone, and calls for that key fail.
package memcached
