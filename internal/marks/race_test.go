// SPDX-License-Identifier: MIT

package marks_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/holdover-go/holdover/internal/marks"
)

// Several goroutines mark hashes of their own; between, they check both promises
// of Mark for their own hash while the others go on.
func TestPromisesHoldWhileOthersMark(t *testing.T) {
	table := marks.New(0, 0)
	var wg sync.WaitGroup
	for own := range uint64(6) {
		wg.Go(func() {
			h, soft := hash(own), own%2 == 0
			for range 300 {
				before := entry(t, asOf(table, table.Position()), h, hash(1000+own))
				position := table.Mark(h, soft)
				after := entry(t, asOf(table, table.Position()), hash(1000+own), h)

				want := marks.Hard
				if soft {
					want = marks.Soft
				}
				assert.Equal(t, want, table.Entry(before, 0), "made before the mark")
				assert.Equal(t, marks.Unpurged, table.Entry(after, 0), "made after the mark")
				isHard, isSoft := table.Purged(h, position-1)
				assert.True(t, isHard || isSoft, "just behind the mark")
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 6*300, table.Position())
}

// A reader that sees a position sees the marks up to it: whoever notes it as its
// asOf could otherwise claim to know a mark that others still miss.
func TestPositionIsPublishedAfterItsMark(t *testing.T) {
	table := marks.New(0, 0)
	h := hash(1)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if position := table.Position(); position > 0 {
					hard, _ := table.Purged(h, position-1)
					assert.True(t, hard, "position %d without its mark", position)
				}
			}
		})
	}
	for range 20_000 {
		table.Mark(h, false)
	}
	close(done)
	wg.Wait()
}
