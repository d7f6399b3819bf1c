// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The configurations are templates; nothing of them is left over.
func TestConfigurations(t *testing.T) {
	for _, name := range []string{"nginx-stock.conf", "nginx-tuned.conf", "varnish-stock.vcl", "varnish-tuned.vcl"} {
		where := place{Dir: t.TempDir(), Listen: "127.0.0.1:1001", Origin: "127.0.0.1:1002"}
		path, err := where.configure(name)
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(text), "{{")
		require.Contains(t, string(text), "1002")
		require.Equal(t, strings.HasPrefix(name, "nginx"), strings.Contains(string(text), "127.0.0.1:1001"))
	}
}

func TestWhatIsntInstalledIsLeftOut(t *testing.T) {
	var said strings.Builder
	found := present(&said, []peer{{name: "here"}, {name: "gone", program: "no-such-program-here", version: "-v"}})
	require.Len(t, found, 1)
	require.Contains(t, said.String(), "left out: gone: no-such-program-here isn't installed")
}
