// SPDX-License-Identifier: MIT

package redis_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/testserver"
	"github.com/holdover-go/holdover/store"
	"github.com/holdover-go/holdover/store/storetest"
)

const slots = 16384

// node is a member of a cluster.
type node struct {
	*testserver.Server
	t   *testing.T
	bus string // its port for the other members
}

// startNode starts a server that belongs to no cluster yet.
func startNode(t *testing.T) node {
	t.Helper()
	bus := freePort(t)
	server := testserver.Redis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "500",
		"--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0",
		"--repl-diskless-sync-delay", "0", "--cluster-port", bus)
	return node{server, t, bus}
}

// tell sends the node a command of its own, whatever the cluster looks like.
func (n node) tell(args ...string) string {
	n.t.Helper()
	opt := option(n.Server)
	opt.ForceSingleClient = true
	c, err := rueidis.NewClient(opt)
	require.NoError(n.t, err)
	defer c.Close()
	reply, err := c.Do(n.t.Context(), c.B().Arbitrary(args...).Build()).ToAny()
	require.NoError(n.t, err, "%v", args)
	return fmt.Sprint(reply)
}

func (n node) id() string { return n.tell("CLUSTER", "MYID") }

// meet introduces a node to the others and waits until it knows all of them.
func (n node) meet(all []node) {
	n.t.Helper()
	for _, other := range all {
		n.tell("CLUSTER", "MEET", "127.0.0.1", other.Port(), other.bus)
	}
	n.eventually(fmt.Sprintf("cluster_known_nodes:%d", len(all)))
}

// eventually waits until the node says so of its cluster.
func (n node) eventually(says string) {
	n.t.Helper()
	require.Eventually(n.t, func() bool { return strings.Contains(n.tell("CLUSTER", "INFO"), says) },
		20*time.Second, 10*time.Millisecond, says)
}

// startCluster starts three nodes that share the slots.
func startCluster(t *testing.T) []node {
	t.Helper()
	nodes := []node{startNode(t), startNode(t), startNode(t)}
	for i, n := range nodes {
		from, to := i*slots/len(nodes), (i+1)*slots/len(nodes)-1
		n.tell("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to))
		n.tell("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, n := range nodes {
		n.meet(nodes)
	}
	for _, n := range nodes {
		n.eventually("cluster_slots_assigned:16384")
		n.eventually("cluster_state:ok")
	}
	return nodes
}

func clusterOption(nodes []node) rueidis.ClientOption {
	var opt rueidis.ClientOption
	for _, n := range nodes {
		opt.InitAddress = append(opt.InitAddress, n.Addr())
	}
	return opt
}

// keyOf returns a key whose entry belongs to the i-th of three nodes.
func keyOf(t *testing.T, nodes []node, i int) string {
	t.Helper()
	for n := range 1000 {
		key := "key " + strconv.Itoa(n)
		slot, err := strconv.Atoi(nodes[0].tell("CLUSTER", "KEYSLOT", name(key)))
		require.NoError(t, err)
		if slot*len(nodes)/slots == i && (slot+1)*len(nodes)/slots == i {
			return key
		}
	}
	require.Fail(t, "no key found")
	return ""
}

func TestCluster(t *testing.T) {
	nodes := startCluster(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, []node)
	}{
		{"Store", storeOnCluster},
		{"OneAddress", clusterByOneAddress},
		{"Leases", leasesOnCluster},
		{"NodeHangs", clusterNodeHangs},
		{"SlotMoves", clusterSlotMoves},
		{"Close", clusterClose},
		{"Failover", clusterFailover},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, nodes) })
	}
}

func storeOnCluster(t *testing.T, nodes []node) {
	f := powers()
	f.Raw = func(t *testing.T, _ store.Store) storetest.Raw { return raw{t, client(t, clusterOption(nodes))} }
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, clusterOption(nodes)) }, f)
}

// One address is enough to find the others.
func clusterByOneAddress(t *testing.T, nodes []node) {
	s := open(t, clusterOption(nodes[:1]))
	for i := range nodes {
		e := entry(t, keyOf(t, nodes, i), "body")
		require.NoError(t, s.Set(t.Context(), e.Key(), e))
		expect(t, s, e)
	}
}

