// SPDX-License-Identifier: MIT

// Package redis keeps entries in Redis, by the client rueidis:
//
//	st, err := redis.OpenURL("redis://127.0.0.1:6379", redis.Config{})
//	…
//	cache, err := holdover.New(holdover.Config{Store: st})
//
// [Open] and [OpenURL] make a client of their own, which connects when it is first needed:
// a server that is away doesn't keep a program from starting. [New] takes a client that
// the caller has made, best with [Options], and shares.
//
// A name in Redis is the prefix and a hash of the key. Its value has the whole key, which is
// compared when it is read. The server expires values by the millisecond, and the
// entry's own end is compared as well.
//
// # What happens to entries
//
// When the server is restarted, they are what its own persistence brings back: nothing, or
// those of its last snapshot. A value from there is as good as before.
//
// When the server is out of memory, it evicts what its maxmemory-policy lets it: allkeys-lru
// or allkeys-lfu suit a cache. With noeviction every write fails with [ErrOutOfMemory],
// which is a failure of the store, until something is deleted or expires; reads go on.
//
// While the server is away, calls fail at once; while it hangs or can't be reached, each
// fails at its deadline. Once it is back the next call finds it, however many failed
// before. A write that failed may still take effect, if the server had been told. Calls
// that nobody waits for any more are bounded in number (Config.MaxCalls) and in time
// (ConnWriteTimeout of the client).
//
// What a server refuses, it says in a *rueidis.RedisError, which the store's error wraps.
// Errors have neither names nor values in them, nor passwords.
//
// A replica that takes over may lack the last writes: entries are older then, or missing.
//
// A value that can't be read, also a list or the like, is a miss whose error wraps
// store.ErrFormat too. It stays until something is set in its place. The client reads a
// value in full before anybody can judge it, and Redis lets whoever may write keep
// 512 MiB under a name: keep strangers out of the prefix (ACL).
//
// # The journal of purges
//
// All stores on a server with one Prefix share a journal of purges, under the names
// Prefix{journal} and Prefix{journal}:marks. It keeps the last 500,000 marks or so, up
// to 60 MiB. Those older than Config.JournalLife are dropped by whoever appends then, at most half
// as late again, but for the last thousand. Scripts that write it and read it look whether all of it is still there, and the
// server still the same run: after an eviction, a deletion, a restart, a failover, or the move
// of its slot in a cluster it begins anew, since purges may be lost then, and what was stored before is revalidated on its
// next use. So a server whose maxmemory-policy may evict it, such as allkeys-lru, is no
// danger, but costs revalidations; holdover.Config.Journal can name another store for it.
//
// # Leases
//
// All stores on a server with one Prefix share leases too, see [store.Leaser], each under the
// name of the key's entry with ":lease" behind it. A lease is taken, prolonged and released by
// one script each, and ends by the server's clock, to the millisecond. A server that is
// started again, or evicts, may forget it before its time, and a replica that takes over may
// not know it yet: then two processes fetch the same. What stands under such a name and
// isn't a lease is left alone, and calls for that key fail.
//
// # Servers
//
// Tested with Redis 7.0, with and without TLS, as a single server, as a cluster and under
// Sentinel. All commands that entries need exist since Redis 3.0, those of the journal since
// 5.0: with an older server name another one as holdover.Config.Journal. A server before 6.0 is
// spoken to in RESP2, as is tested too. Valkey is not tested.
//
// A user needs the commands GET, SET, DEL and PING; SCAN and STRLEN for Scan; EVAL, TYPE
// and GETRANGE for SetIfNewer and SetIfAbsent. These two set by SET NX where nothing stands,
// and replace exactly what they read by a script. Where scripts are forbidden they fail
// when there is something to replace; they never set without comparing. The journal needs
// EVAL, HMGET, HSET, XADD, XRANGE, XREVRANGE, DEL, INFO and TIME; without INFO a restart that loses
// marks may go unnoticed, unless another process may ask for it, and without TIME no mark is dropped
// for its age. Leases need EVAL, GET, SET
// and DEL. rueidis itself needs CLUSTER SLOTS in a cluster, and ROLE under Sentinel.
//
// In a cluster, GetMany asks all nodes that have some of the keys at the same time, and fails
// if one of them does. Ping asks any node. While slots move, calls follow. A prefix
// with braces puts all entries on one node.
//
// With a client that reads from replicas (ClientOption.SendToReplicas), Get and GetMany may
// return an older entry than the one that was just set.
//
// # Large values
//
// Calls share few connections (ClientOption.PipelineMultiplex), and the server does one
// thing at a time: a value of tens of megabytes holds up small ones for as long as its
// transfer takes, some 2 ms for each MiB on one machine. Over a slow network it must be
// through within ConnWriteTimeout, one second with Options, or the connection is taken for
// dead.
package redis
