// SPDX-License-Identifier: MIT

package storetest

import (
	"context"
	"errors"
	"strconv"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

func (s suite) scan() {
	if !s.features.Scanner {
		s.scanUnsupported()
		return
	}
	want := map[string]*store.Entry{}
	for i := range 50 {
		e := s.plain(s.key(strconv.Itoa(i)), strconv.Itoa(i))
		want[e.Key()] = e
		s.set(e)
	}
	for e, err := range store.Scan(s.Context(), s.store) {
		require.NoError(s, err)
		require.NotNil(s, e, "Scan yields an entry or an error")
		if set, ours := want[e.Key()]; ours {
			s.same(set, e, "Scan yields entries as they were set")
			delete(want, e.Key())
		}
	}
	require.Empty(s, want, "Scan yields every entry that stands all the time")
}

func (s suite) scanUnsupported() {
	yielded := 0
	for e, err := range store.Scan(s.Context(), s.store) {
		require.Nil(s, e)
		require.ErrorIs(s, err, errors.ErrUnsupported, "Scan without the power yields errors.ErrUnsupported")
		yielded++
	}
	require.Equal(s, 1, yielded, "Scan without the power yields errors.ErrUnsupported and nothing else")
}

func (s suite) scanStops() {
	if !s.features.Scanner {
		return
	}
	var last *store.Entry
	for i := range 5 {
		last = s.plain(s.key(strconv.Itoa(i)), "body")
		s.set(last)
	}
	yielded := 0
	for _, err := range store.Scan(s.Context(), s.store) {
		require.NoError(s, err)
		yielded++
		s.set(last) // the loop may use the store: a scan holds no lock while it yields
		break
	}
	require.Equal(s, 1, yielded, "Scan ends when the loop does")

	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	for _, err := range store.Scan(ctx, s.store) {
		if err != nil {
			require.ErrorIs(s, err, context.Canceled, "Scan ends with the error of its context")
			return
		}
	}
}

// notScanned passes where the store can't scan.
func (s suite) notScanned(key, rule string) {
	s.Helper()
	for e, err := range store.Scan(s.Context(), s.store) {
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		require.NoError(s, err)
		require.NotEqual(s, key, e.Key(), rule)
	}
}