func clusterNodeHangs(t *testing.T, nodes []node) {
	s := open(t, clusterOption(nodes))
	hung, well := entry(t, keyOf(t, nodes, 0), "hung"), entry(t, keyOf(t, nodes, 1), "well")
	require.NoError(t, s.Set(t.Context(), hung.Key(), hung))
	require.NoError(t, s.Set(t.Context(), well.Key(), well))

	nodes[0].Pause()
	_, err := within(t, 30*time.Millisecond, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, hung.Key()) })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	expect(t, s, well) // the others answer all the while
	many, err := within(t, 30*time.Millisecond, func(ctx context.Context) ([]*store.Entry, error) {
		return s.GetMany(ctx, []string{well.Key(), hung.Key()})
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, many, "a failure leaves no entries")
	nodes[0].Resume()
	nodes[0].eventually("cluster_state:ok")
	expect(t, s, hung)
}

func clusterClose(t *testing.T, nodes []node) {
	before := goroutines()
	s := open(t, clusterOption(nodes))
	use(t, s)
	require.NoError(t, s.Close())
	require.Eventually(t, func() bool { return goroutines() <= before }, 10*time.Second, 10*time.Millisecond, "goroutines are left: %s", stacks{})
}

// Slots move to another node while the store is used: the client is told so by the node
// that had them, first key by key (ASK), then for good (MOVED).
func clusterSlotMoves(t *testing.T, nodes []node) {
	s := open(t, clusterOption(nodes))
	from, to := nodes[2], nodes[1]
	key := keyOf(t, nodes, 2)
	older, newer := entry(t, key, "older"), entry(t, key, "newer")
	slot := from.tell("CLUSTER", "KEYSLOT", name(key))
	require.NoError(t, s.Delete(t.Context(), key))

	to.tell("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id())
	from.tell("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id())
	everyPower(t, s, older, newer)
	require.Equal(t, "0", from.tell("CLUSTER", "COUNTKEYSINSLOT", slot), "the key came to the new node at once")

	to.tell("CLUSTER", "SETSLOT", slot, "NODE", to.id())
	from.tell("CLUSTER", "SETSLOT", slot, "NODE", to.id())
	everyPower(t, s, older, newer)
}

// everyPower uses all that depends on where a key is.
func everyPower(t *testing.T, s store.Store, older, newer *store.Entry) {
	t.Helper()
	require.NoError(t, s.Delete(t.Context(), older.Key()))
	done, err := store.SetIfAbsent(t.Context(), s, older.Key(), older)
	require.NoError(t, err)
	require.True(t, done)
	expect(t, s, older)
	done, err = store.SetIfNewer(t.Context(), s, newer.Key(), newer)
	require.NoError(t, err)
	require.True(t, done)
	many, err := store.GetMany(t.Context(), s, []string{newer.Key()})
	require.NoError(t, err)
	require.Equal(t, newer.Bytes(), many[0].Bytes())
}

// A master dies and its replica takes over. Scan yields each entry once, though the
// replica has them too.
func clusterFailover(t *testing.T, nodes []node) {
	master, replica := nodes[0], startNode(t)
	replica.meet(append(nodes, replica))
	replica.eventually("cluster_slots_assigned:16384")
	replica.tell("CLUSTER", "REPLICATE", master.id())
	s := open(t, clusterOption(nodes))
	e := entry(t, keyOf(t, nodes, 0), "body")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	require.Eventually(t, func() bool {
		return strings.Contains(replica.tell("INFO", "replication"), "master_link_status:up") && replica.tell("DBSIZE") == master.tell("DBSIZE")
	}, 20*time.Second, 10*time.Millisecond)
	for _, n := range nodes {
		require.Eventually(t, func() bool { return strings.Contains(n.tell("CLUSTER", "SLOTS"), replica.Port()) }, 20*time.Second, 10*time.Millisecond)
	}
	all := client(t, clusterOption(nodes))
	require.Len(t, all.Nodes(), len(nodes)+1)
	for range 10 { // the nodes come in any order
		keys := scanned(t, onClient(t, all))
		require.Contains(t, keys, e.Key())
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(keys))), len(keys))
	}

	master.Kill()
	require.Eventually(t, func() bool {
		_, err := within(t, 100*time.Millisecond, func(ctx context.Context) (*store.Entry, error) { return s.Get(ctx, e.Key()) })
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "the replica takes over")
	require.NoError(t, s.Set(t.Context(), e.Key(), e))
	expect(t, s, e)
}
