// SPDX-License-Identifier: MIT

package redis_test

import (
	"log"

	"github.com/redis/rueidis"

	"github.com/holdover-go/holdover/stores/redis"
)

// The store is what holdover.Config wants as its Store.
func ExampleOpenURL() {
	st, err := redis.OpenURL("redis://127.0.0.1:6379", redis.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// A cluster is found by some of its nodes.
func ExampleOpen_cluster() {
	st, err := redis.Open(rueidis.ClientOption{
		InitAddress: []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"},
		Username:    "site",
		Password:    "secret",
	}, redis.Config{Prefix: "site:"})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// Sentinels know which server is the master.
func ExampleOpen_sentinel() {
	st, err := redis.Open(rueidis.ClientOption{
		InitAddress: []string{"10.0.0.1:26379", "10.0.0.2:26379"},
		Sentinel:    rueidis.SentinelOption{MasterSet: "site"},
	}, redis.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}

// An application that has a client shares it with the store, and closes it.
func ExampleNew() {
	client, err := rueidis.NewClient(redis.Options(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	st, err := redis.New(client, redis.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
}
