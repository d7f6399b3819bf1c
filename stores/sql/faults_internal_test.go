// SPDX-License-Identifier: MIT

package sql

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type stateError string

func (s stateError) Error() string    { return "state " + string(s) }
func (s stateError) SQLState() string { return string(s) }

func TestFaultOf(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		err     error
		want    fault
	}{
		{PostgreSQL, nil, lasting},
		{PostgreSQL, fmt.Errorf("failed: %w", stateError("42P01")), noTable},
		{PostgreSQL, stateError("40001"), conflict},
		{PostgreSQL, stateError("57P01"), deadConn},
		{PostgreSQL, stateError("57P05"), deadConn},
		{PostgreSQL, stateError("57P03"), lasting}, // it starts: somebody else can be asked meanwhile
		{PostgreSQL, stateError("42501"), lasting},
		{PostgreSQL, driver.ErrBadConn, deadConn},
		{PostgreSQL, fmt.Errorf("failed: %w", io.ErrUnexpectedEOF), deadConn},
		{PostgreSQL, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, deadConn},
		{PostgreSQL, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, lasting},
		{PostgreSQL, &net.OpError{Op: "dial", Err: syscall.ECONNRESET}, lasting},
		{PostgreSQL, errors.New("no such table: x"), lasting},
		{SQLite, errors.New("SQL logic error: no such table: x (1)"), noTable},
		{SQLite, errors.New("database is locked (5) (SQLITE_BUSY)"), conflict},
		{SQLite, errors.New("database table is locked (6)"), conflict},
		{SQLite, errors.New("database or disk is full (13)"), lasting},
		{SQLite, driver.ErrBadConn, deadConn},
	} {
		require.Equal(t, c.want, faultOf(c.dialect, c.err), "%v", c.err)
	}
}

// A row goes after its entry expired, and not much later; refreshed by a little, it goes at
// the same time.
func TestDropAt(t *testing.T) {
	now := time.Now()
	for _, life := range []time.Duration{1, time.Millisecond, time.Second, time.Minute, 65 * time.Minute, 7 * 24 * time.Hour} {
		until := now.Add(life)
		at := dropAt(until.UnixNano(), life)
		require.Greater(t, at, until.UnixMilli())
		require.LessOrEqual(t, at, until.UnixMilli()+max(life.Milliseconds()/8, 1024)+1)
		changes := map[int64]bool{}
		for i := range 60 {
			changes[dropAt(until.Add(time.Duration(i)*life/60).UnixNano(), life)] = true
		}
		require.LessOrEqual(t, len(changes), 18)
	}
	require.Positive(t, dropAt(math.MaxInt64, time.Duration(math.MaxInt64-now.UnixNano())))
}

// The slices cover every hash once.
func TestSliceOf(t *testing.T) {
	hashes := [][]byte{
		make([]byte, 16), bytes.Repeat([]byte{0xff}, 16), append([]byte{0x80}, make([]byte, 15)...),
		append([]byte{0x7f}, bytes.Repeat([]byte{0xff}, 15)...), []byte("sixteen letters."),
	}
	for slices := range 5 {
		for _, hash := range hashes {
			in := 0
			for i := range uint64(1) << slices {
				from, to := sliceOf(i, slices)
				if bytes.Compare(from, hash) <= 0 && bytes.Compare(hash, to) < 0 {
					in++
				}
			}
			require.Equal(t, 1, in, "%x in one of %d", hash, 1<<slices)
		}
	}
}

func TestChoose(t *testing.T) {
	list := []cut{{1, 1, 100}, {2, 2, 200}, {3, 3, 1000}, {4, 4, 1100}}
	for _, c := range []struct{ must, wanted, id int64 }{
		{1, 50, 1}, {1, 100, 1}, {50, 199, 1}, {50, 200, 2}, {150, 999, 2}, {201, 900, 3}, {900, 1050, 3}, {1000, 2000, 4}, {5000, 6000, 4},
	} {
		got, found := choose(list, c.must, c.wanted)
		require.True(t, found)
		require.Equal(t, c.id, got.id, c)
	}
	_, found := choose(nil, 1, 2)
	require.False(t, found)
}
