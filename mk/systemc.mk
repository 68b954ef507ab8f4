# mk/systemc.mk - the SystemC platform: a library that the systemc engine loads.
SYSTEMC_CXXFLAGS := -std=c++17 -O2 -g -Wall -Wextra -Wshadow -Werror -fPIC
SYSTEMC_OBJ := $(patsubst %.cpp,$(B)/obj/%.o,$(sort $(wildcard sim/systemc/*.cpp)))

all: $(B)/libqmac-systemc.so

$(B)/obj/sim/systemc/%.o: sim/systemc/%.cpp
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(SYSTEMC_CXXFLAGS) -MMD -MP -c $< -o $@

# A library in use is replaced, not overwritten.
$(B)/libqmac-systemc.so: $(SYSTEMC_OBJ)
	$(call say,LD,$@)
	$(Q)$(CXX) -shared -Wl,-Bsymbolic -o $@.part $^ -lsystemc && mv $@.part $@

# The example of docs/how-to/put-it-on-a-bus.md: what another system needs is the two modules and build/libqmac.a.
$(B)/somebodys_system: tests/systemc/somebodys_system.cpp $(B)/obj/sim/systemc/accelerator.o $(B)/obj/sim/systemc/host.o $(B)/libqmac.a
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CPPFLAGS) $(SYSTEMC_CXXFLAGS) -o $@ $^ -lsystemc $(LDLIBS)
