# qmac. `make help` lists the targets; `make V=1` shows commands. Everything built goes to build/.
# A room is a folder: every .c in it is compiled into build/libqmac.a, and nothing has to be listed here.

B := build
CC := gcc
CXX := g++
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '%-5s %s\n' '$(1)' '$(2)')

CPPFLAGS := -I. -I$(B)/gen -D_GNU_SOURCE
WARN := -Wall -Wextra -Wconversion -Wshadow -Werror
# Products and sums of floats are rounded one by one, also where the processor has both in one instruction.
CFLAGS := -std=gnu11 -O2 -g -ffp-contract=off $(WARN) -fPIC -fno-semantic-interposition
LDLIBS := -lprotobuf-c -lcjson -lyaml -lnettle -ldl -lm

ROOMS := common evaluate infer quantize compiler driver sim report explore explain verify
LIB_SRC := $(sort $(shell find $(ROOMS) -name '*.c'))
TOOL_SRC := $(sort $(wildcard tools/qmac/*.c))
UNIT_SRC := $(sort $(shell find tests/unit tests/support -name '*.c'))
obj = $(patsubst %.c,$(B)/$(2)/%.o,$(1))

# Everything that building, testing and linting need, in Debian's names. The one list; `make deps` installs what is missing.
DEPS := gcc g++ make git verilator iverilog yosys z3 clang clang-format libclang-rt-14-dev \
        libsystemc-dev libcriterion-dev libcjson-dev libyaml-dev nettle-dev zlib1g-dev \
        libonnx-dev protobuf-c-compiler libprotobuf-c-dev xz-utils libgemmlowp-dev libopenblas-dev \
        libjs-d3 chromium poppler-utils

.DEFAULT_GOAL := all
.PHONY: all deps demo validate test test-long lint format bench docs help clean models
.DELETE_ON_ERROR:

all: $(B)/qmac $(B)/gen/qmac_defs.vh ## build the command line

validate: $(B)/qmac ## published machines beside what qmac says of the like
	$(Q)tools/validate.sh

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

# A program is its own objects and the whole library: parts that are loaded (SystemC) call functions that the program itself does not.
define link
$(call say,LD,$@)
$(Q)$(CC) -rdynamic $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive $(LDLIBS)
endef

# Programs in C, by their sources; mk/*.mk adds to both lists. The second: those that make test has no use for.
PROGRAMS := $(addprefix $(B)/,qmac specgen bench unit networks matmul_sweep token_order skip_equals_step \
    timing_equals_cycle memory_sizes move_costs systemc_equals_cycle parameters run_programs compare_npy product \
    float_networks quantize_networks page_figures trace_check)
NOT_FOR_TEST :=

$(B)/qmac: $(call obj,$(TOOL_SRC),obj)
$(B)/specgen: $(call obj,$(sort $(wildcard tools/specgen/*.c)),obj)
$(B)/bench: $(call obj,$(sort $(wildcard tools/bench/*.c)),obj)
$(B)/product: $(call obj,tools/product/product.c tests/support/tflite_build.c tests/support/flatbuffer_build.c,obj)
$(B)/unit: $(call obj,$(UNIT_SRC),obj)
$(B)/networks: $(call obj,tests/networks/golden.c $(shell find tests/support -name '*.c'),obj)
$(B)/matmul_sweep $(B)/token_order $(B)/skip_equals_step $(B)/timing_equals_cycle $(B)/run_programs: $(B)/%: $(B)/obj/tests/programs/%.o
$(B)/memory_sizes: $(call obj,tests/programs/memory_sizes.c tests/support/plan_cycles.c,obj)
$(B)/move_costs: $(call obj,tests/programs/move_costs.c tests/support/plan_cycles.c tests/support/move_draw.c \
    $(wildcard tests/support/reference*.c),obj)
$(B)/systemc_equals_cycle: $(call obj,tests/systemc/systemc_equals_cycle.c,obj)
$(B)/parameters: $(call obj,tests/rtl/parameters.c,obj)
$(B)/compare_npy: $(call obj,tests/networks/compare_npy.c,obj)
$(B)/page_figures: $(call obj,tests/cli/page_figures.c,obj)
$(B)/trace_check: $(call obj,tests/cli/trace_check.c,obj)
$(B)/float_networks: $(call obj,tests/networks/float.c,obj)
$(B)/quantize_networks: $(call obj,tests/networks/quantize.c,obj)
$(B)/float_networks $(B)/quantize_networks: $(call obj,tests/support/float_network.c tests/support/data.c,obj)

# Unit tests: one Criterion binary, plain and under sanitizers.
$(B)/unit-asan: $(call obj,$(UNIT_SRC),asan) $(B)/libqmac-asan.a
	$(link)

$(B)/unit $(B)/unit-asan $(B)/networks $(B)/float_networks $(B)/quantize_networks: LDLIBS += -lcriterion -lz
$(B)/unit-asan: LDFLAGS += -fsanitize=address,undefined
# The assertions of Criterion store an int in a bit-field.
$(B)/obj/tests/%.o $(B)/asan/tests/%.o: CFLAGS += -Wno-conversion

$(B)/gen/qmac_defs.vh: $(B)/specgen
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(B)/specgen verilog > $@

# As many jobs as processors, unless it was said how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

deps: ## install the Debian packages that are missing
	@missing=$$(for p in $(DEPS); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	    sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	    $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; \
	fi

# After deps, a second make: the first has read its file lists before the tools were there.
demo: deps ## run the shipped network on all its pictures: accuracy, latency, energy
	+@$(MAKE) --no-print-directory $(PARALLEL) all
	$(B)/qmac run workloads/digits/digits_int8.tflite --machine edge --input workloads/digits/pictures.npy --labels workloads/digits/labels.npy

test: deps ## build and run all tests that fit in 15 minutes
	+@$(MAKE) --no-print-directory $(PARALLEL) all $(B)/unit-asan $(filter-out $(NOT_FOR_TEST),$(PROGRAMS)) $(B)/scale_oracle \
	    $(B)/somebodys_system
	tests/run.sh unit rtl proofs oracle networks cli programs icarus lockstep systemc

test-long: deps ## the longer tests: fuzzing, planted faults, long proofs, coverage
	+@$(MAKE) --no-print-directory $(PARALLEL) all $(PROGRAMS) $(FUZZ_TARGETS:%=$(B)/fuzz/%)
	tests/run.sh long

lint: deps ## style, room walls, Verilog lint, generated tables
	+@$(MAKE) --no-print-directory $(PARALLEL) all $(B)/specgen lint-rtl lint-format
	tests/lint/rooms.sh
	tests/lint/columns.sh
	tests/lint/functions.sh
	tests/lint/verilog.sh
	tests/lint/links.sh
	tools/update-docs.sh --check

SOURCES = $(shell git ls-files '*.c' '*.h' '*.cpp')
.PHONY: lint-format
lint-format:
	$(Q)clang-format --dry-run -Werror $(SOURCES)

format: ## reformat all C
	clang-format -i $(SOURCES)

docs: $(B)/specgen ## rewrite the generated tables in docs/
	tools/update-docs.sh

bench: $(B)/bench ## print speeds and where the time goes
	$(B)/bench

models: ## download the public models that workloads/ names
	workloads/mlperf-tiny/fetch.sh

clean: ## remove build/
	rm -rf $(B)

include $(wildcard mk/*.mk)

$(PROGRAMS): $(B)/libqmac.a
	@mkdir -p $(@D)
	$(link)
-include $(shell test -d $(B) && find $(B) -name '*.d')
