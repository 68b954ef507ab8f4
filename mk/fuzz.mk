# mk/fuzz.mk - libFuzzer on everything that reads a file: models (front end to plan) and programs, with what the host computes of them.
#
#   make fuzz FUZZ_SECONDS=600 FUZZ_SEED=2    all targets, so long each; findings are left as build/fuzz/TARGET-crash-*
# What was learnt stays in build/fuzz/corpus, so that a second run goes on from there.
# A fresh clone draws the same inputs for the same seed.

FUZZ_SECONDS := 60
FUZZ_SEED := 1
FUZZ_CC := $(firstword $(shell which clang clang-14 2>/dev/null) clang)
FUZZ_FLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_TARGETS := model onnx program
FUZZ_LIB_SRC := $(filter common/% evaluate/% compiler/% sim/control/% sim/timing/% driver/host_graph.c, \
    $(filter-out %/device.c,$(LIB_SRC))) tests/fuzz/fuzz.c
FUZZ_MODELS := workloads/digits/digits_int8.tflite $(sort $(wildcard tests/fuzz/seeds/model/*.tflite))
ONNX_BUILD := tests/support/onnx_build.c
FUZZ_COMPILED := $(filter %digits_int8.tflite %/conv.tflite %/add.tflite %/softmax.tflite,$(FUZZ_MODELS))
FUZZ_ON_HOST := $(foreach seed,1 2 3 4,$(B)/fuzz/seeds/onnx/host_$(seed).onnx)
FUZZ_RUN = -seed=$(FUZZ_SEED) -max_total_time=$(FUZZ_SECONDS) -timeout=60 -rss_limit_mb=2048 -max_len=32768 \
    -print_final_stats=1 -verbosity=1

.PHONY: fuzz
.SECONDARY: $(patsubst %.c,$(B)/fuzz/obj/%.o,$(FUZZ_LIB_SRC) tests/fuzz/model.c tests/fuzz/program.c)

fuzz: $(FUZZ_TARGETS:%=$(B)/fuzz/%.ok) ## fuzz the readers, FUZZ_SECONDS each

$(B)/fuzz/obj/%.o: %.c
	$(call say,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

# Models of both formats have the same target and other seeds.
$(B)/fuzz/model $(B)/fuzz/onnx: $(B)/fuzz/obj/tests/fuzz/model.o
$(B)/fuzz/program: $(B)/fuzz/obj/tests/fuzz/program.o
$(FUZZ_TARGETS:%=$(B)/fuzz/%): $(patsubst %.c,$(B)/fuzz/obj/%.o,$(FUZZ_LIB_SRC)) $(B)/obj/gen/onnx.pb-c.o
	$(call say,LD,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

PROGRAMS += $(B)/fuzz/write-seeds $(B)/fuzz/write-onnx
NOT_FOR_TEST += $(B)/fuzz/write-seeds $(B)/fuzz/write-onnx
$(B)/fuzz/write-seeds: $(call obj,tests/fuzz/seeds.c,obj)
$(B)/fuzz/write-onnx: $(call obj,tests/fuzz/onnx_seeds.c $(ONNX_BUILD),obj)

$(B)/fuzz/seeds/model: $(FUZZ_MODELS)
	$(Q)rm -rf $@ && mkdir -p $@ && cp $^ $@

$(B)/fuzz/seeds/onnx: $(B)/fuzz/write-onnx
	$(Q)rm -rf $@ && mkdir -p $@ && $(B)/fuzz/write-onnx $@

$(B)/fuzz/seeds/program: $(B)/fuzz/write-seeds $(FUZZ_COMPILED) $(B)/fuzz/seeds/onnx
	$(Q)rm -rf $@ && mkdir -p $@ && $(B)/fuzz/write-seeds $@ $(FUZZ_COMPILED) $(FUZZ_ON_HOST)

# Never up to date: a run is asked for each time.
.PHONY: $(FUZZ_TARGETS:%=$(B)/fuzz/%.ok)
$(FUZZ_TARGETS:%=$(B)/fuzz/%.ok): $(B)/fuzz/%.ok: $(B)/fuzz/% $(B)/fuzz/seeds/%
	$(call say,RUN,$<)
	@mkdir -p $(B)/fuzz/corpus/$*
	$(Q)$(B)/fuzz/$* $(FUZZ_RUN) -artifact_prefix=$(B)/fuzz/$*- $(B)/fuzz/corpus/$* $(B)/fuzz/seeds/$* > $(B)/fuzz/$*.log 2>&1 \
	    || { grep -E 'ERROR|SUMMARY|failed|Test unit' $(B)/fuzz/$*.log; tail -n 20 $(B)/fuzz/$*.log; exit 1; }
	@grep -E 'number_of_executed_units' $(B)/fuzz/$*.log
