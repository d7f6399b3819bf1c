// SPDX-License-Identifier: MIT

package holdover_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
	"github.com/holdover-go/holdover/holdovertest"
)

// Who reads a download of several minutes a little more slowly than the others gets the whole of it:
// what he was late with adds up to nothing while he goes on reading.
func TestLongDownloadOfUnequalReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pieces, piece = 1500, 32 << 10
		cfg := holdover.Config{Policy: holdover.Policy{Safety: holdover.Safety{MaxBody: 1 << 20}}}
		h := newCache(t, cfg).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			setFields(w.Header(), []string{"Cache-Control", "max-age=60", "Content-Type", "text/plain"})
			time.Sleep(300 * time.Millisecond)
			w.(http.Flusher).Flush()
			time.Sleep(300 * time.Millisecond) // in which all join
			bytes := make([]byte, piece)
			for range pieces {
				if _, err := w.Write(bytes); err != nil {
					return
				}
			}
		}))
		client := &http.Client{Transport: holdovertest.InProcess(h)}
		var whole atomic.Int32
		together(4, func(i int) {
			time.Sleep(time.Duration(i) * time.Millisecond)
			resp, err := client.Get(page1)
			require.NoError(t, err)
			defer resp.Body.Close()
			got, into := 0, make([]byte, piece)
			for err == nil {
				var n int
				n, err = io.ReadFull(resp.Body, into)
				got += n
				time.Sleep(time.Duration(200+20*i) * time.Millisecond)
			}
			if got == pieces*piece {
				whole.Add(1)
			}
		})
		require.EqualValues(t, 4, whole.Load())
	})
}
