// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdover-go/holdover"
)

// Processes over two stores are cut off from either, restarted, and lose what a store had, while
// they purge and answer. Each body is the version that the origin had; a purge raises it. Nobody
// may answer with a version that a purge of his own has ended, nor with one that another's has
// ended once both reach both stores; and everybody always answers.
func TestSimulationOfTwoStores(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		for _, lossy := range []bool{false, true} {
			withPair(t, func(p *pair) {
				s := &simulation{pair: p, rnd: rand.New(rand.NewPCG(seed, 7)), lossy: lossy, whole: map[*node]time.Time{}}
				s.run()
			})
			if t.Failed() {
				t.Fatalf("seed %d, lossy %v", seed, lossy)
			}
		}
	}
}

type simulation struct {
	*pair
	rnd     *rand.Rand
	lossy   bool
	version atomic.Int64
	live    []*node
	whole   map[*node]time.Time // since when they reach both stores
	purged  []simulatedPurge
	log     []string
}

type simulatedPurge struct {
	at      time.Time
	page    int // -1 for all
	version int64
	by      *node
	pending bool // it stood in no journal at first
}

func (s *simulation) run() {
	s.version.Store(1)
	delays := rand.New(rand.NewPCG(1, 1))
	s.origin.set(func(w http.ResponseWriter, r *http.Request) {
		v := s.version.Load()
		time.Sleep(time.Duration(delays.IntN(3)) * 5 * time.Millisecond)
		w.Header().Set("Cache-Control", "max-age=6000, stale-if-error=600")
		w.Header().Set("Cache-Groups", `"pages", "p`+r.URL.Path[1:]+`"`)
		fmt.Fprint(w, v)
	})
	for range 3 {
		s.join()
	}
	for range 250 {
		if s.step(s.rnd.IntN(len(s.live))); s.Failed() {
			for _, line := range s.log[max(0, len(s.log)-60):] {
				s.Log(line)
			}
			break
		}
		s.look()
	}
	for _, n := range s.live {
		n.first.cut.Store(false)
		n.second.cut.Store(false)
	}
	time.Sleep(3 * time.Second)
}

func (s *simulation) join() {
	n := s.start(s.rnd.IntN(2) == 0)
	s.live = append(s.live, n)
	s.whole[n] = time.Now()
}

func (s *simulation) note(f string, a ...any) {
	s.log = append(s.log, time.Now().Format("04:05.000 ")+fmt.Sprintf(f, a...))
}

func (s *simulation) step(i int) {
	n := s.live[i]
	switch s.rnd.IntN(16) {
	case 0, 1:
		s.purge(i, n)
	case 2, 3:
		line := n.first
		if s.rnd.IntN(2) == 0 {
			line = n.second
		}
		line.cut.Store(!line.cut.Load())
		s.note("%d: first cut %v, second cut %v", i, n.first.cut.Load(), n.second.cut.Load())
	case 4:
		if s.rnd.IntN(3) == 0 {
			s.note("%d is killed", i)
			n.kill()
			s.live = slices.Delete(s.live, i, i+1)
			s.join()
		}
	case 5:
		if s.lossy && s.rnd.IntN(4) == 0 {
			s.lose()
		}
	case 6, 7:
		time.Sleep(time.Duration(s.rnd.IntN(1500)) * time.Millisecond)
	case 8:
		time.Sleep(time.Duration(s.rnd.IntN(50)) * time.Millisecond)
	default:
		s.ask(i, n)
	}
}

func (s *simulation) purge(i int, n *node) {
	page := s.rnd.IntN(4) - 1
	request := holdover.PurgeRequest{All: true}
	switch {
	case page >= 0 && s.rnd.IntN(2) == 0:
		request = holdover.PurgeRequest{Tag: fmt.Sprintf("p%d", page)}
	case page >= 0:
		request = holdover.PurgeRequest{URL: fmt.Sprintf("http://example.com/%d", page)}
	}
	v := s.version.Add(1)
	err := n.Purge(s.Context(), request)
	s.note("%d purges %d, version %d: %v", i, page, v, err)
	s.purged = append(s.purged, simulatedPurge{time.Now(), page, v, n, err != nil})
}

// lose empties a store and its journal.
func (s *simulation) lose() {
	lost := s.first
	if s.rnd.IntN(2) == 0 {
		lost = s.second
	}
	s.note("lost: the first %v", lost == s.first)
	lost.lose(s.T)
}

func (s *simulation) ask(i int, n *node) {
	page := s.rnd.IntN(3)
	w := ask(n.h, "GET", fmt.Sprintf("http://example.com/%d", page))
	got, _ := strconv.ParseInt(w.Body.String(), 10, 64)
	s.note("%d gets %d: version %d %s", i, page, got, status(w))
	if w.Code != 200 {
		s.Errorf("status %d, %s", w.Code, status(w))
	}
	for _, q := range s.purged {
		if (q.page < 0 || q.page == page) && got < q.version && s.counts(q, n) {
			s.Errorf("%d answers %d with version %d, purged at version %d, %v ago", i, page, got, q.version, time.Since(q.at))
		}
	}
}

// counts reports whether a process must know a purge by now.
func (s *simulation) counts(q simulatedPurge, n *node) bool {
	switch {
	case q.by == n:
		return true
	case s.lossy, q.pending, s.whole[n].IsZero():
		return false
	}
	since := q.at
	if s.whole[n].After(since) {
		since = s.whole[n]
	}
	return time.Since(since) > 2500*time.Millisecond
}

// look notes who reaches both stores.
func (s *simulation) look() {
	for _, n := range s.live {
		switch reach := !n.first.cut.Load() && !n.second.cut.Load(); {
		case !reach:
			s.whole[n] = time.Time{}
		case s.whole[n].IsZero():
			s.whole[n] = time.Now()
		}
	}
}
