// SPDX-License-Identifier: MIT

// Package holdovertest is for tests of what a cache does when its origin or its store fails. With
// it those who configure Holdover find out what their policy does in an outage, before there
// is one.
//
// An [Origin] is a handler that a test tells to misbehave: by a [Fault] such as [Status],
// [Hang], [Reset] or [Truncate], or by one that the test writes itself. It notes what it is
// asked. A [Store] puts faults on a store. [Pages] makes pages that a client can tell whole
// and right ones from wrong ones by, [Load] asks for them at a constant rate, and [Report]
// sums up what came. [InProcess] is a transport without sockets, so that all of it
// runs on the virtual clock of testing/synctest, where an outage of an hour takes no time:
//
//	func TestOutage(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			cache, err := holdover.New(holdover.Config{Policy: policy})
//			if err != nil {
//				t.Fatal(err)
//			}
//			defer cache.Close()
//			origin := holdovertest.NewOrigin(holdovertest.Pages("max-age=60, stale-if-error=86400"))
//			client := &http.Client{Transport: holdovertest.InProcess(cache.Handler(origin))}
//			get(t, client) // the page is stored
//
//			origin.Behave(holdovertest.Hang())
//			began := time.Now()
//			for time.Since(began) < time.Hour {
//				time.Sleep(time.Second)
//				get(t, client) // fails unless it gets the page
//			}
//			if n := origin.Requests().Between(began, time.Now()).Excess(1, 2); n > 0 {
//				t.Errorf("%v requests too many reached the origin", n)
//			}
//		})
//	}
//
// Where the origin isn't a handler of the same process, an httputil.ReverseProxy whose
// Transport is InProcess(origin) stands between. An Origin also works as the handler of a real
// server, as of httptest.NewServer, where [Reset] sends an RST.
//
// In a bubble of synctest all must be made inside it, and all handlers must have returned when
// the test function does: sleep until a [Deaf] or slow one has.
package holdovertest
