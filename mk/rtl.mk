# mk/rtl.mk - the RTL: lint and synthesis, and what tests need to Verilate modules. Machines are built by sim/verilated/rtl_build.c.
RTL_SRC := $(sort $(wildcard rtl/*.v rtl/lib/*.v rtl/probe/*.v))
RTL_FIND := -Irtl -Irtl/lib -Irtl/probe

VERILATOR := verilator
VERILATOR_ROOT = $(shell $(VERILATOR) --getenv VERILATOR_ROOT)
RTL_CXXFLAGS = -std=gnu++17 -O3 -march=native -fPIC -fvisibility=hidden -fno-gnu-unique -fno-exceptions \
    -I. -I$(VERILATOR_ROOT)/include -I$(VERILATOR_ROOT)/include/vltstd

.PHONY: lint-rtl synth

$(B)/verilated.o:
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' verilated.cpp verilated_threads.cpp | $(CXX) $(RTL_CXXFLAGS) -O2 -c -x c++ -o $@ -

# The text of spec/ and of the glue is part of the program: see sim/verilated/rtl_request.c.
$(B)/obj/sim/verilated/rtl_request.o $(B)/asan/sim/verilated/rtl_request.o: $(wildcard spec/*.def) sim/verilated/rtl_glue.h

# Small, odd and large machines bring out other widths than the default one; a large array of cells takes Verilator minutes.
RTL_LINT_MACHINES := "" "-GRows=1 -GCols=1 -GAxiBytes=4 -GSpadBytes=1024 -GAccRows=2 -GQueueDepth=2" \
    "-GRows=5 -GCols=3 -GCellBytes=1 -GAxiBytes=8 -GAccBits=20 -GAccSaturate=1" \
    "-GFastArray=1 -GRows=64 -GCols=128 -GSpadBytes=16777216 -GAccRows=65536 -GAxiBytes=64 -GQueueDepth=64"

lint-rtl: $(B)/gen/qmac_defs.vh ## check the Verilog with Verilator and Icarus
	@mkdir -p $(B)/lint
	$(Q)for p in $(RTL_LINT_MACHINES); do \
	    $(VERILATOR) --lint-only -Wall -DQM_PROBED --top-module qmac $$p -I$(B)/gen $(RTL_FIND) rtl/qmac.v || exit 1; done
	$(Q)iverilog -g2005 -Wall -DQM_PROBED -I$(B)/gen -s qmac -o /dev/null $(RTL_SRC) > $(B)/lint/iverilog.log 2>&1; \
	    status=$$?; cat $(B)/lint/iverilog.log; test $$status = 0 && test ! -s $(B)/lint/iverilog.log

# Any machine: make synth MACHINE=edge SET="rows=8 cols=8".
MACHINE := tiny
SET :=

synth: $(B)/gen/qmac_defs.vh $(B)/specgen ## synthesize a machine with Yosys and print cells and flip-flops of its modules: MACHINE=edge
	$(Q)tools/synth.sh $(MACHINE) $(SET)
