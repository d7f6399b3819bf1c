// SPDX-License-Identifier: MIT

package holdovertest

import (
	"math/rand/v2"
	"net/http"
	"sync"
)

// Sometimes is a fault of a share of the requests, from 0 to 1. Which ones is decided by the
// seed and by how many came before: the tenth request meets the same in each run. Of
// requests that come at the same time, which is the tenth is left to chance. A share doesn't
// change what is decided for others: what fails at 0.1 fails at 0.2 too.
//
// Each handler that the fault is put on begins anew, as by each call of Origin.Behave.
func Sometimes(seed uint64, share float64, f Fault) Fault {
	checkShare("Sometimes", share)
	return func(working http.Handler) http.Handler {
		failing, next := f.on(working), newSequence(seed)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if next().Float64() < share {
				failing.ServeHTTP(w, r)
			} else {
				working.ServeHTTP(w, r)
			}
		})
	}
}

// OneOf is one of the faults for each request, all equally likely; nil is none. Which one is
// decided as by Sometimes.
func OneOf(seed uint64, faults ...Fault) Fault {
	if len(faults) == 0 {
		panic("holdovertest: OneOf: no faults")
	}
	return func(working http.Handler) http.Handler {
		handlers, next := make([]http.Handler, len(faults)), newSequence(seed)
		for i, f := range faults {
			handlers[i] = f.on(working)
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers[next().IntN(len(handlers))].ServeHTTP(w, r)
		})
	}
}

// newSequence returns a function whose n-th call returns the n-th source of random numbers
// of a seed: so what one call takes doesn't change what the next one gets.
func newSequence(seed uint64) func() *rand.Rand {
	var mu sync.Mutex
	var n uint64
	return func() *rand.Rand {
		mu.Lock()
		defer mu.Unlock()
		n++
		return randomOf(seed, n)
	}
}

// randomOf returns the n-th source of random numbers of a seed.
func randomOf(seed, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(scatter(seed), scatter(seed^scatter(n))))
}

// scatter makes numbers that have nothing in common of such that lie side by side: the end
// of the MurmurHash3 of 64 bits.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
