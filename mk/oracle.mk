# mk/oracle.mk - the scaling unit's oracle: C model, gemmlowp, a definition in 128 bits and the Verilated unit in one program.
ORACLE_SRC := $(sort $(wildcard tests/oracle/*.c))
ORACLE_CXXFLAGS := -std=c++17 -O2 -g -Wall -Wextra -Wshadow -Werror

# As sim/functional, where the loops over scale() are.
$(B)/obj/tests/oracle/%.o: CFLAGS += -O3

$(B)/obj/tests/oracle/gemmlowp.o: tests/oracle/gemmlowp.cpp
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(ORACLE_CXXFLAGS) -MMD -MP -c $< -o $@

$(B)/oracle/Vrequantize.h: rtl/requantize.v $(B)/gen/qmac_defs.vh
	$(Q)$(VERILATOR) --cc --prefix Vrequantize --top-module requantize -O3 --x-assign fast --x-initial fast --noassert \
	    --Mdir $(@D) -I$(B)/gen $<

# One translation unit compiles fastest.
$(B)/obj/tests/oracle/rtl.o: tests/oracle/rtl.cpp tests/oracle/oracle.h $(B)/oracle/Vrequantize.h
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)cd $(B)/oracle && printf '#include "%s"\n' *.cpp "$(CURDIR)/$<" > all.cc
	$(Q)$(CXX) $(RTL_CXXFLAGS) -I$(B)/oracle -c $(B)/oracle/all.cc -o $@

$(B)/scale_oracle: $(call obj,$(ORACLE_SRC),obj) $(B)/obj/tests/oracle/gemmlowp.o \
    $(B)/obj/tests/oracle/rtl.o $(B)/verilated.o $(B)/libqmac.a
	$(call say,LD,$@)
	$(Q)$(CXX) -o $@ $^ $(LDLIBS)
