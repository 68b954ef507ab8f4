/* matmul.c - MATMUL: the fast one, with each kernel, against the plain one; dense and depthwise, overwriting and accumulating, windows
 * inside and outside the map. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/sim/functional/emulated_vnni.h"
#include "tests/unit/sim/functional/rig.h"

TestSuite(matmul);

static void draw_modes(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_MATMUL;
    if (insn->depthwise == 0 && rig_draw(rig, 0, 1) == 0) insn->weight_zero = rig_draw(rig, -255, 255);
    insn->in_unsigned = rig_draw(rig, 0, 1);
    insn->accumulate = rig_draw(rig, 0, 1);
}

/* The largest number of channels whose weights fit. */
static int64_t channels_that_fit(const struct rig *rig, const struct qm_insn *insn) {
    return (rig_outputs(rig) - rig_constants(rig)) / (insn->kernel_h * insn->kernel_w * insn->run_bytes);
}

static void draw_dense(struct rig *rig, struct qm_insn *insn) {
    draw_modes(rig, insn);
    rig_draw_window(rig, insn, rig_draw(rig, 0, 7) == 0 ? 1000 : 80);
    int64_t most = 3 * (int64_t)rig->machine.cols, fitting = channels_that_fit(rig, insn);
    rig_draw_tiles(rig, insn, most < fitting ? most : fitting);
    int64_t size = insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels;
    insn->weight_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - size);
}

/* Any precision but W8A8; weights never take more than twice the bytes of 8-bit ones. */
static void draw_narrow(struct rig *rig, struct qm_insn *insn) {
    draw_modes(rig, insn);
    insn->precision = rig_draw(rig, QM_precision_W4A8, QM_precision_W1A4);
    rig_draw_window(rig, insn, rig_draw(rig, 0, 7) == 0 ? 700 : 90);
    int64_t most = 3 * (int64_t)rig->machine.cols, fitting = channels_that_fit(rig, insn) / 2;
    rig_draw_tiles(rig, insn, most < fitting ? most : fitting > 0 ? fitting : 1);
    int64_t size = insn->kernel_h * insn->kernel_w * (insn->run_bytes + 1) * insn->channels;
    insn->weight_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - size);
}

static void draw_depthwise(struct rig *rig, struct qm_insn *insn) {
    insn->depthwise = 1;
    draw_modes(rig, insn);
    rig_draw_window(rig, insn, 1);
    rig_draw_tiles(rig, insn, 3 * (int64_t)rig->machine.cols);
    insn->run_bytes = rig_draw(rig, 1, rig->machine.rows < QM_CHAIN_TAPS ? rig->machine.rows : QM_CHAIN_TAPS);
    int64_t fitting = (rig_outputs(rig) - rig_constants(rig)) / (insn->kernel_h * insn->kernel_w * insn->channels);
    if (insn->run_bytes > fitting) insn->run_bytes = 1;
    insn->sample_step = rig_draw(rig, 1, 3);
    insn->skip_left = rig_draw(rig, 0, insn->run_bytes - 1);
    insn->skip_right = rig_draw(rig, 0, insn->run_bytes - 1 - insn->skip_left);
    int64_t size = insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels;
    insn->weight_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - size);
}

/* Many positions, and a window that touches the whole range of 16-bit offsets. */
static void draw_long(struct rig *rig, struct qm_insn *insn) {
    draw_dense(rig, insn);
    insn->out_h = insn->tiles = 1;
    insn->channels = rig_draw(rig, 1, insn->channels < rig->machine.cols ? insn->channels : rig->machine.cols);
    insn->out_w = rig_draw(rig, 100, 200);
    insn->x_stride = rig_draw(rig, 1, 3);
    insn->acc_addr = rig_draw(rig, 0, 56);
    insn->in_row_bytes = insn->in_pitch = rig_draw(rig, 200, 2000);
}

/* Windows three taps wide that move by one tap, enough of them to be computed in pairs. */
static void draw_pairs(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_MATMUL;
    insn->in_unsigned = rig_draw(rig, 0, 1);
    insn->accumulate = rig_draw(rig, 0, 1);
    rig_draw_window(rig, insn, 1);
    insn->kernel_w = 3;
    insn->out_h = rig_draw(rig, 2, 12);
    insn->out_w = rig_draw(rig, (31 + insn->out_h) / insn->out_h, 18);
    insn->run_bytes = rig_draw(rig, 0, 9) == 0 ? rig_draw(rig, 500, 512) : rig_draw(rig, 16, 90);
    insn->x_stride = insn->x_dilation = rig_draw(rig, 0, 1) == 0 ? insn->run_bytes : rig_draw(rig, 0, 40);
    insn->in_row_bytes = rig_draw(rig, 1, 1500);
    int64_t most = 3 * (int64_t)rig->machine.cols, fitting = channels_that_fit(rig, insn);
    rig_draw_tiles(rig, insn, most < fitting ? most : fitting);
    int64_t size = 3 * insn->kernel_h * insn->run_bytes * insn->channels;
    insn->weight_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - size);
    cr_assert(matmul_winograd_fits(insn, &kernel_plain), "seed %lu", rig->seed);
}

