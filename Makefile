# qmac. `make help` lists the targets; `make V=1` shows commands. Everything built goes to build/.
# A room is a folder: every .c in it is compiled into build/libqmac.a, and nothing has to be listed here.

B := build
CC := gcc
CXX := g++
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '%-5s %s\n' '$(1)' '$(2)')

CPPFLAGS := -I. -I$(B)/gen -DQM_SOURCE_DIR='"$(CURDIR)"' -D_GNU_SOURCE
WARN := -Wall -Wextra -Wconversion -Wshadow -Werror
CFLAGS := -std=gnu11 -O2 -g $(WARN) -fPIC
LDLIBS := -lcjson -lyaml -lnettle -ldl -lm

ROOMS := common compiler driver sim
LIB_SRC := $(sort $(shell find $(ROOMS) -name '*.c'))
TOOL_SRC := $(sort $(wildcard tools/qmac/*.c))
UNIT_SRC := $(sort $(shell find tests/unit tests/support -name '*.c'))
obj = $(patsubst %.c,$(B)/$(2)/%.o,$(1))

.DEFAULT_GOAL := all
.PHONY: all deps demo test test-long lint format bench docs help clean synth models
.DELETE_ON_ERROR:

all: $(B)/qmac $(B)/gen/qmac_defs.vh ## build the command line

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

$(B)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/asan/%.o: %.c
	$(call say,ASAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP -c $< -o $@

$(B)/libqmac.a: $(call obj,$(LIB_SRC),obj)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libqmac-asan.a: $(call obj,$(LIB_SRC),asan)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/qmac: $(call obj,$(TOOL_SRC),obj) $(B)/libqmac.a
	$(call say,LD,$@)
	$(Q)$(CC) -rdynamic -o $@ $(call obj,$(TOOL_SRC),obj) -Wl,--whole-archive $(B)/libqmac.a -Wl,--no-whole-archive $(LDLIBS)

$(B)/specgen: tools/specgen.c $(B)/libqmac.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< $(B)/libqmac.a $(LDLIBS)

$(B)/gen/qmac_defs.vh: $(B)/specgen
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(B)/specgen verilog > $@

# Unit tests: one Criterion binary, plain and under sanitizers.
$(B)/unit: $(call obj,$(UNIT_SRC),obj) $(B)/libqmac.a
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(call obj,$(UNIT_SRC),obj) $(B)/libqmac.a -lcriterion $(LDLIBS)

$(B)/unit-asan: $(call obj,$(UNIT_SRC),asan) $(B)/libqmac-asan.a
	$(call say,LD,$@)
	$(Q)$(CC) -fsanitize=address,undefined -o $@ $(call obj,$(UNIT_SRC),asan) $(B)/libqmac-asan.a -lcriterion $(LDLIBS)

clean: ## remove build/
	rm -rf $(B)

-include $(shell test -d $(B) && find $(B) -name '*.d')
