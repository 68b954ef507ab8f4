# mk/onnx.mk - the reader of ONNX files: C that protobuf-c makes at build time from the schema of Debian's libonnx-dev. It is built without
# our warnings, for it is not ours.

ONNX_SCHEMA := /usr/include/onnx/onnx.proto
ONNX_FLAGS := -std=gnu11 -O2 -g -fPIC
ONNX_USERS := $(filter compiler/frontend/onnx/% quantize/onnx/%,$(LIB_SRC)) $(shell find tests -path "*onnx*.c") \
    tests/support/numbers.c tests/support/machine_run.c tests/lockstep/attention.c tests/cli/float_models.c

$(B)/gen/onnx.pb-c.h: $(ONNX_SCHEMA)
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(@D) -I$(<D) $<

$(B)/gen/onnx.pb-c.c: $(B)/gen/onnx.pb-c.h
	@touch $@

$(B)/obj/gen/onnx.pb-c.o: $(B)/gen/onnx.pb-c.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ONNX_FLAGS) -I$(B)/gen -c $< -o $@

$(B)/asan/gen/onnx.pb-c.o: $(B)/gen/onnx.pb-c.c
	$(call say,ASAN,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ONNX_FLAGS) -fsanitize=address -I$(B)/gen -c $< -o $@

$(B)/libqmac.a: $(B)/obj/gen/onnx.pb-c.o
$(B)/libqmac-asan.a: $(B)/asan/gen/onnx.pb-c.o
$(call obj,$(ONNX_USERS),obj) $(call obj,$(ONNX_USERS),asan) $(call obj,$(ONNX_USERS),fuzz/obj): | $(B)/gen/onnx.pb-c.h

# Tests on ONNX networks: each a program of its own, which prints a table.
ONNX_TEST_SUPPORT := tests/support/numbers.c tests/support/machine_run.c tests/support/record.c \
    tests/support/onnx_naive.c
ONNX_TESTS := $(B)/onnx_nodes $(B)/onnx_integer $(B)/onnx_qonnx

PROGRAMS += $(ONNX_TESTS)
$(ONNX_TESTS): $(B)/%: $(call obj,$(ONNX_TEST_SUPPORT),obj) $(B)/obj/tests/networks/%.o
$(ONNX_TESTS): LDLIBS += -lz

# Writes two networks with attention, for the lockstep tests.
PROGRAMS += $(B)/attention
$(B)/attention: $(call obj,tests/support/onnx_build.c tests/support/tflite_build.c tests/support/flatbuffer_build.c \
    tests/support/numbers.c,obj) $(B)/obj/tests/lockstep/attention.o
$(B)/attention: LDLIBS += -lz

# Random networks against an evaluation in real numbers: make onnx-graphs ONNX_GRAPH_COUNT=10000 ONNX_GRAPH_SEED=7
ONNX_GRAPH_COUNT := 300
ONNX_GRAPH_SEED := 1
PROGRAMS += $(B)/onnx_graphs
$(B)/onnx_graphs: $(call obj,$(wildcard tests/support/onnx_exact*.c tests/support/onnx_draw*.c) tests/support/onnx_build.c \
    tests/support/numbers.c tests/support/tally.c,obj) $(B)/obj/tests/programs/onnx_graphs.o
$(B)/onnx_graphs: LDLIBS += -lz

.PHONY: onnx-graphs
onnx-graphs: $(B)/onnx_graphs ## compare random ONNX networks with an evaluation in real numbers
	$(Q)mkdir -p $(B)/onnx-graphs
	$(Q)$(B)/onnx_graphs $(ONNX_GRAPH_COUNT) $(ONNX_GRAPH_SEED) --save $(B)/onnx-graphs --kinds

# Writes float networks and examples, for the tests of the command line.
PROGRAMS += $(B)/float_models
$(B)/float_models: $(call obj,tests/support/onnx_build.c tests/support/tflite_build.c tests/support/flatbuffer_build.c \
    tests/support/numbers.c,obj) $(B)/obj/tests/cli/float_models.o
$(B)/float_models: LDLIBS += -lz
