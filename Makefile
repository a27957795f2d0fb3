# SPDX-License-Identifier: Apache-2.0
# Reads from top to bottom in the order of the data: kernel side, protocols, agent, tests.
# `make help` lists the targets. V=1 shows the commands, SAN=address,undefined adds sanitizers.

V ?= 0
SAN ?=
PREFIX ?= /usr/local
CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
DESTDIR ?=
export HARK_CONFIG := # what the machine's users want of hark is neither built nor tested
BUILD := build$(if $(SAN),-san)
VERSION := 0.1.0

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

LIBRARIES = $(if $(filter yes,$(CAPTURE)),libbpf) libelf libnghttp3 capstone zlib libbrotlidec libzstd ncursesw \
	libcap libseccomp libcrypto
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
# What one room calls of another is inlined when hark is linked, with GCC; tests take the objects as they are. LTO=: off.
LTO ?= $(if $(SAN),,$(if $(findstring Free Software,$(shell $(CC) --version)),-flto=auto))
LTO_FLAGS := $(if $(LTO),$(LTO) -ffat-lto-objects)
COMPILE_FLAGS := -std=gnu11 -D_GNU_SOURCE -DHARK_VERSION='"$(VERSION)"' \
	-Iinclude -Iprotocols -Iagent -isystem $(BUILD)/bpf
HARK_CFLAGS := $(COMPILE_FLAGS) $(WARNINGS) $(SAN_FLAGS) -MMD -MP
LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) -lpthread
TEST_LIBS = -lcmocka $(shell $(PKG_CONFIG) --libs jansson libnghttp2)

MACHINE := $(shell uname -m)

# The kernel side needs x86-64, clang, bpftool and libbpf. Without one of them hark replays recordings only.
CAPTURE_MISSING := $(if $(filter x86_64,$(MACHINE)),,x86-64) \
	$(if $(shell command -v $(CLANG)),,clang) $(if $(shell command -v $(BPFTOOL)),,bpftool) \
	$(if $(shell $(PKG_CONFIG) --exists libbpf && echo yes),,libbpf)
CAPTURE := $(if $(strip $(CAPTURE_MISSING)),no,yes)
BPF_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
BPF_FLAGS := -target bpf -D__bpf__ -D__TARGET_ARCH_$(BPF_ARCH) -O2 -g -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Werror \
	-Iinclude -Ibpf -I/usr/include/$(MACHINE)-linux-gnu

