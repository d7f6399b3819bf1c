// SPDX-License-Identifier: MIT
//
// Runs the suite's server on loopback: by itself it would listen on all addresses.
import net from 'node:net'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port) {
  return listen.call(this, Number(port), '127.0.0.1')
}
await import('./server/server.mjs')
