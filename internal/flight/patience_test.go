// SPDX-License-Identifier: MIT

package flight_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/flight"
)

// follow reads a body with a pause after each piece, and says how much of it came and how it ended.
func follow(r *flight.Reader, pause func(off int64)) (int64, flight.Phase) {
	defer r.Leave()
	for {
		p, state, _ := r.Next(1 << 30)
		if len(p) == 0 {
			return r.Offset(), state.Phase
		}
		r.Advance(min(len(p), 4*kib))
		pause(r.Offset())
	}
}

// download lets three readers, the first of which is the starter, follow a body of 1 MiB that
// outgrows 64 KiB. It returns what each got, and how long the handler took.
func download(t *testing.T, patience time.Duration, pauses [3]func(off int64)) (got [3]int64, ends [3]flight.Phase, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		joined := make(chan struct{})
		f, starter := g.start(flight.Config{Limit: 64 * kib, Patience: patience}, func(w http.ResponseWriter, _ *http.Request) {
			<-joined
			for range 1024 {
				if _, err := w.Write(pattern(kib)); err != nil {
					return
				}
			}
		})
		readers := [3]*flight.Reader{starter, f.Attach(t.Context(), false), f.Attach(t.Context(), false)}
		close(joined)
		began := time.Now()
		var wg sync.WaitGroup
		for i, r := range readers {
			wg.Go(func() { got[i], ends[i] = follow(r, pauses[i]) })
		}
		<-f.Returned()
		took = time.Since(began)
		wg.Wait()
		synctest.Wait()
		g.whole()
	})
	return got, ends, took
}

const all = 1024 * kib

func every(d time.Duration) func(int64) { return func(int64) { time.Sleep(d) } }

// at stands still once.
func at(off int64, d time.Duration) func(int64) {
	once := false
	return func(now int64) {
		if now >= off && !once {
			once = true
			time.Sleep(d)
		}
	}
}

// Who is a little slower than another is not cut off.
func TestSlowerReadersAreWaitedFor(t *testing.T) {
	got, ends, took := download(t, 30*time.Second, [3]func(int64){every(time.Millisecond), every(5 * time.Millisecond), every(20 * time.Millisecond)})
	require.Equal(t, [3]int64{all, all, all}, got)
	require.Equal(t, [3]flight.Phase{flight.Complete, flight.Complete, flight.Complete}, ends)
	require.Less(t, took, 6*time.Second)

	// However long it takes.
	got, ends, _ = download(t, 30*time.Second, [3]func(int64){every(2 * time.Second), every(2200 * time.Millisecond), every(3 * time.Second)})
	require.Equal(t, [3]int64{all, all, all}, got)
	require.Equal(t, [3]flight.Phase{flight.Complete, flight.Complete, flight.Complete}, ends)

	got, ends, _ = download(t, 0, [3]func(int64){every(time.Millisecond), every(5 * time.Millisecond), every(20 * time.Millisecond)})
	require.Equal(t, int64(all), got[0])
	require.Equal(t, [3]flight.Phase{flight.Complete, flight.Failed, flight.Failed}, ends, "without patience")
}

// Who stands still holds up the others for the patience, or where it grows with the time, twice that.
func TestReadersThatStandStillAreLost(t *testing.T) {
	for i := range 2 {
		pauses := [3]func(int64){every(0), every(0), every(0)}
		pauses[i] = at(256*kib, time.Hour)
		got, ends, took := download(t, 30*time.Second, pauses)
		for other := range 3 {
			if other != i {
				require.Equal(t, int64(all), got[other], "%d stands still", i)
				require.Equal(t, flight.Complete, ends[other])
			}
		}
		require.Equal(t, flight.Failed, ends[i])
		require.InDelta(t, []float64{30, 60}[i], took.Seconds(), 2, "%d stands still", i)
	}
	again := func(now int64) { time.Sleep(map[bool]time.Duration{true: 2 * time.Minute}[now > 256*kib]) }
	_, ends, took := download(t, 30*time.Second, [3]func(int64){every(0), again, again})
	require.Equal(t, [3]flight.Phase{flight.Complete, flight.Failed, flight.Failed}, ends)
	require.InDelta(t, 60, took.Seconds(), 3, "for both at once")
}

// However many there are that stand still, one after the other: together they hold up the
// others for four times the patience and half of the time.
func TestPatienceWithAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		joined := make(chan struct{})
		f, starter := g.start(flight.Config{Limit: 64 * kib, Patience: 30 * time.Second}, func(w http.ResponseWriter, _ *http.Request) {
			<-joined
			for range 4096 {
				_, _ = w.Write(pattern(kib))
			}
		})
		readers := []*flight.Reader{starter}
		for range 20 {
			readers = append(readers, f.Attach(t.Context(), false))
		}
		close(joined)
		began := time.Now()
		var wg sync.WaitGroup
		for i, r := range readers {
			pause := every(0)
			if i > 0 {
				pause = at(int64(i)*128*kib, time.Hour)
			}
			wg.Go(func() { follow(r, pause) })
		}
		<-f.Returned()
		require.InDelta(t, 240, time.Since(began).Seconds(), 10)
		wg.Wait()
		synctest.Wait()
		g.whole()
	})
}

// Whose request it is may be as slow as he likes while he goes on, or nobody else is there.
func TestSlowStarters(t *testing.T) {
	got, ends, _ := download(t, 30*time.Second, [3]func(int64){every(10 * time.Second), every(0), every(0)})
	require.Equal(t, [3]int64{all, all, all}, got)
	require.Equal(t, [3]flight.Phase{flight.Complete, flight.Complete, flight.Complete}, ends)

	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		f, r := g.start(flight.Config{Limit: 64 * kib, Patience: 30 * time.Second}, func(w http.ResponseWriter, _ *http.Request) {
			for range 1024 {
				_, _ = w.Write(pattern(kib))
			}
		})
		got, end := follow(r, at(256*kib, 2*time.Hour))
		require.Equal(t, int64(all), got)
		require.Equal(t, flight.Complete, end)
		<-f.Returned()
		synctest.Wait()
		g.whole()
	})
}
