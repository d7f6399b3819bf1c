// SPDX-License-Identifier: MIT

// Package demotest checks the examples of stores.
package demotest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/holdover-go/holdover/examples/internal/demo"
	"github.com/holdover-go/holdover/store"
)

// TwoProcesses serves the page of package demo twice, each time with a store of its own
// that open makes, and requires that the second answers with what the first has stored. A
// busy machine may take longer than a request waits for a store, so that a failure is
// believed only when it comes again and again.
func TwoProcesses(t *testing.T, open func() (store.Store, error)) {
	t.Helper()
	var status string
	for range 5 {
		page, _ := ask(t, open)
		var again string
		if again, status = ask(t, open); strings.Contains(status, "; hit") {
			require.Equal(t, page, again)
			return
		}
	}
	require.Contains(t, status, "; hit")
}

// ask serves, asks for the page once and stops again, as a process that is replaced does.
func ask(t *testing.T, open func() (store.Store, error)) (page, cacheStatus string) {
	t.Helper()
	st, err := open()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- demo.ServeOn(ctx, l, st) }()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://demo.example/", nil)
	require.NoError(t, err)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
		},
	}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	cancel()
	require.NoError(t, <-ended)
	return string(body), response.Header.Get("Cache-Status")
}
