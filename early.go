// SPDX-License-Identifier: MIT

package holdover

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/holdover-go/holdover/store"
)

// farthest is how many times its cost a fetch may begin before the end of the lifetime, and one
// in 10⁸ requests would begin it earlier still.
const farthest = 20

// cost is how long the origin took to answer with what is stored.
func costOf(e *store.Entry) time.Duration { return time.Duration(e.ResponseTime() - e.RequestTime()) }

// mayBeEarly reports whether a response is so near to its end that requests draw whether they
// fetch a new one.
func (p *rules) mayBeEarly(left, cost time.Duration) bool {
	return p.Origin.EarlyRevalidation > 0 && float64(left) < farthest*p.Origin.EarlyRevalidation*float64(cost)
}

// isEarly decides that. r is from 0, exclusive, to 1.
func (p *rules) isEarly(left, cost time.Duration, r float64) bool {
	return p.mayBeEarly(left, cost) && float64(left) <= -math.Log(r)*p.Origin.EarlyRevalidation*float64(cost)
}

// revalidateEarly starts a fetch behind a hit, if it is this request's turn.
func (x *exchange) revalidateEarly() {
	early := x.facts.fresh() && x.p.isEarly(x.facts.lifetime-x.facts.age, costOf(x.found.entry), 1-rand.Float64())
	if early && x.mayFetchBehind() {
		x.fetchBehind()
	}
}

// maxEarly is more than anybody needs.
const maxEarly = 100.0
