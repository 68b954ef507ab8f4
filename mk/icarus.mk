# mk/icarus.mk - the second simulator: what writes the vectors of tests/icarus/bench.v.
PROGRAMS += $(B)/icarus_record
$(B)/icarus_record: $(call obj,tests/icarus/record.c,obj)
