// SPDX-License-Identifier: MIT

package flight

import (
	"net/http"
	"time"
)

// write appends p. Where the body isn't kept it waits for those who read it.
func (f *Flight) write(p []byte) (int, error) {
	done := 0
	for {
		n, by, err := f.offer(p[done:])
		done += n
		if err != nil {
			f.cancelUnwanted()
			return done, err
		}
		if done == len(p) {
			return done, nil
		}
		if !f.await(by) {
			return done, ErrEnded
		}
	}
}

// offer appends what of p can be taken now, and says for whom the rest must wait.
func (f *Flight) offer(p []byte) (n int, by delay, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase != Header || f.closing {
		return 0, by, ErrEnded
	}
	if f.declared >= 0 && f.buf.end+int64(len(p)) > f.declared {
		f.overrun = true
		return 0, by, http.ErrContentLength
	}
	n = f.take(p)
	f.state.Buffered = f.buf.end
	if f.state.Keep && f.timers.idle != nil {
		f.wrote = time.Now()
	}
	f.notify()
	if f.unwanted() {
		return n, by, ErrEnded
	}
	if n < len(p) {
		by = f.delayed()
	}
	return n, by, nil
}

// take appends what it may. The caller holds the lock.
func (f *Flight) take(p []byte) int {
	n := 0
	if f.state.Keep {
		fits := f.buf.end+int64(len(p)) <= f.cfg.Limit
		if fits {
			n = f.buf.append(p)
		}
		if n == len(p) && fits {
			return n
		}
		f.outgrow(fits)
	}
	return n + f.pass(p[n:])
}

// outgrow gives up keeping the body. The caller holds the lock.
func (f *Flight) outgrow(noRoom bool) {
	f.state.Keep, f.state.Outgrown, f.state.NoRoom = false, true, noRoom
	f.outgrown = time.Now()
	stop(f.timers.idle)
}

// pass appends what may be buffered of a body that isn't kept. Without room, whoever
// is behind the one that sets the pace loses bytes. The caller holds the lock.
func (f *Flight) pass(p []byte) int {
	pace, followed := f.pace()
	if !followed {
		return 0
	}
	// One byte more than the lead, so that a reader who waits for that much sees it.
	ahead := min(pace+max(f.cfg.Lead+1, lastChunk), f.slowest()) - f.buf.end
	p = p[:max(0, min(int64(len(p)), ahead))]
	f.trim()
	n := f.buf.append(p)
	for n < len(p) && f.buf.dropFirst(pace) {
		n += f.buf.append(p[n:])
	}
	if n < len(p) && !f.state.Outgrown {
		f.state.Outgrown, f.state.NoRoom = true, true
	}
	return n
}

// pace returns the offset of the reader for whom the handler waits. False means that nobody
// follows. The caller holds the lock.
func (f *Flight) pace() (off int64, followed bool) {
	if r := f.pacer(); r != nil {
		return r.off, true
	}
	return 0, false
}

// pacer is the reader for whom the handler waits: the starter, and when it has left or stands
// still, whoever is furthest; nil for nobody. The caller holds the lock.
func (f *Flight) pacer() (furthest *Reader) {
	if _, reading := f.readers[f.starter]; reading && !f.overtaken {
		return f.starter
	}
	for r := range f.readers {
		if !f.lost(r) && (furthest == nil || r.off > furthest.off) {
			furthest = r
		}
	}
	return furthest
}

// lost reports whether a reader fell so far behind that its bytes are gone. The
// caller holds the lock.
func (f *Flight) lost(r *Reader) bool { return r.off < f.buf.base }

// trim drops what no reader may still ask for, once the body is not kept: readers may
// fall behind by the limit, and as far as the one that sets the pace. The caller holds the lock.
func (f *Flight) trim() {
	low, followed := f.pace()
	if !followed {
		low = f.buf.end
	}
	for r := range f.readers {
		if !f.lost(r) {
			low = min(low, max(r.off, f.buf.end-f.cfg.Limit))
		}
	}
	f.buf.dropBelow(low)
}

// flush asks readers to send at once what was written.
func (f *Flight) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Phase != Header {
		return ErrEnded
	}
	f.state.Flushed = f.buf.end
	f.state.Flushes++
	f.notify()
	return nil
}
