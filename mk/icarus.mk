# mk/icarus.mk - the second simulator: what writes the vectors of tests/icarus/bench.v.
$(B)/icarus_record: $(call obj,tests/icarus/record.c tools/qmac/program_text.c $(wildcard tools/qmac/random_*.c),obj) $(B)/libqmac.a
	$(call say,LD,$@)
	$(Q)$(CC) -rdynamic -o $@ $(filter %.o,$^) -Wl,--whole-archive $(B)/libqmac.a -Wl,--no-whole-archive $(LDLIBS)
