// SPDX-License-Identifier: MIT

package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func scanned(ctx context.Context, s store.Store) (n int, err error) {
	for _, err := range store.Scan(ctx, s) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestFailoverScans(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		for _, key := range []string{"1", "2", "3"} {
			a.put(entry(t, key))
			b.put(entry(t, key))
		}
		b.put(entry(t, "4"))
		n, err := scanned(about(t, 100*ms), f)
		require.NoError(t, err)
		require.Equal(t, 3, n)

		began := time.Now()
		a.does(hangs, nil)
		n, err = scanned(about(t, 100*ms), f)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		require.Equal(t, 50*ms, time.Since(began), "the first entry must come within the share")

		b.does(hangs, nil)
		_, err = scanned(about(t, 100*ms), f)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		b.does(panics, nil)
		a.does(panics, nil)
		_, err = scanned(about(t, 100*ms), f)
		require.ErrorContains(t, err, "panicked")
		require.Equal(t, store.Open, f.States()[0])
	})
}

// The caller may take its time, stop, and panic: that is no matter of the member.
func TestFailoverScansForItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newServer(), newServer()
		f := over(t, store.FailoverConfig{}, a, b)
		for _, key := range []string{"1", "2", "3"} {
			a.put(entry(t, key))
		}
		for range 5 {
			n := 0
			for _, err := range f.Scan(about(t, 100*ms)) {
				require.NoError(t, err)
				time.Sleep(30 * ms)
				n++
			}
			require.Equal(t, 3, n, "the share is for the first entry only")
			for _, err := range f.Scan(about(t, 100*ms)) {
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				time.Sleep(90 * ms)
			}
			for range f.Scan(t.Context()) {
				break
			}
			require.PanicsWithValue(t, "mine", func() {
				for range f.Scan(t.Context()) {
					panic("mine")
				}
			})
		}
		require.Equal(t, store.Closed, f.States()[0])
		reads, _ := b.forget()
		require.Zero(t, reads)
		_, err := scanned(t.Context(), over(t, store.FailoverConfig{}, newBare()))
		require.ErrorIs(t, err, errors.ErrUnsupported)
	})
}
