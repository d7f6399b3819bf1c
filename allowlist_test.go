// SPDX-License-Identifier: MIT

package holdover_test

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover"
)

func TestAllowList(t *testing.T) {
	long := strings.Repeat("x", 4096)
	list, err := holdover.NewAllowList("key-1", "two words", "schlüssel", "a%20b", "#hash", long, "key-1")
	require.NoError(t, err)
	require.Equal(t, 6, list.Len(), "a credential named twice counts once")

	for _, member := range []string{"key-1", "two words", "schlüssel", "a%20b", "#hash", long} {
		require.True(t, list.Contains(member), member)
	}
	for _, other := range []string{"", "key-", "key-11", "KEY-1", " key-1", "key-1\n", "a b", long + "x", "key-1\x00"} {
		require.False(t, list.Contains(other), other)
	}
}

func TestAllowListRefusesWhatCanNeverMatch(t *testing.T) {
	_, err := holdover.NewAllowList()
	require.ErrorContains(t, err, "no members")

	for credential, says := range map[string]string{
		"":                         "is empty",
		" secret":                  "blank",
		"secret ":                  "blank",
		"\tsecret":                 "blank",
		"secret\u00a0":             "blank",
		"  ":                       "blank",
		"sec\x00ret":               "control",
		"sec\rret":                 "control",
		"sec\x7fret":               "control",
		"sec\u0085ret":             "control",
		strings.Repeat("s", 4097):  "longer than 4096",
		strings.Repeat("\x00", 10): "control",
	} {
		list, err := holdover.NewAllowList("fine", credential)
		require.ErrorContains(t, err, "credential 2 ", credential)
		require.ErrorContains(t, err, says, credential)
		require.NotContains(t, err.Error(), "sec", "errors don't repeat credentials")
		require.Nil(t, list)
	}
}

func TestAllowListReplace(t *testing.T) {
	list, err := holdover.NewAllowList("old", "both")
	require.NoError(t, err)

	require.Error(t, list.Replace([]string{"new", ""}))
	require.Equal(t, 2, list.Len(), "a bad list changes nothing")
	require.True(t, list.Contains("old"))
	require.False(t, list.Contains("new"))

	require.NoError(t, list.Replace([]string{"new", "both", "third"}))
	require.Equal(t, 3, list.Len())
	require.True(t, list.Contains("new"))
	require.True(t, list.Contains("both"))
	require.False(t, list.Contains("old"))

	require.NoError(t, list.Replace(nil), "revoking everybody must be possible")
	require.Zero(t, list.Len())
	require.False(t, list.Contains("new"))
	require.False(t, list.Contains(""))
}

func TestAllowListZeroValueHoldsNobody(t *testing.T) {
	var list holdover.AllowList
	require.Zero(t, list.Len())
	require.False(t, list.Contains("x"))
	require.NoError(t, list.Replace([]string{"x"}))
	require.True(t, list.Contains("x"))
}

// A lookup during a Replace sees one set or the other, never a mix or nobody.
func TestAllowListReplaceIsAtomic(t *testing.T) {
	list, err := holdover.NewAllowList("always", "even")
	require.NoError(t, err)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if !list.Contains("always") || list.Contains("never") || list.Len() != 2 {
					t.Error("a lookup saw neither the old set nor the new one")
					return
				}
			}
		})
	}
	for range 200 {
		require.NoError(t, list.Replace([]string{"always", "odd"}))
		require.Error(t, list.Replace([]string{"never", ""}))
		require.NoError(t, list.Replace([]string{"always", "even"}))
	}
	close(done)
	wg.Wait()
}

func TestReadAllowList(t *testing.T) {
	long := strings.Repeat("x", 4096)
	for text, want := range map[string][]string{
		"one\ntwo\n":                      {"one", "two"},
		"one\r\ntwo":                      {"one", "two"},
		"\n\n# comment\n  # more\n \t\na": {"a"},
		"\ufeffone\ntwo\n":                {"one", "two"},
		"\ufeff# comment\r\n":             nil,
		"two words\na#b\n":                {"two words", "a#b"},
		"":                                nil,
		"\r\n":                            nil,
		long + "\r\n" + long:              {long, long},
		"\ufeff" + long + "\r\nb":         {long, "b"},
	} {
		got, err := holdover.ReadAllowList(strings.NewReader(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)

		got, err = holdover.ReadAllowList(iotest.OneByteReader(strings.NewReader(text)))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestReadAllowListNamesTheLine(t *testing.T) {
	for text, says := range map[string]string{
		"one\n secret\n":        "line 2 begins or ends with a blank",
		"one\n\n#\nsecret \n":   "line 4 begins or ends with a blank",
		"secret\t\r\n":          "line 1 begins or ends with a blank",
		"one\nsec\x00ret":       "line 2 holds a control character",
		"sec\rret\n":            "line 1 holds a control character",
		"one\nsecret # Alice\n": "line 2 is followed by a comment",
		"secret\t#Alice":        "line 1 is followed by a comment",
		"one\n" + strings.Repeat("secret", 700) + "\n": "line 2 is longer than 4096 bytes",
		"one\n" + strings.Repeat("secret", 99999):      "line 2 is longer than 4096 bytes",
		strings.Repeat("s", 4097) + "\n":               "line 1 is longer than 4096 bytes",
	} {
		got, err := holdover.ReadAllowList(strings.NewReader(text))
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "sec")
		require.Nil(t, got)
	}
}

func TestReadAllowListReturnsTheReadersError(t *testing.T) {
	broken := errors.New("disk gone")
	got, err := holdover.ReadAllowList(io.MultiReader(strings.NewReader("one\ntwo\n"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	require.Nil(t, got)
}

func FuzzReadAllowList(f *testing.F) {
	f.Add("one\r\n# two\n\nthree")
	f.Add("\ufeff x\n")
	f.Fuzz(func(t *testing.T, text string) {
		credentials, err := holdover.ReadAllowList(strings.NewReader(text))
		if err != nil || len(credentials) == 0 {
			return
		}
		list, err := holdover.NewAllowList(credentials...)
		require.NoError(t, err, "what was read can be used")
		for _, credential := range credentials {
			require.True(t, list.Contains(credential))
		}
	})
}

func BenchmarkAllowListContains(b *testing.B) {
	list, err := holdover.NewAllowList("6f1e3c6e-0b0b-4a53-9a44-7a8a9f3f5c11")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		list.Contains("6f1e3c6e-0b0b-4a53-9a44-7a8a9f3f5c11")
	}
}
