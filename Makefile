# `make help` lists what can be done. Products go to target/, nothing else is written but by `make install`, `header`, `bench-charts` and `fmt`.

PREFIX  ?= /usr/local
DESTDIR ?=
PORT    ?= 8080
CC      ?= cc
CFLAGS  ?= -O2 -g
CARGO   ?= cargo

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SONAME  := libflare.so.$(firstword $(subst ., ,$(VERSION)))
BUILT   := $(or $(CARGO_TARGET_DIR),target)/release
ARCHIVE := $(BUILT)/libflare_capi.a
NEEDED  := $(abspath $(BUILT))/libflare_capi.libraries
LIB     := target/lib
C_FLAGS := -std=c11 -Wall -Wextra -Wpedantic -Iinclude $(CFLAGS)
WITH_LIBFLARE = $(LIB)/libflare.a $(shell cat $(NEEDED))

# Examples that need a library of others are built where that is there.
WITHOUT = $(if $(shell pkg-config --exists $(2) && echo yes),,examples/c/$(1).c)
NOT_BUILT := $(call WITHOUT,host_libuv,libuv) $(call WITHOUT,host_glib,glib-2.0)
C_EXAMPLES := $(patsubst examples/c/%.c,target/examples/c/%,$(filter-out $(NOT_BUILT),$(wildcard examples/c/*.c)))
target/examples/c/host_libuv: OTHERS = $(shell pkg-config --cflags --libs libuv)
target/examples/c/host_glib: OTHERS = $(shell pkg-config --cflags --libs glib-2.0)

# FLARE_LIBRARY says at run time where the library is.
MOJO := target/mojo/bin/mojo
MOJO_BUILD = PATH="$(abspath target/mojo/bin):$$PATH" mojo build -I bindings/mojo
MOJO_PACKAGE := $(wildcard bindings/mojo/flare/*.mojo examples/mojo/support/*.mojo)
MOJO_PROGRAMS := $(patsubst examples/mojo/%.mojo,target/examples/mojo/%,$(wildcard examples/mojo/*.mojo)) \
                 $(patsubst tests/mojo/programs/%.mojo,target/test/mojo/%,$(wildcard tests/mojo/programs/*.mojo))

# What `make test` runs, cheap parts first. cargo-deny takes minutes to install, so it only runs where it is.
PARTS := lint docs rust header symbols c c-asan c-valgrind examples conformance peers servers tls simulation soak gate install mojo node python fuzz-seeds \
         $(if $(shell command -v cargo-deny),deny)

.DEFAULT_GOAL := help
.PHONY: help run lib showcase examples mojo header symbols install setup test $(addprefix test-,$(PARTS) deny) \
        conformance miri tsan soak simulate simulate-prove fuzz fuzz-prove bench bench-build bench-charts bench-gate bench-instructions bench-syscalls bench-memory bench-websocket bench-broadcast bench-mojo bench-python bench-node deny fmt clean FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile
	@echo; echo "  make test-PART           one part of the tests: $(PARTS)"

# ---- build

run: ## build and start the demo server (PORT=8080)
	@tests/setup build
	@$(MAKE) --no-print-directory showcase
	target/showcase --port $(PORT)

lib: $(LIB)/libflare.a ## build libflare.so and libflare.a into target/lib

showcase: target/showcase ## build the demo server, target/showcase

examples: $(C_EXAMPLES) ## build the examples
	$(CARGO) build --profile examples --package flare-examples

# With one crate type cargo optimises across all crates (LTO); it would not for the list in capi/Cargo.toml.
$(ARCHIVE): FORCE
	@$(CARGO) rustc --release --package flare-capi --crate-type staticlib -- --print native-static-libs=$(NEEDED)
	@sed -i 's/-lstdc++ *//' $(NEEDED) # capi/package.sh puts it inside

$(LIB)/libflare.a: $(ARCHIVE) capi/package.sh capi/symbols
	capi/package.sh $(ARCHIVE) $(LIB) $(VERSION) "$$(cat $(NEEDED))"

target/showcase: $(wildcard examples/c/showcase/*.[ch]) include/flare.h $(LIB)/libflare.a
	$(CC) $(C_FLAGS) -pthread -o $@ $(filter %.c,$^) $(WITH_LIBFLARE)

target/examples/c/%: examples/c/%.c examples/c/run.h include/flare.h $(LIB)/libflare.a
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -pthread -o $@ $< $(WITH_LIBFLARE) $(OTHERS)

# The compiler is a wheel of PyPI.
$(MOJO):
	@tests/mojo/setup

target/examples/mojo/%: examples/mojo/%.mojo $(MOJO_PACKAGE) $(MOJO)
	@mkdir -p $(@D)
	$(MOJO_BUILD) -I examples/mojo -o $@ $<

target/test/mojo/%: tests/mojo/programs/%.mojo $(MOJO_PACKAGE) $(MOJO)
	@mkdir -p $(@D)
	$(MOJO_BUILD) -o $@ $<

mojo: $(MOJO_PROGRAMS) ## build the examples in Mojo (installs the compiler into target/mojo)

header: ## write include/flare.h anew from the sources of capi, and what Mojo sees of it
	@mkdir -p include
	$(CARGO) run --quiet --package flare-header -- capi include/flare.h
	bindings/mojo/generate >target/api.mojo
	mv target/api.mojo bindings/mojo/flare/api.mojo

fmt: ## format the Rust sources
	$(CARGO) fmt --all

# ---- install

# Under sudo there is often no cargo: then what was built before is installed.
install: $(if $(shell command -v $(CARGO)),lib) ## install library, header and flare.pc (PREFIX=/usr/local DESTDIR=)
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 644 include/flare.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(LIB)/libflare.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(LIB)/libflare.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/
	ln -sf libflare.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libflare.so
	sed -e 's|@PREFIX@|$(abspath $(PREFIX))|' -e 's|@VERSION@|$(VERSION)|' -e "s|@LIBRARIES@|$$(cat $(NEEDED))|" \
	    capi/flare.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/flare.pc

# ---- test

setup: ## install what the tests need and this machine lacks (Debian, Ubuntu)
	tests/setup

test: setup ## everything; ends with the totals
	@$(if $(shell command -v cargo-deny),,echo "deny: not run: cargo-deny is not installed (make deny does it)")
	@tests/run $(PARTS)

test-lint:
	@tests/lint/run

test-docs:
	@tests/docs/run

test-rust:
	@tests/rust/run

test-header:
	@tests/header/run

test-symbols: lib
	@tests/symbols/run $(LIB) $(VERSION)

test-c: lib
	@tests/c/run plain $(WITH_LIBFLARE)

test-c-asan: lib
	@tests/c/run asan $(WITH_LIBFLARE)

test-c-valgrind: lib
	@tests/c/run valgrind $(WITH_LIBFLARE)

test-examples: examples showcase
	@RUST_EXAMPLES=$(dir $(BUILT))examples tests/examples/run c rust

test-tls: showcase
	@tests/tls/run

test-simulation:
	@tests/simulation/run

test-soak: showcase
	@tests/soak/smoke

test-gate: showcase
	@tests/bench/gate_test

test-install: lib
	@tests/install/run

test-conformance: showcase
	@tests/conformance/run

test-mojo: lib $(MOJO)
	@$(MAKE) --no-print-directory --jobs=2 $(MOJO_PROGRAMS)
	@tests/mojo/run

test-python:
	@tests/python/run

test-node:
	@tests/node/run

test-peers: showcase
	@tests/peers/run

test-servers: target/examples/c/fetch
	@tests/peers/servers

test-deny:
	@tests/deny/run

test-fuzz-seeds:
	@fuzz/test

fuzz: ## fuzz every target (FUZZ_SECONDS=60 for each, or RUNS=...; installs nightly and cargo-fuzz)
	@fuzz/run

fuzz-prove: ## every fuzz target finds the bug that is planted in it
	@fuzz/prove

miri: ## the handle table of the C API under Miri (installs nightly)
	@tests/miri/run

tsan: ## tests in which threads meet, and the C tests, under ThreadSanitizer (installs nightly)
	@tests/tsan/run
	@tests/tsan/run_c

conformance: test-conformance ## the protocol suites against target/showcase

soak: showcase ## load on all wires; fails when memory, descriptors or latency grow (SOAK=3m; 4h for longer)
	@tests/soak/run

simulate: ## both ends of each protocol joined by a seeded network and clock (CONNECTIONS=300000 each, PROTOCOL=, SEED= for one story)
	@CONNECTIONS="$(CONNECTIONS)" SEED="$(SEED)" PROTOCOL="$(PROTOCOL)" tests/simulation/simulate

simulate-prove: ## every simulation finds the bugs that are planted in it
	@tests/simulation/prove

deny: ## licences and advisories of all dependencies (installs cargo-deny once: some minutes)
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	@tests/deny/run

# ---- measure

bench: showcase ## CPU per request beside all peers, latency, charts (QUICK=1: under ten minutes; ONLY="plain tls latency": some of it)
	@tests/bench/run time $(ONLY)

bench-build: showcase ## build what `make bench` measures: peers (minutes, once) and bindings
	@tests/bench/run build

bench-charts: ## draw what `make bench` measured into docs/charts
	@mkdir -p docs/charts
	cp target/bench/results/bench.json docs/charts/bench.json
	@tests/bench/charts.py docs/charts/bench.json docs/charts

bench-gate: showcase ## fails when a request takes over 2 % more instructions than at the commit before (BASE=COMMIT; PLANTED=1: proves it)
	@tests/bench/gate

bench-instructions: showcase ## user instructions per request (callgrind)
	@tests/bench/run instructions

bench-syscalls: showcase ## system calls per request (strace)
	@tests/bench/run syscalls

bench-python: ## CPU per request of Python handlers beside granian and uvicorn (QUICK=1: fewer rounds)
	@tests/bench/python/run

bench-memory: showcase ## bytes per idle connection
	@tests/bench/run memory

bench-websocket: showcase ## CPU per message of a WebSocket echo beside a canned floor and fastwebsockets
	@tests/bench/lab.py build c ws
	@tests/bench/lab.py lock -l ws16 -r 5 -s floor,floor@2,flare,fastwebsockets,tungstenite
	@tests/bench/lab.py lock -l ws64k -r 5 -s floor,floor@2,flare,fastwebsockets,tungstenite
	@tests/bench/lab.py mem -l ws16 -s flare

bench-broadcast: showcase ## a message of 1 KiB to 10,000 sockets of one worker, beside a bare loop of send
	@tests/bench/lab.py build c
	@tests/bench/lab.py lock -l broadcast -r 5 -s floor,floor@2,flare

# No instructions beyond those of every machine: the library has none either, and valgrind does not know all of them.
target/bench/bin/plain_mojo: tests/bench/mojo/plain.mojo $(MOJO_PACKAGE) $(MOJO)
	@mkdir -p $(@D)
	$(MOJO_BUILD) --target-cpu $(if $(filter x86_64,$(shell uname -m)),x86-64,generic) -o $@ $<

bench-node: ## CPU per request of Node handlers beside node:http and fastify (QUICK=1: fewer rounds)
	@tests/bench/node/run

bench-mojo: showcase target/bench/bin/plain_mojo ## what a handler in Mojo costs beside the same one in C
	@tests/bench/lab.py build c
	@tests/bench/lab.py cg -l plain -s flare,mojo
	@tests/bench/lab.py lock -l plain -s flare,flare@2,mojo -r 7

clean: ## remove target/
	$(CARGO) clean
	rm -rf target
