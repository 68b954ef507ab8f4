# mk/coverage.mk - what the tests reach: lines and toggles of the RTL (Verilator), lines of the C rooms (gcov), instruction fields in states
# of the machine. Everything is in build/coverage; tests/coverage/report.sh puts it together and judges. docs/how-to/measure-coverage.md.
COV := $(B)/coverage
# Compiles what Verilator writes in half the time of g++.
COV_CXX := clang++
COV_CXXFLAGS = -std=gnu++17 -w -DVM_COVERAGE=1 -DVM_SC=0 -DVM_TRACE=0 -I$(VERILATOR_ROOT)/include -I$(VERILATOR_ROOT)/include/vltstd

# A machine: the form of its array, what is counted, its name and knobs; then the random programs in a recording, enough that each refusal
# of decode is among them, and the stalls of each recording. Line coverage alone builds fast: acc20 is there for the sums that saturate,
# wrap20 for those that wrap.
COV_ARRAY_tiny := 0
COV_ARRAY_edge := 1
COV_ARRAY_acc20 := 1
COV_ARRAY_wrap20 := 1
COV_KINDS_tiny := --coverage-line --coverage-toggle
COV_KINDS_edge := --coverage-line --coverage-toggle
COV_KINDS_acc20 := --coverage-line
COV_KINDS_wrap20 := --coverage-line
COV_NAME_wrap20 := acc20 accumulator_saturate=0
COV_PROGRAMS := 70
COV_STALLS := 0 0.3
COV_MACHINES := tiny edge acc20 wrap20
COV_DATA := $(COV_MACHINES:%=$(COV)/%.dat)

.PHONY: coverage
.PRECIOUS: $(COV)/%/Vqmac.h $(COV)/%/recordings $(COV)/%/player

coverage: $(COV_DATA) $(B)/functional_coverage coverage-c ## measure what the tests reach, and fail below the goals
	tests/coverage/report.sh $(COV) $(B) $(COV_DATA)

$(COV)/%/recordings: $(B)/icarus_record mk/coverage.mk
	$(call say,REC,$*)
	$(Q)for stalls in $(COV_STALLS); do \
	    mkdir -p $(@D)/$$stalls && \
	    $(B)/icarus_record $(@D)/$$stalls random 1$$(echo $$stalls | tr -d .) $(COV_PROGRAMS) $$stalls $(or $(COV_NAME_$*),$*) || exit 1; \
	done
	$(Q)touch $@

$(COV)/%/Vqmac.h: $(RTL_SRC) $(B)/gen/qmac_defs.vh tests/coverage/config.vlt | $(COV)/%/recordings
	$(call say,VERIL,$*)
	$(Q)rm -f $(@D)/V* $(@D)/*.o
	$(Q)$(VERILATOR) --cc --prefix Vqmac --top-module qmac -O3 --x-assign fast --x-initial fast -Wno-lint -Wno-style --Mdir $(@D) \
	    $(COV_KINDS_$*) $$(sed 's/-P bench\./-G/g' $(@D)/0/parameters) -GFastArray=$(COV_ARRAY_$*) \
	    -I$(B)/gen $(RTL_FIND) tests/coverage/config.vlt rtl/qmac.v

# Verilator puts what runs once into files of their own, which need not be fast.
$(COV)/%/player: $(COV)/%/Vqmac.h tests/coverage/player.cpp $(COV)/verilated.o
	$(call say,CXX,$*)
	$(Q)cd $(@D) && ls V*.cpp | grep -v Slow | sed 's/.*/#include "&"/' > run.cc && ls V*.cpp | grep Slow | sed 's/.*/#include "&"/' > once.cc
	$(Q)$(COV_CXX) $(COV_CXXFLAGS) -O1 -c -o $(@D)/run.o $(@D)/run.cc
	$(Q)$(COV_CXX) $(COV_CXXFLAGS) -O0 -c -o $(@D)/once.o $(@D)/once.cc
	$(Q)$(COV_CXX) $(COV_CXXFLAGS) -O1 -I$(@D) -o $@ $(@D)/run.o $(@D)/once.o tests/coverage/player.cpp $(COV)/verilated.o -pthread

$(COV)/verilated.o:
	@mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' verilated.cpp verilated_cov.cpp verilated_threads.cpp | $(CXX) $(COV_CXXFLAGS) -O1 -c -x c++ -o $@ -

$(COV)/%.dat: $(COV)/%/player $(COV)/%/recordings
	$(call say,PLAY,$*)
	$(Q)$(COV)/$*/player $@ $(COV_STALLS:%=$(COV)/$*/%/vectors)

# The C rooms once more, for gcov; their warnings were looked at before, and the machines of the RTL are those of the other build.
.PHONY: coverage-c
coverage-c:
	@mkdir -p $(COV)/c
	+$(Q)$(MAKE) --no-print-directory B=$(COV)/c CC='gcc --coverage' WARN=-O0 $(COV)/c/unit \
	    $(COV)/c/skip_equals_step $(COV)/c/onnx_nodes $(COV)/c/qmac $(COV)/c/libqmac-systemc.so

PROGRAMS += $(B)/functional_coverage
NOT_FOR_TEST += $(B)/functional_coverage
$(B)/functional_coverage: $(call obj,tests/coverage/functional.c,obj)
