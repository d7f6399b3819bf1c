// SPDX-License-Identifier: MIT

package holdover_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// Several who ask at once for a download that turns out to be larger than what is stored all get
// it, also if each reads a little slower than the other.
func TestDownloadOfManyBeyondMaxBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 << 20
		cfg := holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: 100 << 10}}}
		h := newCache(t, cfg).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Type", "text/plain"})
			time.Sleep(300 * time.Millisecond)
			for range size >> 10 {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<10))); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}))
		client := &http.Client{Transport: holdovertest.InProcess(h)}
		var whole atomic.Int32
		together(6, func(i int) {
			time.Sleep(time.Duration(i) * time.Millisecond)
			resp, err := client.Get(page1)
			require.NoError(t, err)
			defer resp.Body.Close()
			got, piece := 0, make([]byte, 10<<10)
			for err == nil {
				var n int
				n, err = resp.Body.Read(piece)
				got += n
				time.Sleep(time.Duration(1+i) * time.Millisecond)
			}
			if got == size {
				whole.Add(1)
			}
		})
		require.EqualValues(t, 6, whole.Load())
	})
}
