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
BUILD := build$(if $(SAN),-san)
VERSION := 0.1.0

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))

# llhttp: Debian 12 ships its C sources in node-llhttp, Debian 13 has libllhttp-dev.
LLHTTP_SOURCES := $(wildcard /usr/share/llhttp/*.c)
ifeq ($(LLHTTP_SOURCES),)
LLHTTP_LIBS := -lllhttp
else
LLHTTP_CFLAGS := -I/usr/share/include/llhttp
LLHTTP_OBJECTS := $(patsubst /usr/share/llhttp/%.c,$(BUILD)/llhttp/%.o,$(LLHTTP_SOURCES))
endif

LIBRARIES := libbpf libelf libnghttp2 capstone zlib
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Werror
SAN_FLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
CFLAGS ?= -O2 -g
HARK_CFLAGS := -std=gnu11 $(WARNINGS) $(SAN_FLAGS) -MMD -MP -D_GNU_SOURCE -DHARK_VERSION='"$(VERSION)"' \
	-Iinclude -Iprotocols -Iagent -isystem $(BUILD)/bpf $(LLHTTP_CFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES)) $(LLHTTP_LIBS)

# --- sources, in flow order -------------------------------------------------
BPF_SOURCES := $(wildcard bpf/*.bpf.c)
PROTOCOL_SOURCES := $(wildcard protocols/*.c)
AGENT_SOURCES := $(filter-out agent/main.c,$(wildcard agent/*.c agent/sinks/*.c))

PROTOCOL_OBJECTS := $(PROTOCOL_SOURCES:%.c=$(BUILD)/%.o) $(LLHTTP_OBJECTS)
AGENT_OBJECTS := $(AGENT_SOURCES:%.c=$(BUILD)/%.o)
SKELETON := $(BUILD)/bpf/hark.skel.h

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(BUILD)/hark

# --- kernel side -------------------------------------------------------------
$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -D__bpf__ -D__TARGET_ARCH_x86 -O2 -g -mcpu=v3 -Wall -Wextra -Werror \
		-MMD -MP -Iinclude -Ibpf -I/usr/include/x86_64-linux-gnu -c $< -o $@

$(BUILD)/bpf/hark.bpf.o: $(BPF_SOURCES:bpf/%.bpf.c=$(BUILD)/bpf/%.bpf.o)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/hark.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name hark_bpf > $@.tmp && mv $@.tmp $@

# --- user side ---------------------------------------------------------------
$(BUILD)/llhttp/%.o: /usr/share/llhttp/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -g $(SAN_FLAGS) $(LLHTTP_CFLAGS) -c $< -o $@

$(BUILD)/protocols/%.o: protocols/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -c $< -o $@

$(BUILD)/agent/%.o: agent/%.c $(SKELETON)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -c $< -o $@

$(BUILD)/libprotocols.a: $(PROTOCOL_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libagent.a: $(AGENT_OBJECTS)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/hark: $(BUILD)/agent/main.o $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# --- tests -------------------------------------------------------------------
# A test of protocols/ links libprotocols.a alone (it must stay pure); others link both.
$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libagent.a $(BUILD)/libprotocols.a
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(HARK_CFLAGS) -Itests/unit -o $@ $< $(BUILD)/libagent.a $(BUILD)/libprotocols.a -lcmocka $(LIBS)

.PHONY: unit
unit: $(UNIT_TESTS)
	$(Q)for t in $^; do $$t || exit 1; done

.PHONY: clean
clean:
	rm -rf build build-san

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
