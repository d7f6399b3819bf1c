// SPDX-License-Identifier: MIT

package flight

// Free reports whether all n bytes of the room have been given back.
func (r *Room) Free(n int64) bool {
	if !r.free.TryAcquire(n) {
		return false
	}
	r.free.Release(n)
	return true
}

// Buffered returns how many bytes the flight's buffer holds at present.
func (f *Flight) Buffered() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.buf.end - f.buf.base
}

// Lookup returns the newest flight under key, or nil.
func (g *Group) Lookup(key Key) *Flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	if flights := g.byKey[key]; len(flights) > 0 {
		return flights[len(flights)-1]
	}
	return nil
}
