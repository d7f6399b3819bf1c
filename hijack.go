// SPDX-License-Identifier: MIT

package holdover

import (
	"bufio"
	"net"
	"net/http"
)

// hijackablePassing is passing over a connection that can be taken over.
type hijackablePassing struct{ *passing }

// Hijack implements http.Hijacker.
func (p *hijackablePassing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(p.w).Hijack()
	if err == nil {
		p.hijacked = true
		p.keeping.lose()
	}
	return conn, rw, err
}
