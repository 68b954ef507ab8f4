# Random TFLite networks against naive code: make tflite-graphs TFLITE_GRAPH_COUNT=10000 TFLITE_GRAPH_SEED=7
TFLITE_GRAPH_COUNT := 300
TFLITE_GRAPH_SEED := 1
PROGRAMS += $(B)/tflite_graphs
$(B)/tflite_graphs: $(call obj,$(wildcard tests/support/tflite_*.c tests/support/reference*.c) tests/support/flatbuffer_build.c \
    tests/support/tally.c,obj) $(B)/obj/tests/programs/tflite_graphs.o

.PHONY: tflite-graphs
tflite-graphs: $(B)/tflite_graphs ## compare random TFLite networks with naive code
	$(Q)$(B)/tflite_graphs $(TFLITE_GRAPH_COUNT) $(TFLITE_GRAPH_SEED)
