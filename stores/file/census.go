// SPDX-License-Identifier: MIT

package file

// What a survey and the sweeper ask of the index and tell it.

// adopt enters a file that a survey found, behind the others, if it is still there as far
// as the index knows. It reports whether there is room.
func (x *index) adopt(h hash, blocks, touched uint32) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, known := x.places[h]
	_, gone := x.gone[h]
	if known || gone {
		return true
	}
	if x.blocks()+int64(blocks) > x.limit {
		return false
	}
	x.slots.pushBack(&x.lists[onProbation], x.add(h, blocks, untilUnknown, touched))
	return true
}

// learn enters a file that is in use, or its size where it has changed. Somebody has written
// it already, so that the bound may be exceeded; what could never be within it isn't entered.
func (x *index) learn(h hash, blocks uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if int64(blocks) > x.limit/maxValueShare {
		return
	}
	if i, found := x.places[h]; found {
		x.resize(i, blocks)
		return
	}
	x.slots.pushFront(&x.lists[onProbation], x.add(h, blocks, untilUnknown, unixNow()))
}

// page appends the slots from number i on that want selects to buf, looking at one chunk,
// and returns the number to go on from: 0 after the last.
func (x *index) page(i uint32, buf []hash, want func(*slot) bool) ([]hash, uint32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	buf = buf[:0]
	for end := i + chunkLen; i <= x.slots.used; i++ {
		if i == end {
			return buf, i
		}
		if s := x.slots.at(i); s.blocks > 0 && want(s) {
			buf = append(buf, s.hash)
		}
	}
	return buf, 0
}

// beginSurvey starts a new one and returns its number.
func (x *index) beginSurvey() uint8 {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.survey++
	x.gone = make(map[hash]struct{})
	return x.survey
}

// met marks a file that a survey came across. It reports whether the index knows it, and
// knows it so.
func (x *index) met(h hash, blocks uint32) (known, same bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, known := x.places[h]
	if !known {
		return false, false
	}
	s := x.slots.at(i)
	s.seen = x.survey
	return true, s.blocks == blocks
}

// evicted counts a file that went before the index knew it.
func (x *index) evicted() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.evictions++
}

// endSurvey comes after every beginSurvey.
func (x *index) endSurvey(complete bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.gone = nil
	x.surveyed = x.surveyed || complete
}

// setOthers notes what temporary files take that aren't ours: a quarter at most, so that
// whoever waits for room needn't wait for them.
func (x *index) setOthers(blocks int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.others = min(blocks, x.limit/4)
}
