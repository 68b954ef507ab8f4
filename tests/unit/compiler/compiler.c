/* compiler.c - what the compiler prints after each of its passes. */
#include "compiler/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/program_work.h"
#include "compiler/frontend/tflite/tflite.h"
#include "sim/timing/timing.h"
#include "tests/support/tiny_model.h"

TestSuite(compiler);

static enum qm_status compile_digits(const char *dump_after, FILE *dump, struct qm_diag *diag) {
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_compile_options options = {.precision = "pointwise=w4a8", .dump_after = dump_after, .dump = dump};
    qm_machine_init(&machine);
    enum qm_status status = qm_compile_file("workloads/digits/digits_int8.tflite", &machine, &options, &program, diag);
    if (status == QM_OK) qm_program_destroy(program);
    return status;
}

Test(compiler, prints_what_it_has_after_any_pass) {
    static const char *const passes[][2] = {
        {"read", "\noperator 0 CONV_2D 0 12 11 > 13, window 3x3 stride 1x1 dilation 1x1 padding 1,1,1,1, RELU\n"},
        {"legalize",
         "\nlayer 5 pointwise convolution 5 > 6, window 1x1 stride 1x1 dilation 1x1 padding 0,0, weights of 8 bits zero 0, W8A8"},
        {"narrow", "\nlayer 5 pointwise convolution 5 > 6, window 1x1 stride 1x1 dilation 1x1 padding 0,0, weights of 4 bits zero 0, W4A8"},
        {"fuse", ", added to "},
        {"place", "\nlayer 0 stem: "},
        {"tile", "bytes free, dense"},
        {"schedule", "\nlayer 0 MATMUL "},
        {"allocate", " w1@0x"},
        {"synchronize", " wait="},
        {"emit", " cycles on the device\ntensor 0 picture arena 0x0 64 bytes\n"},
    };
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        struct qm_diag diag;
        char *text;
        size_t size;
        FILE *dump = open_memstream(&text, &size);
        cr_assert(compile_digits(passes[i][0], dump, &diag) == QM_OK, "%s", diag.text);
        fclose(dump);
        cr_assert(strstr(text, passes[i][1]) != NULL, "after %s there is no '%s' in:\n%s", passes[i][0], passes[i][1], text);
        free(text);
    }
}

Test(compiler, refuses_the_name_of_no_pass_with_the_names_of_all) {
    struct qm_diag diag;
    cr_assert(compile_digits("quantize", stdout, &diag) == QM_BAD_INPUT);
    cr_assert_str_eq(diag.text,
                     "--dump-after: no pass is called quantize; passes are read, integers, legalize, narrow, fuse, place, tile, schedule, "
                     "allocate, synchronize, emit");
}

static struct qm_program *compile_for(const struct qm_machine *machine, const char *precision, bool plan_only) {
    struct qm_compile_options options = {.precision = precision, .plan_only = plan_only};
    struct qm_program *program;
    struct qm_diag diag;
    cr_assert(qm_compile_file("workloads/digits/digits_int8.tflite", machine, &options, &program, &diag) == QM_OK, "%s", diag.text);
    return program;
}

static struct qm_insn_time *new_times(const struct qm_program *program) {
    return qm_alloc_zeroed(program->insn_count + 1, sizeof(struct qm_insn_time));
}

static void compare_stage(const struct qm_program *words, const struct qm_program *planned, uint32_t index) {
    struct qm_timing_words stage = qm_timing_stage(words, &words->stages[index], &words->machine);
    struct qm_insn_time *want = new_times(words), *got = new_times(planned);
    struct qm_counters events = qm_program_work_of_stage(planned, index);
    struct qm_timing_records records = {.count = stage.count, .events = &events, .machine = &planned->machine};
    struct qm_timing_result of_words, of_records;
    qm_timing_words(&stage, want, &of_words);
    cr_assert(planned->stages[index].insn_count == stage.count && of_words.error == QM_ERROR_NONE);
    records.records = planned->work->records + planned->stages[index].first_insn;
    qm_timing_records(&records, got, &of_records);
    cr_assert(of_records.error == QM_ERROR_NONE && of_records.cycles == of_words.cycles);
    cr_assert(memcmp(&of_records.counters, &of_words.counters, sizeof of_words.counters) == 0);
    cr_assert(memcmp(got, want, stage.count * sizeof *want) == 0);
    free(want);
    free(got);
}

/* Returns how many stages are on the device. */
static uint32_t compare(const struct qm_program *words, const struct qm_program *planned) {
    uint32_t compared = 0;
    cr_assert(words->work == NULL && planned->insns == NULL && planned->image == NULL);
    cr_assert(words->stage_count == planned->stage_count && words->insn_count == planned->insn_count);
    cr_assert(memcmp(words->insn_layer, planned->insn_layer, words->insn_count * sizeof *words->insn_layer) == 0);
    for (uint32_t i = 0; i < words->stage_count; i++) {
        cr_assert(words->stages[i].on_host == planned->stages[i].on_host);
        if (words->stages[i].on_host) continue;
        compare_stage(words, planned, i);
        compared++;
    }
    return compared;
}

