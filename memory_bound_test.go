// SPDX-License-Identifier: MIT

package holdover_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

// heapInUse is what lives on the heap.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Eight times as much as the default store may hold, 2 GiB, passes through a cache with the
// zero Config: what lives stays within the bound and what is in flight.
func TestAllocatedMemoryStaysWithinItsBound(t *testing.T) {
	const size, limit = 512 << 10, 1 << 30
	responses := 4096
	if raceDetector { // under which fresh memory is slow
		responses = 768
	}
	body := make([]byte, size)
	lengths := map[string]string{"known lengths": strconv.Itoa(size), "unknown lengths": ""}
	if raceDetector {
		delete(lengths, "known lengths")
	}
	for name, length := range lengths {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, holdover.Config{})
			h := c.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=3600")
				w.Header().Set("Content-Type", "application/octet-stream")
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = w.Write(body)
			}))
			before := heapInUse()
			r := httptest.NewRequest("GET", "http://example.com/", nil)
			for i := range responses {
				w := &reusedWriter{h: http.Header{}}
				r.RequestURI = fmt.Sprintf("/?%d", i)
				r.URL.RawQuery = strconv.Itoa(i)
				h.ServeHTTP(w, r)
				if w.n != size {
					require.Equal(t, size, w.n)
				}
				if i%512 == 511 {
					require.Less(t, heapInUse(), uint64(limit), "after %d responses", i+1)
				}
			}
			require.EqualValues(t, responses, c.Stats().Stored)
			require.Less(t, heapInUse()-before, uint64(256<<20+64<<20), "the store's bound and room for the rest")
			require.Greater(t, heapInUse()-before, uint64(128<<20), "it is used, too")
		})
	}
}
