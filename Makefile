# SPDX-License-Identifier: MIT

GO ?= go
STATICCHECK = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2

# "work" means every package of every module in go.work.
.PHONY: test lint vet format staticcheck modern tidy race allocs bench conformance fuzz servers

## test: everything that must pass before a change is accepted
test: servers lint modern tidy race allocs

## lint: the quick checks, without tests
lint: vet format staticcheck

vet:
	$(GO) vet work

format:
	scripts/format.sh

staticcheck:
	$(STATICCHECK) work

# What "go fix" would rewrite is written the old way.
modern:
	$(GO) fix -diff work

# "go mod tidy" knows nothing of go.work, so each module is checked alone.
tidy:
	scripts/each-module.sh env GOWORK=off $(GO) mod tidy -diff

race:
	$(GO) test -race -shuffle=on -timeout 30m work

# Once more without the race detector: what is allocated, and memory at full size.
allocs:
	$(GO) test -run Alloc work

## bench: the benchmarks of all modules
bench:
	$(GO) test -run '^$$' -bench . work

## conformance: the public test suite for HTTP caches, against examples/proxy (needs Node.js)
conformance:
	GO=$(GO) scripts/conformance.sh

## fuzz: every fuzz target for FUZZTIME (5m), FUZZJOBS (1) at a time
fuzz:
	GO=$(GO) scripts/fuzz.sh

## servers: installs the servers that tests need and this machine lacks
servers:
	scripts/servers.sh
