// SPDX-License-Identifier: MIT

package redis

import (
	"errors"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

const (
	connectTimeout  = time.Second
	answerTimeout   = time.Second
	maxRedirections = 8
	sentinelRefresh = 5 * time.Second
)

// Options returns opt as a store wants it, for those who make the client themselves.
//
// It switches off retries, which would go on for as long as the context lasts and are
// the cache's to decide, and caching in the client, so that reads reach the server. Where
// opt says nothing it allows one second to connect (Dialer.Timeout) and as much for a
// server to answer before its connection is given up (ConnWriteTimeout, for large values
// over a slow network the longer of the two), eight redirections in a cluster
// (ClusterOption.MaxMovedRedirections), and asks Sentinels for their master every five
// seconds (Sentinel.TopologyRefreshInterval).
func Options(opt rueidis.ClientOption) rueidis.ClientOption {
	opt.DisableRetry = true
	opt.DisableCache = true
	fill(&opt.Dialer.Timeout, connectTimeout)
	fill(&opt.Sentinel.Dialer.Timeout, connectTimeout)
	fill(&opt.ConnWriteTimeout, answerTimeout)
	fill(&opt.ClusterOption.MaxMovedRedirections, maxRedirections)
	fill(&opt.Sentinel.TopologyRefreshInterval, sentinelRefresh)
	return opt
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Open returns a store with a client of its own, made of Options(opt) and closed by
// [Store.Close]. One address means a single server or a member of a cluster, several a cluster,
// and with Sentinel.MasterSet they are Sentinels.
//
// The server need not be there yet. The first call connects; it and others wait for
// that, within their deadline, and fail as soon as it fails. Then calls fail at once, and
// those that come 50 ms later or more try again.
func Open(opt rueidis.ClientOption, cfg Config) (*Store, error) {
	opt = Options(opt)
	if err := checkOptions(opt); err != nil {
		return nil, err
	}
	return newStore(newLink(opt), cfg, opt.Dialer.Timeout+time.Second)
}

// OpenURL is Open for redis://user:password@host:port/db, or rediss:// with TLS. More
// addresses may follow as ?addr=host:port&addr=…, and the name of a set that Sentinels watch
// as ?master_set=…; see rueidis.ParseURL.
func OpenURL(url string, cfg Config) (*Store, error) {
	opt, err := rueidis.ParseURL(url)
	if err != nil || !strings.Contains(url, "://") { // "redis:host" would be the local server
		// What it says may quote a part of the password.
		return nil, errors.New("redis: the URL is not like redis://user:password@host:port/db, with what is special in them percent-encoded")
	}
	return Open(opt, cfg)
}

// checkOptions finds the mistakes that can be seen without a server. Others are told by
// every call.
func checkOptions(opt rueidis.ClientOption) error {
	var wrong []error
	if len(opt.InitAddress) == 0 {
		wrong = append(wrong, errors.New("redis: InitAddress is empty"))
	}
	if opt.ReplicaOnly {
		wrong = append(wrong, errors.New("redis: ReplicaOnly is set, but a store must write"))
	}
	if opt.PipelineMultiplex > rueidis.MaxPipelineMultiplex {
		wrong = append(wrong, rueidis.ErrWrongPipelineMultiplex)
	}
	return errors.Join(wrong...)
}
