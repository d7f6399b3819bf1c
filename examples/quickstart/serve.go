// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// drainTime is what requests under way get to end by themselves.
const drainTime = 3 * time.Second

// serve serves h while act runs with its URL, and drains it then.
func serve(ctx context.Context, listen string, h http.Handler, act func(url string) error) error {
	var socket net.ListenConfig
	listener, err := socket.Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // the backend panics on purpose
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = act("http://" + listener.Addr().String())
	err = errors.Join(err, drain(server))
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// drain lets the requests under way end. Those that hang with the backend are cut off.
func drain(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}