/* The feature map's last byte, the weights' or the sums' is the last of its memory. */
static void move_to_end(struct rig *rig, struct qm_insn *insn, int64_t weight_bytes) {
    int64_t map = (insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes, positions = insn->out_h * insn->out_w;
    if (rig_draw(rig, 0, 1) == 0)
        insn->in_addr = rig->machine.scratchpad_bytes - map;
    else
        insn->weight_addr = rig->machine.scratchpad_bytes - weight_bytes;
    insn->acc_addr = rig->machine.accumulator_rows - insn->tiles * positions;
}

static void draw_dense_at_end(struct rig *rig, struct qm_insn *insn) {
    draw_dense(rig, insn);
    move_to_end(rig, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels);
}

/* A window of a few bytes, often inside the map: it may lie near the end in place. */
static void draw_short_at_end(struct rig *rig, struct qm_insn *insn) {
    draw_dense_at_end(rig, insn);
    insn->weight_zero = 0;
    insn->y_start = insn->x_start = 0;
    insn->y_stride = insn->y_dilation = 1;
    insn->x_stride = rig_draw(rig, 0, insn->in_row_bytes / insn->out_w);
    insn->x_dilation = 0;
}

static void draw_pairs_at_end(struct rig *rig, struct qm_insn *insn) {
    draw_pairs(rig, insn);
    move_to_end(rig, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels);
}

static void draw_depthwise_at_end(struct rig *rig, struct qm_insn *insn) {
    draw_depthwise(rig, insn);
    move_to_end(rig, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels);
}

Test(matmul, dense_is_the_sum_of_products) {
    rig_compare(draw_dense, qm_functional_MATMUL, fast_MATMUL, 20);
}

/* Each kernel of this processor. */
static void compare_kernels(rig_draw_insn *draw, uint32_t count) {
    for (int64_t i = 0; i < kernel_count; i++)
        if (kernels[i]->is_supported()) rig_compare_kernel(kernels[i], draw, count);
}

Test(matmul, narrow_operands_are_unpacked_in_the_order_of_the_document) {
    rig_compare(draw_narrow, qm_functional_MATMUL, fast_MATMUL, 60);
    compare_kernels(draw_narrow, 15);
}

Test(matmul, every_kernel_of_this_processor_is_the_sum_of_products) {
    for (int64_t i = 0; i < kernel_count; i++)
        if (!kernels[i]->is_supported()) printf("matmul: kernel %s not tested, this processor lacks its instructions\n", kernels[i]->name);
    compare_kernels(draw_dense, 30);
    compare_kernels(draw_long, 15);
}

Test(matmul, pairs_of_outputs_are_the_sum_of_products) {
    compare_kernels(draw_pairs, 40);
}

Test(matmul, nothing_beyond_the_end_of_a_memory_is_touched) {
    compare_kernels(draw_dense_at_end, 40);
    compare_kernels(draw_short_at_end, 40);
    compare_kernels(draw_pairs_at_end, 20);
    rig_compare(draw_depthwise_at_end, qm_functional_MATMUL, fast_MATMUL, 40);
}

#ifdef __x86_64__
Test(matmul, the_kernel_of_vnni_is_the_sum_of_products_when_its_instructions_are_emulated) {
    rig_compare_kernel(&emulated_vnni, draw_dense, 8);
    rig_compare_kernel(&emulated_vnni, draw_long, 2);
    rig_compare_kernel(&emulated_vnni, draw_narrow, 3);
    rig_compare_kernel(&emulated_vnni, draw_dense_at_end, 8);
    rig_compare_kernel(&emulated_vnni, draw_short_at_end, 8);
}
#endif

Test(matmul, depthwise_meets_each_channel_with_its_own_weight) {
    rig_compare(draw_depthwise, qm_functional_MATMUL, fast_MATMUL, 40);
}

Test(matmul, many_positions_share_the_weights) {
    rig_compare(draw_long, qm_functional_MATMUL, fast_MATMUL, 10);
}

/* The largest sums that 8-bit operands make: every byte of the scratchpad is an extreme. */
static void check_extremes(const struct kernel *kernel, uint8_t byte, bool in_unsigned, int32_t product) {
    enum { TAPS = 64 };
    uint8_t scratchpad[1024];
    int32_t accumulator[16] = {0};
    struct qm_machine machine;
    qm_machine_init(&machine);
    memset(scratchpad, byte, sizeof scratchpad);
    struct qm_functional_memory memory = {.machine = &machine, .scratchpad = scratchpad, .accumulator = accumulator};
    struct qm_insn insn = {.opcode = QM_MATMUL, .kernel_h = 1, .kernel_w = 1, .in_rows = 1, .in_row_bytes = TAPS, .out_w = 1, .out_h = 1};
    insn.run_bytes = TAPS;
    insn.weight_addr = 64;
    insn.channels = 5;
    insn.tiles = 1;
    insn.in_unsigned = in_unsigned;
    matmul_with(&insn, &memory, kernel);
    for (int c = 0; c < 16; c++) cr_assert_eq(accumulator[c], c < 5 ? TAPS * product : 0);
}

Test(matmul, extreme_operands_do_not_saturate) {
    for (int64_t i = 0; i < kernel_count; i++) {
        if (!kernels[i]->is_supported()) continue;
        check_extremes(kernels[i], 0x80, false, 128 * 128);
        check_extremes(kernels[i], 0x80, true, 128 * -128);
        check_extremes(kernels[i], 0x7f, false, 127 * 127);
        check_extremes(kernels[i], 0xff, true, 255 * -1);
    }
}

/* The same of 3x3 windows of the largest run, which are computed in pairs of outputs; the map has 8x8 pixels. */
static void check_extreme_pairs(const struct kernel *kernel, uint8_t activation, bool in_unsigned, uint8_t weight) {
    enum { RUN = 512, CHANNELS = 5, MAP = 8 * 8 * RUN, OUTPUTS = 6 * 6 };
    static uint8_t scratchpad[MAP + 9 * RUN * CHANNELS];
    static int32_t accumulator[OUTPUTS * 16];
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.scratchpad_bytes = sizeof scratchpad;
    memset(scratchpad, activation, MAP);
    memset(scratchpad + MAP, weight, sizeof scratchpad - MAP);
    struct qm_functional_memory memory = {.machine = &machine, .scratchpad = scratchpad, .accumulator = accumulator};
    struct qm_insn insn = {.opcode = QM_MATMUL, .kernel_h = 3, .kernel_w = 3, .in_rows = 8, .in_row_bytes = 8 * RUN, .in_pitch = 8 * RUN};
    insn.out_w = insn.out_h = 6;
    insn.y_stride = insn.y_dilation = 1;
    insn.x_stride = insn.x_dilation = insn.run_bytes = RUN;
    insn.weight_addr = MAP;
    insn.channels = CHANNELS;
    insn.tiles = 1;
    insn.in_unsigned = in_unsigned;
    matmul_with(&insn, &memory, kernel);
    int32_t product = (in_unsigned ? activation : (int8_t)activation) * (int8_t)weight;
    for (int i = 0; i < OUTPUTS * 16; i++) cr_assert_eq(accumulator[i], i % 16 < CHANNELS ? 9 * RUN * product : 0);
}

Test(matmul, extreme_operands_fit_in_pairs) {
    for (int64_t i = 0; i < kernel_count; i++) {
        if (!kernels[i]->is_supported()) continue;
        check_extreme_pairs(kernels[i], 0x80, false, 0x80);
        check_extreme_pairs(kernels[i], 0x7f, false, 0x80);
        check_extreme_pairs(kernels[i], 0xff, true, 0x80);
        check_extreme_pairs(kernels[i], 0xff, true, 0x7f);
    }
}

Test(matmul, sums_wrap) {
    uint8_t scratchpad[1024] = {1, [64] = 1};
    int32_t accumulator[1] = {INT32_MAX};
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = machine.cols = 1;
    struct qm_functional_memory memory = {.machine = &machine, .scratchpad = scratchpad, .accumulator = accumulator};
    struct qm_insn insn = {.opcode = QM_MATMUL, .kernel_h = 1, .kernel_w = 1, .in_rows = 1, .in_row_bytes = 1, .out_w = 1, .out_h = 1};
    insn.run_bytes = insn.channels = insn.tiles = insn.accumulate = 1;
    insn.weight_addr = 64;
    fast_MATMUL(&insn, &memory);
    cr_assert_eq(accumulator[0], INT32_MIN);
    cr_assert_eq(memory.acc_overflows, 1);
}