Test(compiler, a_plan_without_words_lasts_and_counts_as_long_as_its_words) {
    static const char *const machines[] = {"edge", "tiny", "m8x16", "m32x32"}, *const precisions[] = {NULL, "w4a8", "w4a4"};
    for (int i = 0; i < 12; i++) {
        struct qm_machine machine;
        struct qm_diag diag;
        cr_assert(qm_machine_load(machines[i / 3], &machine, &diag) == QM_OK, "%s", diag.text);
        struct qm_program *words = compile_for(&machine, precisions[i % 3], false),
                          *planned = compile_for(&machine, precisions[i % 3], true);
        cr_assert(eq(u32, compare(words, planned), 1));
        qm_program_destroy(words);
        qm_program_destroy(planned);
    }
}

/* A pool, a softmax on the host, a pool. */
static struct qm_network *network_with_a_host_layer_within(struct qm_arena *arena) {
    static const float scale = 1.0F / 256;
    static const int64_t zero = -128;
    static uint32_t first = 0, last = 3;
    static const struct qm_quant quant = {.count = 1, .scale = &scale, .zero_point = &zero};
    static struct qm_graph_tensor tensors[] = {
        {.name = "in", .dtype = QM_I8, .rank = 4, .dims = {1, 16, 16, 8}, .quant = quant, .size_bytes = 2048},
        {.name = "small", .dtype = QM_I8, .rank = 4, .dims = {1, 8, 8, 8}, .quant = quant, .size_bytes = 512},
        {.name = "shares", .dtype = QM_I8, .rank = 4, .dims = {1, 8, 8, 8}, .quant = quant, .size_bytes = 512},
        {.name = "out", .dtype = QM_I8, .rank = 4, .dims = {1, 4, 4, 8}, .quant = quant, .size_bytes = 128}};
    struct qm_graph_op pool = {.kind = QM_OP_MAX_POOL_2D, .input_count = 1, .output_count = 1},
                       softmax = {.kind = QM_OP_SOFTMAX, .input_count = 1, .output_count = 1, .beta = 1};
    pool.kernel_h = pool.kernel_w = pool.stride_h = pool.stride_w = 2;
    struct qm_graph *graph = QM_ARENA_NEW(arena, struct qm_graph, 1);
    *graph = (struct qm_graph){.file = "net", .tensor_count = 4, .op_count = 3, .input_count = 1, .output_count = 1, .tensors = tensors};
    graph->inputs = &first;
    graph->outputs = &last;
    graph->ops = QM_ARENA_NEW(arena, struct qm_graph_op, 3);
    graph->ops[0] = graph->ops[2] = pool;
    graph->ops[1] = softmax;
    for (uint32_t i = 0; i < 3; i++) {
        qm_graph_open_operands(&graph->ops[i], arena);
        graph->ops[i].inputs[0] = i;
        graph->ops[i].outputs[0] = i + 1;
    }
    struct qm_network *network;
    struct qm_diag diag;
    cr_assert(qm_legalize(graph, NULL, arena, &network, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_narrow(network, NULL, arena, &diag) == QM_OK, "%s", diag.text);
    return network;
}

Test(compiler, a_plan_without_words_is_the_same_in_each_of_its_stages) {
    struct qm_arena *arena = qm_arena_create();
    const struct qm_network *network = network_with_a_host_layer_within(arena);
    struct qm_machine machine;
    qm_machine_init(&machine);
    for (enum qm_search search = 0; search < QM_SEARCHES; search++) {
        struct qm_program *words, *planned;
        struct qm_diag diag;
        struct qm_compile_options options = {.search = search};
        cr_assert(qm_compile_network(network, &machine, &options, &words, &diag) == QM_OK, "%s", diag.text);
        options.plan_only = true;
        cr_assert(qm_compile_network(network, &machine, &options, &planned, &diag) == QM_OK, "%s", diag.text);
        cr_assert(eq(u32, compare(words, planned), 2));
        cr_assert(words->stages[1].on_host && words->stages[2].first_insn > 0);
        qm_program_destroy(words);
        qm_program_destroy(planned);
    }
    qm_arena_destroy(arena);
}

static uint32_t constant_bytes_of_batch(uint32_t batch) {
    struct tiny t = {.code = TFLITE_CONV_2D, .options_type = OPTIONS_CONV, .options = {PADDING_SAME, 1, 1}, .scale = 0.5F};
    const uint32_t dims[][4] = {{batch, 6, 6, 3}, {20, 3, 3, 3}, {batch, 6, 6, 20}};
    for (uint32_t i = 0; i < 3; i++) memcpy(t.dims[i], dims[i], sizeof dims[i]);
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_diag diag;
    struct fbb file;
    qm_machine_init(&machine);
    tiny_write(&t, &file);
    const struct qm_model_bytes model = {file.bytes, file.size, "tiny"};
    cr_assert(qm_compile(&model, &machine, &options, &program, &diag) == QM_OK, "%s", diag.text);
    uint32_t bytes = program->image_bytes;
    qm_program_destroy(program);
    return bytes;
}

Test(compiler, writes_one_copy_of_weights_for_all_examples_of_a_batch) {
    uint32_t one = constant_bytes_of_batch(1);
    cr_expect(ge(u32, one, 20 * 3 * 3 * 3));
    cr_expect(eq(u32, constant_bytes_of_batch(5), one));
}
