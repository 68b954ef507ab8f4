# mk/rtl.mk - the RTL: Verilated machines, lint, synthesis.
#
# The Makefile includes this file, and the RTL device (sim/verilated/rtl_device.c) runs it by itself to build the machine that it needs:
#   make -f mk/rtl.mk B=build RTL_DIR=build/rtl/FINGERPRINT RTL_FINGERPRINT=... RTL_PARAMS='-GRows=16 ...' rtl-machine
# Everything of a machine is in RTL_DIR, so that machines can be built at the same time.

B ?= build
Q ?= @
CC ?= gcc
CXX ?= g++

RTL_SOURCE ?= rtl
RTL_FAST_ARRAY ?= 1
RTL_PROBES ?= # -DQM_PROBED: with the registers of spec/probes.def
RTL_SRC := $(sort $(wildcard $(RTL_SOURCE)/*.v $(RTL_SOURCE)/lib/*.v $(RTL_SOURCE)/probe/*.v))
RTL_FIND := -I$(RTL_SOURCE) -I$(RTL_SOURCE)/lib -I$(RTL_SOURCE)/probe
RTL_SPECGEN_SRC := tools/specgen.c common/isa.c common/csr.c common/counters.c common/status.c common/text.c common/memory.c
RTL_SPEC := $(wildcard spec/*.def) $(wildcard common/*.h)

VERILATOR := verilator
VERILATOR_ROOT = $(shell $(VERILATOR) --getenv VERILATOR_ROOT)
RTL_CXXFLAGS = -std=gnu++17 -O3 -march=native -fPIC -fvisibility=hidden -fno-gnu-unique -fno-exceptions \
    -I. -I$(VERILATOR_ROOT)/include -I$(VERILATOR_ROOT)/include/vltstd
RTL_VERILATE := --cc --prefix Vqmac --top-module qmac -O3 --x-assign fast --x-initial fast --noassert -Wno-lint -Wno-style -GFastArray=$(RTL_FAST_ARRAY)

.PHONY: rtl-machine lint-rtl synth
.DELETE_ON_ERROR:

# One machine: the generated header, the C++ that Verilator makes, the library that the device loads.
RTL_DIR ?= $(B)/rtl/default
RTL_FINGERPRINT ?= 0

rtl-machine: $(RTL_DIR)/librtl.so

$(B)/rtl/%/qmac_defs.vh: $(RTL_SPECGEN_SRC) $(RTL_SPEC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -I. -o $(@D)/specgen $(RTL_SPECGEN_SRC)
	$(Q)$(@D)/specgen verilog > $@

$(RTL_DIR)/obj/Vqmac.h: $(RTL_SRC) rtl/probe/probes.vlt $(RTL_DIR)/qmac_defs.vh mk/rtl.mk
	$(Q)rm -rf $(@D)
	$(Q)$(VERILATOR) $(RTL_VERILATE) $(RTL_PROBES) $(RTL_PARAMS) "-GFingerprint=32'h$(RTL_FINGERPRINT)" --Mdir $(@D) -I$(RTL_DIR) $(RTL_FIND) \
	    rtl/probe/probes.vlt $(RTL_SOURCE)/qmac.v

# One translation unit compiles fastest. Verilator's own part is the same for all machines. A library in use is replaced, not overwritten.
$(RTL_DIR)/librtl.so: $(RTL_DIR)/obj/Vqmac.h sim/verilated/rtl_glue.cpp sim/verilated/rtl_glue.h spec/probes.def $(B)/rtl/verilated.o
	$(Q)printf '#include "%s"\n' $$(cd $(RTL_DIR)/obj && ls *.cpp) "$(CURDIR)/sim/verilated/rtl_glue.cpp" > $(RTL_DIR)/machine.cc
	$(Q)$(CXX) $(RTL_CXXFLAGS) $(RTL_PROBES) -I$(RTL_DIR)/obj -shared -Wl,-Bsymbolic -o $@.part $(RTL_DIR)/machine.cc $(B)/rtl/verilated.o
	$(Q)mv $@.part $@

$(B)/rtl/verilated.o:
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' verilated.cpp verilated_threads.cpp | $(CXX) $(RTL_CXXFLAGS) -O2 -c -x c++ -o $@.$$$$ - && mv $@.$$$$ $@

# The device must know where its build is.
$(B)/obj/sim/verilated/%.o $(B)/asan/sim/verilated/%.o: CPPFLAGS += -DQM_BUILD_DIR='"$(abspath $(B))"'

# Small, odd and large machines bring out other widths than the default one; a large array of cells takes Verilator minutes.
RTL_LINT_MACHINES := "" "-GRows=1 -GCols=1 -GAxiBytes=4 -GSpadBytes=1024 -GAccRows=2 -GQueueDepth=2" \
    "-GRows=5 -GCols=3 -GAxiBytes=8 -GAccBits=20 -GAccSaturate=1" "-GFastArray=1 -GRows=64 -GCols=128 -GSpadBytes=16777216 -GAccRows=65536 -GAxiBytes=64 -GQueueDepth=64"

lint-rtl: $(B)/rtl/lint/qmac_defs.vh ## check the Verilog with Verilator and Icarus
	$(Q)for p in $(RTL_LINT_MACHINES); do \
	    $(VERILATOR) --lint-only -Wall -DQM_PROBED --top-module qmac $$p -I$(<D) $(RTL_FIND) rtl/qmac.v || exit 1; done
	$(Q)iverilog -g2005 -Wall -DQM_PROBED -I$(<D) -s qmac -o /dev/null $(RTL_SRC) > $(<D)/iverilog.log 2>&1; \
	    status=$$?; cat $(<D)/iverilog.log; test $$status = 0 && test ! -s $(<D)/iverilog.log

# Gates of each module of a small machine; memories stay memories.
RTL_SYNTH_SET := -set Rows 4 -set Cols 4 -set SpadBytes 1024 -set AccRows 16 -set AxiBytes 8 -set QueueDepth 2
RTL_SYNTH = read_verilog -I$(B)/rtl/lint $(RTL_SRC); chparam $(RTL_SYNTH_SET) qmac; synth -top qmac -run begin:fine; check -assert; \
    opt -fast -full; techmap; opt -fast; abc -fast; opt_clean; tee -o $(B)/rtl/lint/synth.txt stat

synth: $(B)/rtl/lint/qmac_defs.vh ## synthesize a 4x4 machine with Yosys and print the cells of its modules
	$(Q)yosys -q -l $(B)/rtl/lint/synth.log -p "$(RTL_SYNTH)" > $(B)/rtl/lint/synth.out 2>&1 || { tail $(B)/rtl/lint/synth.out; false; }
	$(Q)awk '/^=== /{sub(/^\$$paramod(\$$[0-9a-f]+)?\\/, "", $$2); sub(/\\.*/, "", $$2); name = $$2} \
	    /Number of cells:/{printf "%-20s %8d cells\n", name, $$4}' $(B)/rtl/lint/synth.txt
