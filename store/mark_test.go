// SPDX-License-Identifier: MIT

package store_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/store"
)

// goldenMarks are marks as the first release wrote them into every journal. Marks that stand
// in a journal must be read by later releases too.
var goldenMarks = map[string]store.Mark{
	strings.Repeat("00", 33): {},
	"efcdab8967452301" + "00" + "000102030405060708090a0b0c0d0e0f" + "0807060504030201": {
		Hash:   0x0123456789abcdef,
		Source: store.Position{Epoch: [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Seq: 0x0102030405060708},
	},
	"ffffffffffffffff" + "01" + strings.Repeat("ff", 16) + "ffffffffffffffff": {
		Hash: ^uint64(0), Soft: true,
		Source: store.Position{
			Epoch: [16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, Seq: ^uint64(0),
		},
	},
	"feffffffffffffff" + "00" + strings.Repeat("00", 15) + "80" + "0000000000000080": {
		Hash: store.ReturnHash, Source: store.Position{Epoch: [16]byte{15: 0x80}, Seq: 1 << 63},
	},
}

func TestGoldenMarks(t *testing.T) {
	for text, m := range goldenMarks {
		golden, err := hex.DecodeString(text)
		require.NoError(t, err)
		require.Len(t, golden, store.MarkLen)
		require.Equal(t, text, hex.EncodeToString(store.AppendMark(nil, m)))
		require.Equal(t, append([]byte("before"), golden...), store.AppendMark([]byte("before"), m))
		got, err := store.DecodeMark(golden)
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
}

func TestWhatIsNoMark(t *testing.T) {
	whole := store.AppendMark(nil, store.Mark{Hash: 1, Soft: true})
	soft := append([]byte{}, whole...)
	soft[8] = 2
	for name, b := range map[string][]byte{
		"nothing": nil, "too short": whole[:len(whole)-1], "too long": append(whole[:len(whole):len(whole)], 0), "neither hard nor soft": soft,
	} {
		m, err := store.DecodeMark(b)
		require.ErrorIs(t, err, store.ErrFormat, name)
		require.Zero(t, m, name)
	}
}