# --- sources, in flow order -------------------------------------------------
# Before the others those that are loaded beside them (agent/capture/probes_parallel.c); before all, what all refer to.
BPF_SOURCES := bpf/maps.bpf.c $(wildcard bpf/*/*.bpf.c) $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
PROTOCOL_SOURCES := $(wildcard protocols/*.c protocols/*/*.c)
LIVE := $(wildcard agent/capture/probes*.c) agent/capture/source_bpf.c agent/run/live.c agent/run/process_filter.c
LIVE_NONE := agent/run/live_none.c
AGENT_SOURCES := $(filter-out $(if $(filter yes,$(CAPTURE)),$(LIVE_NONE),$(LIVE)),\
	$(wildcard agent/*/*.c agent/*/*/*.c))

PROTOCOL_OBJECTS := $(PROTOCOL_SOURCES:%.c=$(BUILD)/%.o)
AGENT_OBJECTS := $(AGENT_SOURCES:%.c=$(BUILD)/%.o)
SKELETON := $(BUILD)/bpf/hark.skel.h
SKELETON_USERS := $(shell grep -l 'hark\.skel\.h' $(AGENT_SOURCES) 2>/dev/null)

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
UNIT_HELPERS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%.o,$(wildcard tests/unit/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
PEERS := $(patsubst tests/e2e/peers/%.c,build/peers/%,$(wildcard tests/e2e/peers/*.c))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,build/bench/%,$(wildcard tests/bench/*.c))

.PHONY: all
all: requirements $(BUILD)/hark $(BUILD)/completions/hark $(BUILD)/completions/_hark ## build hark (the default)

# Says what is missing, by name, before the compiler does.
.PHONY: requirements
requirements:
	@scripts/requirements "$(CC)" "$(PKG_CONFIG)" "$(strip $(CAPTURE_MISSING))" $(LIBRARIES)

.DELETE_ON_ERROR:
.SECONDARY:

# --- kernel side -------------------------------------------------------------
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bpf/hark.bpf.o: $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/hark.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name hark_bpf > $@.tmp && mv $@.tmp $@

# --- user side ---------------------------------------------------------------
$(BUILD)/protocols/%.o: protocols/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) $(LTO_FLAGS) -c $< -o $@

# The compiler's dependency files leave the skeleton out (a system header for it: it is generated).
$(SKELETON_USERS:%.c=$(BUILD)/%.o): $(SKELETON)

$(BUILD)/agent/%.o: agent/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) $(LTO_FLAGS) -c $< -o $@

# Objects that were made with other flags are made again. How $(BUILD) is written is none of them.
FLAGS := $(BUILD)/flags
FLAGS_NOW := $(CC) $(CFLAGS) $(filter-out $(BUILD)/%,$(HARK_CFLAGS)) $(LTO_FLAGS)
$(shell mkdir -p $(BUILD) && printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $(FLAGS) || \
	printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' > $(FLAGS))
$(PROTOCOL_OBJECTS) $(AGENT_OBJECTS) $(BUILD)/agent/main.o: $(FLAGS)

# Inside of it, byte by byte.
$(BUILD)/agent/library/signature.o build/fuzz/agent/library/signature.o: share/tls-signatures

$(BUILD)/agent/sinks/serve/serve_paths.o: $(wildcard share/page/*)

$(BUILD)/libprotocols.a: $(PROTOCOL_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libagent.a: $(AGENT_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/hark: $(BUILD)/agent/main.o $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LTO) $(SAN_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# --- what is made of tables ------------------------------------------
$(BUILD)/gen/option_docs: scripts/option_docs.c $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -fno-lto $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/completions/hark: $(BUILD)/gen/option_docs
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$< bash > $@

$(BUILD)/completions/_hark: $(BUILD)/gen/option_docs
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$< zsh > $@

.PHONY: docs
docs: $(BUILD)/gen/option_docs ## write the option table into docs/hark.1, that of TLS libraries into README.md
	$(Q)$< man docs/hark.1 > $(BUILD)/hark.1 && cp $(BUILD)/hark.1 docs/hark.1
	$(Q)$< md README.md > $(BUILD)/README.md && cp $(BUILD)/README.md README.md

# --- installing and giving away -------------------------------------------------
INSTALLED := bin/hark share/man/man1/hark.1 share/bash-completion/completions/hark share/zsh/site-functions/_hark \
	lib/systemd/system/hark.service share/hark/grafana.json share/hark/kubernetes.yaml

.PHONY: install
install: all ## install hark, its man page and completions under PREFIX (/usr/local; DESTDIR before it)
	install -D -m 755 $(BUILD)/hark $(DESTDIR)$(PREFIX)/bin/hark
	install -D -m 644 docs/hark.1 $(DESTDIR)$(PREFIX)/share/man/man1/hark.1
	install -D -m 644 $(BUILD)/completions/hark $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hark
	install -D -m 644 $(BUILD)/completions/_hark $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_hark
	install -D -m 644 share/hark.service $(DESTDIR)$(PREFIX)/lib/systemd/system/hark.service
	sed -i 's|/usr/local|$(PREFIX)|' $(DESTDIR)$(PREFIX)/lib/systemd/system/hark.service
	install -D -m 644 share/grafana.json $(DESTDIR)$(PREFIX)/share/hark/grafana.json
	install -D -m 644 share/kubernetes.yaml $(DESTDIR)$(PREFIX)/share/hark/kubernetes.yaml

.PHONY: uninstall
uninstall: ## remove what make install put there
	rm -f $(INSTALLED:%=$(DESTDIR)$(PREFIX)/%)

# For machines without a toolchain: every library but the C library is inside, and libelf where its archive is whole
# (Debian 13's lacks a part of elfutils that is not shipped).
ELF_TRIAL = printf 'void *elf_begin(int, int, void *); int main(void) { return !elf_begin(0, 0, 0); }' | \
	$(CC) -x c - -o /dev/null -Wl,-Bstatic -lelf -lzstd -lz -Wl,-Bdynamic 2>/dev/null
DIST_DYNAMIC = $(if $(shell $(ELF_TRIAL) && echo whole),,-lelf)
$(BUILD)/dist/hark: $(BUILD)/agent/main.o $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -s -o $@ $^ -Wl,-Bstatic \
		$(filter-out $(DIST_DYNAMIC),$(shell $(PKG_CONFIG) --static --libs $(LIBRARIES))) \
		-Wl,-Bdynamic $(DIST_DYNAMIC) -lm -lpthread

.PHONY: dist
dist: all $(BUILD)/dist/hark ## archives in build/dist: the sources, and one binary with its man page
	@scripts/dist $(BUILD) $(VERSION) $(MACHINE)

.PHONY: demo
demo: ## show what curl and nginx say to each other (root; installs what is missing)
	@scripts/deps demo
	@$(MAKE) --no-print-directory all
	@HARK=$(BUILD)/hark scripts/demo

.PHONY: demo-traffic
demo-traffic: ## clients and servers to look at with hark top, until Ctrl-C (installs what is missing)
	@scripts/deps demo
	@scripts/demo-traffic

# --- tests -------------------------------------------------------------------
$(BUILD)/tests/unit/%.o: tests/unit/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -Itests/unit -c $< -o $@

$(UNIT_TESTS): %: %.o $(UNIT_HELPERS) $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -fno-lto $(SAN_FLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)

# Another parser of HTTP/1, to compare with. Debian 12 ships its C sources in node-llhttp, Debian 13 has libllhttp-dev.
LLHTTP_SOURCES := $(if $(wildcard /usr/include/llhttp.h),,$(wildcard /usr/share/llhttp/*.c))
LLHTTP_CFLAGS := $(if $(LLHTTP_SOURCES),-I/usr/share/include/llhttp)
LLHTTP_LIBS := $(if $(LLHTTP_SOURCES),,-lllhttp)

$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g $(SAN_FLAGS) $(LLHTTP_CFLAGS) -c $< -o $@

LLHTTP_TEST := $(BUILD)/tests/unit/protocols/test_http1_llhttp
$(LLHTTP_TEST).o: HARK_CFLAGS += $(LLHTTP_CFLAGS)
$(LLHTTP_TEST): $(LLHTTP_SOURCES:/usr/share/llhttp/%.c=$(BUILD)/llhttp/%.o)
$(LLHTTP_TEST): TEST_LIBS += $(LLHTTP_LIBS)

.PHONY: unit
unit: $(UNIT_TESTS) ## build and run the unit tests (no root)
	$(Q)tests/run unit

# Conversations whose true list of exchanges is known, seen whole, late and with losses.
ORACLE_OBJECTS := $(patsubst tests/oracle/%.c,$(BUILD)/tests/oracle/%.o,$(wildcard tests/oracle/*.c))

$(BUILD)/tests/oracle/%.o: tests/oracle/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -Itests/oracle -c $< -o $@

$(BUILD)/tests/oracle/oracle: $(ORACLE_OBJECTS) $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -fno-lto $(SAN_FLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(LIBS)

.PHONY: oracle
oracle: $(BUILD)/tests/oracle/oracle ## judge what comes out of thousands of known conversations (no root)
	$(Q)$< --table

.PHONY: correctness
correctness: $(BUILD)/tests/oracle/oracle ## write the oracle's figures into docs/correctness.md
	$(Q)scripts/correctness $<

# Programs that talk in ways that no packaged program does; never sanitized, for they are the observed.
PEER_LIBS = -lssl -lcrypto -lpthread
build/peers/gnutls: PEER_LIBS = -lgnutls
build/peers/nss: PEER_LIBS = $(shell $(PKG_CONFIG) --cflags --libs nss)
build/peers/http3: PEER_LIBS = -lnghttp3
build/peers/http3: tests/unit/http3_pair.h
build/peers/%: tests/e2e/peers/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -o $@ $(filter %.c,$^) $(PEER_LIBS)

# The same with OpenSSL inside, and a copy without symbols, of which these tell what stands where.
build/peers/callbacks-inside: tests/e2e/peers/callbacks.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -o $@ $< -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic \
		$(filter-out -lssl -lcrypto,$(shell $(PKG_CONFIG) --static --libs openssl)) -lpthread

# Nor does this one, which keeps the names of OpenSSL's other functions, tell where its ciphertext goes.
build/peers/memory: tests/e2e/peers/memory.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -o $@ $< -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic \
		$(filter-out -lssl -lcrypto,$(shell $(PKG_CONFIG) --static --libs openssl)) -lpthread
	$(Q)objcopy --strip-symbol=BIO_write --strip-symbol=BIO_write_ex $@

build/peers/callbacks-stripped: build/peers/callbacks-inside
	$(call say,STRIP,$@)
	$(Q)strip -o $@ $<

# Released programs that no Debian package has. Without npm or pip or its registry they are not there, and tests say so.
NPM_PEERS := build/peers/bun-1.1.30 build/peers/bun-1.4.5 build/peers/deno-2.9.6 build/peers/ws-8.18.0 \
	build/peers/npm-model-clients
PYPI_PEERS := build/peers/awscrt-0.38.1 build/peers/grpcio-1.80.1 build/peers/grpcio-1.85.3 build/peers/model-clients \
	build/peers/chdb-core-26.9.0 build/peers/otlp-proto build/peers/duckdb-2.0.1

build/peers/bun-%:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_peer @oven/bun-linux-x64@$* bin/bun $@

build/peers/deno-%:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_peer @deno/linux-x64-glibc@$* deno $@

build/peers/ws-%:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_peer ws@$* "" $@

build/peers/awscrt-%:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer awscrt==$* $@

build/peers/grpcio-%:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer grpcio==$* $@

build/peers/model-clients:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer openai==3.57.0 anthropic==2.14.0 mcp==2.3.0 $@

# Receivers of what hark sends: a whole ClickHouse, and what decodes OTLP.
build/peers/duckdb-%:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer duckdb==$* $@

build/peers/chdb-core-%:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer chdb-core==$* $@

build/peers/otlp-proto:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer opentelemetry-proto==1.45.2 protobuf==7.36.2 $@

# Tools that read what hark writes.
build/peers/npm-tools:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_tools $@ curlconverter@4.12.0 har-validator@5.1.5

build/peers/npm-model-clients:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_tools $@ openai@7.59.0 @anthropic-ai/sdk@1.14.0

# A browser is driven by these, and the page that it shows judged.
build/peers/page-tools:
	$(call say,NPM,$@)
	@mkdir -p $(@D)
	@tests/e2e/npm_tools $@ puppeteer-core@25.16.0 axe-core@4.14.1

build/peers/mitmproxy:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_tool mitmproxy==11.0.2 $@

build/peers/prometheus-client-%:
	$(call say,PIP,$@)
	@mkdir -p $(@D)
	@tests/e2e/pypi_peer prometheus-client==$* $@

# Receivers that take minutes to build (two and a half for the Collector on two processors, with nothing fetched yet;
# Jaeger ten times that). make check has a short form of what they are for: the same tests with classes that decode the same.
build/peers/receivers/collector: $(wildcard tests/e2e/peers/collector/*)
	$(call say,GO,$@)
	@mkdir -p $(@D)
	$(Q)cd tests/e2e/peers/collector && go build -o $(CURDIR)/$@ .

build/peers/receivers/jaeger: $(wildcard tests/e2e/peers/jaeger/*)
	$(call say,GO,$@)
	@mkdir -p $(@D)
	$(Q)cd tests/e2e/peers/jaeger && go build -o $(CURDIR)/$@ github.com/jaegertracing/jaeger/cmd/jaeger

.PHONY: receivers
receivers: build/peers/receivers/collector build/peers/receivers/jaeger ## build what takes hark's exports and is long to build, for its tests (Go)

# Java with another TLS than its own.
NETTY := 4.1.118.Final
MAVEN_PEERS := build/peers/conscrypt-2.5.2 build/peers/netty-$(NETTY)

build/peers/conscrypt-%:
	$(call say,MAVEN,$@)
	@mkdir -p $(@D)
	@tests/e2e/maven_peer $@ org.conscrypt:conscrypt-openjdk-uber:$*

build/peers/netty-%: tests/e2e/peers/netty/NettyServe.java
	$(call say,MAVEN,$@)
	@rm -rf $@ && mkdir -p $(@D)
	@tests/e2e/maven_peer $@ io.netty:netty-tcnative-boringssl-static:2.0.74.Final:jar:linux-x86_64 \
		io.netty:netty-tcnative-classes:2.0.74.Final $(foreach part,common buffer transport resolver handler codec codec-http \
		transport-native-unix-common,io.netty:netty-$(part):$*)
	$(Q)if [ -d $@ ]; then javac -cp '$@/*' -d $@ $<; fi

build/peers/%.class: tests/e2e/peers/%.java
	$(call say,JAVAC,$<)
	@mkdir -p $(@D)
	$(Q)javac -d $(@D) $<

# These want crates: where none can be had build/peers/rustls.why says so and their tests skip.
RUST_PEERS := tests/e2e/peers/rustls
CARGO_FLAGS = --quiet --locked --manifest-path $(RUST_PEERS)/Cargo.toml
build/peers/rustls/built: $(wildcard $(RUST_PEERS)/Cargo.* $(RUST_PEERS)/*.rs $(RUST_PEERS)/*/Cargo.toml $(RUST_PEERS)/*/src/*.rs)
	$(call say,CARGO,$(RUST_PEERS))
	@mkdir -p $(@D)
	$(Q)if cargo fetch $(CARGO_FLAGS) >build/peers/rustls.why 2>&1; then \
		cargo build --offline --release $(CARGO_FLAGS) --target-dir build/peers/cargo && \
		cp build/peers/cargo/release/current build/peers/cargo/release/old $(@D) && touch $@; \
	fi

# And this one modules of Go's.
build/peers/grpc-go: $(wildcard tests/e2e/peers/grpc-go/*)
	$(call say,GO,$@)
	@mkdir -p $(@D)
	$(Q)cd tests/e2e/peers/grpc-go && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' go build -o $(CURDIR)/$@ . \
		>$(CURDIR)/$@.why 2>&1 || { echo "$@ is not there: $$(tail -n 1 $(CURDIR)/$@.why)" >&2; }

.PHONY: peers
peers: $(PEERS) build/peers/callbacks-stripped build/peers/Fetch.class build/peers/Serve.class build/peers/rustls/built \
	build/peers/grpc-go build/peers/npm-tools build/peers/page-tools build/peers/mitmproxy build/peers/prometheus-client-0.21.1 $(NPM_PEERS) \
	$(PYPI_PEERS) $(MAVEN_PEERS)

# A TLS library that only tests know, both ends of a conversation over it, and a hark with a row for it and for each
# other thing that takes a row.
build/toy/libtoytls.so: tests/toys/libtoytls.c tests/toys/toytls.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -fPIC -shared -o $@ $<

build/toy/toy_peer: tests/toys/toy_peer.c build/toy/libtoytls.so
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -o $@ $^ -Wl,-rpath,'$$ORIGIN'

$(BUILD)/toy/hark: $(BUILD)/hark $(wildcard tests/toys/*)
	$(call say,TOY,$@)
	$(Q)tests/toys/tree $(BUILD) $(BUILD)/toy/tree
	$(Q)$(MAKE) --no-print-directory -C $(BUILD)/toy/tree BUILD=build SAN='$(SAN)' build/hark
	$(Q)cp $(BUILD)/toy/tree/build/hark $@

.PHONY: toy
toy: build/toy/toy_peer $(BUILD)/toy/hark

# The bare parsers beside hark, never sanitized.
BENCH_LLHTTP := $(LLHTTP_SOURCES:/usr/share/llhttp/%.c=build/bench/llhttp/%.o)
build/bench/llhttp/%.o: /usr/share/llhttp/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g $(LLHTTP_CFLAGS) -c $< -o $@

build/bench/parsers: $(BENCH_LLHTTP)
build/bench/parsers: BENCH_FLAGS = $(LLHTTP_CFLAGS)
build/bench/parsers: BENCH_LIBS = $(if $(BENCH_LLHTTP),,$(LLHTTP_LIBS)) $(shell $(PKG_CONFIG) --libs libnghttp2)
build/bench/%: tests/bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(BENCH_FLAGS) -o $@ $^ $(BENCH_LIBS)

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)

.PHONY: bench
bench: ## every figure of docs/performance.md, or those of BENCH=tls,ready (root, 20 minutes)
	@scripts/deps bench
	@$(MAKE) --no-print-directory all bench-programs
	@HARK=$(BUILD)/hark BENCH='$(BENCH)' $(PYTHON) tests/bench/bench.py

.PHONY: bench-docs
bench-docs: ## write what the last make bench measured into docs/performance.md and docs/growth.svg
	@scripts/performance

.PHONY: soak
soak: ## a million exchanges and 100,000 short TLS connections, each end counted (root, long)
	@scripts/deps check
	@$(MAKE) --no-print-directory all
	@HARK=$(BUILD)/hark $(PYTHON) tests/bench/soak.py

# Each fuzz target is one C file over what it decodes, compiled by clang in a folder of its own.
FUZZ_FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The rooms that a target reaches: half of the sources, and no compiler's time for the others.
FUZZ_ROOMS := $(foreach room,base decode filter library model record routes,agent/$(room)/%) agent/sinks/body% agent/sinks/json%
FUZZ_OBJECTS := $(PROTOCOL_SOURCES:%.c=build/fuzz/%.o) $(patsubst %.c,build/fuzz/%.o,$(filter $(FUZZ_ROOMS),$(AGENT_SOURCES)))
FUZZ_SECONDS ?= 30

$(SKELETON_USERS:%.c=build/fuzz/%.o): $(SKELETON)

build/fuzz/%.o: %.c
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(COMPILE_FLAGS) -MMD -MP -c $< -o $@

build/fuzz/libfuzzed.a: $(FUZZ_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o build/fuzz/libfuzzed.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

.PHONY: fuzzers
fuzzers: $(FUZZERS)

.PHONY: fuzz
fuzz: fuzzers $(BUILD)/tests/oracle/oracle ## fuzz every decoder for FUZZ_SECONDS (30); findings go to testdata/fuzz
	$(Q)tests/run fuzz $(FUZZ_SECONDS)

# How far the analyzer follows one function: its own 225000 takes four times as long (make tidy TIDY_NODES=225000).
TIDY_NODES ?= 50000
TIDY_FLAGS := -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES)
TIDY_SOURCES := $(PROTOCOL_SOURCES) agent/main.c $(AGENT_SOURCES)
.PHONY: tidy
tidy: $(if $(SKELETON_USERS),$(SKELETON)) ## clang-tidy over protocols/ and agent/
	$(Q)printf '%s\n' $(TIDY_SOURCES) | xargs -P $$(nproc) -n 1 sh -c \
		'out=$$(clang-tidy --quiet "$$0" -- $(subst ','\'',$(COMPILE_FLAGS)) $(TIDY_FLAGS) 2>/dev/null) && [ -z "$$out" ] || \
		{ printf "%s\n" "$$out"; exit 1; }'

.PHONY: check
check: ## everything that must hold, on this machine (root; installs what is missing)
	@scripts/deps check
	@$(MAKE) --no-print-directory check-here

.PHONY: check-here
check-here:
	$(Q)BUILD=$(BUILD) SAN='$(SAN)' MAKE='$(MAKE)' tests/run all

.PHONY: fresh
fresh: ## make demo and make check in fresh Debian 12 and 13 roots (root, long)
	@scripts/fresh

.PHONY: kernels
kernels: ## the same program on unmodified kernels from 5.10 to the newest, emulated (long)
	@scripts/deps kernels
	@$(MAKE) --no-print-directory all
	@HARK=$(BUILD)/hark tests/kernels/run

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(firstword $(MAKEFILE_LIST)) | while IFS='	' read -r target text; do \
		printf '  make %-9s %s\n' "$$target" "$$text"; done

.PHONY: clean
clean: ## remove what was built
	rm -rf build build-san

-include $(shell find $(addprefix $(BUILD)/,agent protocols bpf tests) build/fuzz -type f -name '*.d' 2>/dev/null)
