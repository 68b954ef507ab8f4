/* compiler.c - what the compiler prints after each of its passes. */
#include "compiler/compiler.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/program_work.h"
#include "sim/timing/timing.h"

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
                     "--dump-after: no pass is called quantize; passes are read, legalize, narrow, place, tile, schedule, allocate, "
                     "synchronize, emit");
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

/* Both have one stage on the device, which comes first. */
static void compare_times(const struct qm_program *words, const struct qm_program *planned) {
    struct qm_timing_words stage = qm_timing_stage(words, &words->stages[0], &words->machine);
    struct qm_insn_time *want = new_times(words), *got = new_times(planned);
    struct qm_counters events = qm_program_work_of_stage(planned, 0);
    struct qm_timing_result of_words, of_records;
    qm_timing_words(&stage, want, &of_words);
    cr_assert(!planned->stages[0].on_host && planned->stages[0].insn_count == stage.count && of_words.error == QM_ERROR_NONE);
    qm_timing_records(&(struct qm_timing_records){planned->work->records, stage.count, &events, &planned->machine}, got, &of_records);
    cr_assert(of_records.error == QM_ERROR_NONE && of_records.cycles == of_words.cycles);
    cr_assert(memcmp(&of_records.counters, &of_words.counters, sizeof of_words.counters) == 0);
    cr_assert(memcmp(got, want, stage.count * sizeof *want) == 0);
    free(want);
    free(got);
}

Test(compiler, a_plan_without_words_lasts_and_counts_as_long_as_its_words) {
    static const char *const machines[] = {"edge", "tiny", "m8x16", "m32x32"}, *const precisions[] = {NULL, "w4a8", "w4a4"};
    for (int i = 0; i < 12; i++) {
        struct qm_machine machine;
        struct qm_diag diag;
        cr_assert(qm_machine_load(machines[i / 3], &machine, &diag) == QM_OK, "%s", diag.text);
        struct qm_program *words = compile_for(&machine, precisions[i % 3], false),
                          *planned = compile_for(&machine, precisions[i % 3], true);
        cr_assert(words->work == NULL && planned->insns == NULL && planned->image == NULL);
        cr_assert(memcmp(words->insn_layer, planned->insn_layer, words->insn_count * sizeof *words->insn_layer) == 0);
        compare_times(words, planned);
        qm_program_destroy(words);
        qm_program_destroy(planned);
    }
}
