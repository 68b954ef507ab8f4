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
    "-GRows=5 -GCols=3 -GAxiBytes=8 -GAccBits=20 -GAccSaturate=1" \
    "-GFastArray=1 -GRows=64 -GCols=128 -GSpadBytes=16777216 -GAccRows=65536 -GAxiBytes=64 -GQueueDepth=64"

lint-rtl: $(B)/gen/qmac_defs.vh ## check the Verilog with Verilator and Icarus
	@mkdir -p $(B)/lint
	$(Q)for p in $(RTL_LINT_MACHINES); do \
	    $(VERILATOR) --lint-only -Wall -DQM_PROBED --top-module qmac $$p -I$(B)/gen $(RTL_FIND) rtl/qmac.v || exit 1; done
	$(Q)iverilog -g2005 -Wall -DQM_PROBED -I$(B)/gen -s qmac -o /dev/null $(RTL_SRC) > $(B)/lint/iverilog.log 2>&1; \
	    status=$$?; cat $(B)/lint/iverilog.log; test $$status = 0 && test ! -s $(B)/lint/iverilog.log

# Gates of each module of a small machine; memories stay memories.
RTL_SYNTH_SET := -set Rows 4 -set Cols 4 -set SpadBytes 1024 -set AccRows 16 -set AxiBytes 8 -set QueueDepth 2
RTL_SYNTH = read_verilog -I$(B)/gen $(RTL_SRC); chparam $(RTL_SYNTH_SET) qmac; synth -top qmac -run begin:fine; check -assert; \
    opt -fast -full; techmap; opt -fast; abc -fast; opt_clean; tee -o $(B)/lint/synth.txt stat

synth: $(B)/gen/qmac_defs.vh ## synthesize a 4x4 machine with Yosys and print the cells of its modules
	@mkdir -p $(B)/lint
	$(Q)yosys -q -l $(B)/lint/synth.log -p "$(RTL_SYNTH)" > $(B)/lint/synth.out 2>&1 || { tail $(B)/lint/synth.out; false; }
	$(Q)awk '/^=== /{sub(/^\$$paramod(\$$[0-9a-f]+)?\\/, "", $$2); sub(/\\.*/, "", $$2); name = $$2} \
	    /Number of cells:/{printf "%-20s %8d cells\n", name, $$4}' $(B)/lint/synth.txt
