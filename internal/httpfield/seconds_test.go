// SPDX-License-Identifier: MIT

package httpfield_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/internal/httpfield"
)

func TestAge(t *testing.T) {
	const none = time.Duration(-1)
	cases := []struct {
		lines []string
		want  time.Duration
	}{
		{nil, none},
		{[]string{""}, none},
		{[]string{"0"}, 0},
		{[]string{"60"}, time.Minute},
		{[]string{" 0060 "}, time.Minute},
		{[]string{"60,0"}, time.Minute}, // RFC 9111 §5.1: the first of a list
		{[]string{"60 , 7200"}, time.Minute},
		{[]string{"60", "7200"}, time.Minute},
		{[]string{"abc", "60"}, none},
		{[]string{"", "60"}, none},
		{[]string{",60"}, none},
		{[]string{"-60"}, none},
		{[]string{"+60"}, none},
		{[]string{"60.0"}, none},
		{[]string{"60;a=b"}, none},
		{[]string{"٣"}, none},
		{[]string{"2147483647"}, (1<<31 - 1) * time.Second},
		{[]string{"2147483649"}, 1 << 31 * time.Second}, // RFC 9111 §1.2.2
		{[]string{"99999999999999999999999999"}, 1 << 31 * time.Second},
	}
	for _, c := range cases {
		got, ok := httpfield.Age(c.lines)
		require.Equal(t, c.want != none, ok, c.lines)
		require.Equal(t, max(0, c.want), got, c.lines)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(1994, 11, 6, 8, 49, 0, 0, time.UTC)
	cases := []struct {
		line string
		want time.Duration
		ok   bool
	}{
		{"", 0, false},
		{"120", 2 * time.Minute, true}, // RFC 9110 §10.2.3
		{"0", 0, true},
		{"-1", 0, false},
		{"1.5", 0, false},
		{"soon", 0, false},
		{"99999999999", 1 << 31 * time.Second, true},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 37 * time.Second, true},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 37 * time.Second, true},
		{"Sun, 06 Nov 1994 08:48:37 GMT", 0, true},
		{"Fri, 06 Nov 9999 08:48:37 GMT", 1<<63 - 1, true},
	}
	for _, c := range cases {
		got, ok := httpfield.RetryAfter([]string{c.line, "7"}, now)
		require.Equal(t, c.ok, ok, c.line)
		require.Equal(t, c.want, got, c.line)
	}
	_, ok := httpfield.RetryAfter(nil, now)
	require.False(t, ok)
}

func FuzzSeconds(f *testing.F) {
	for _, s := range []string{"0", "60, 7", "99999999999999999999", "-1", "Sun, 06 Nov 1994 08:49:37 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		age, _ := httpfield.Age([]string{s})
		require.True(t, age >= 0 && age <= 1<<31*time.Second)
		wait, _ := httpfield.RetryAfter([]string{s}, time.Unix(0, 0))
		require.GreaterOrEqual(t, wait, time.Duration(0))
	})
}
