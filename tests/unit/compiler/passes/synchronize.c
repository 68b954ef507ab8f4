/* synchronize.c - tokens on small programs whose hazards can be seen with the eye. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "compiler/compiler.h"

enum { LOAD = 1 << QM_UNIT_LOAD, MATMUL = 1 << QM_UNIT_MATMUL, POST = 1 << QM_UNIT_POST, STORE = 1 << QM_UNIT_STORE };

static struct qm_insn transfer(int64_t opcode, int64_t dram, int64_t spad, int64_t bytes) {
    return (struct qm_insn){.opcode = opcode, .dram_addr = dram, .spad_addr = spad, .row_bytes = bytes, .row_count = 1, .plane_count = 1};
}

/* 16 positions of 16 bytes at `in`, 256 bytes of weights, accumulator rows acc .. acc + 15. */
static struct qm_insn matmul(int64_t in, int64_t weights, int64_t acc) {
    return (struct qm_insn){.opcode = QM_MATMUL,
                            .in_addr = in,
                            .in_pitch = 16,
                            .in_row_bytes = 16,
                            .in_rows = 16,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .run_bytes = 16,
                            .out_h = 16,
                            .out_w = 1,
                            .y_stride = 1,
                            .weight_addr = weights,
                            .channels = 16,
                            .tiles = 1,
                            .acc_addr = acc};
}

static struct qm_insn requantize(int64_t acc, int64_t params, int64_t out) {
    return (struct qm_insn){.opcode = QM_REQUANTIZE,
                            .acc_addr = acc,
                            .param_addr = params,
                            .out_addr = out,
                            .out_h = 16,
                            .out_w = 1,
                            .out_pitch = 16,
                            .out_pixel = 16,
                            .channels = 16,
                            .tiles = 1};
}

static void synchronize(struct qm_insn *insns, uint32_t count) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    qm_synchronize(insns, count, &machine);
}

Test(synchronize, orders_a_layer_from_load_to_store) {
    struct qm_insn insns[] = {transfer(QM_LOAD, 0, 0, 1024), matmul(0, 256, 0), requantize(0, 512, 2048),
                              transfer(QM_STORE, 4096, 2048, 256)};
    synchronize(insns, 4);
    cr_assert(eq(i64, insns[0].signal, MATMUL));
    cr_assert(eq(i64, insns[1].wait, LOAD));
    cr_assert(eq(i64, insns[1].signal, POST));
    cr_assert(eq(i64, insns[2].wait, MATMUL)); /* the parameters came with the LOAD that the MATMUL has waited for */
    cr_assert(eq(i64, insns[2].signal, STORE));
    cr_assert(eq(i64, insns[3].wait, POST));
    cr_assert(eq(i64, insns[3].signal, 0));
}

Test(synchronize, leaves_what_does_not_meet_unordered) {
    struct qm_insn insns[] = {transfer(QM_LOAD, 0, 0, 256), matmul(1024, 2048, 0), requantize(100, 4096, 8192),
                              transfer(QM_STORE, 512, 16384, 64)};
    synchronize(insns, 4);
    for (int i = 0; i < 4; i++) cr_assert(insns[i].wait == 0 && insns[i].signal == 0, "instruction %d", i);
}

Test(synchronize, lets_a_place_be_overwritten_only_after_its_last_reader) {
    struct qm_insn insns[] = {matmul(0, 1024, 0), transfer(QM_LOAD, 0, 100, 4)};
    synchronize(insns, 2);
    cr_assert(eq(i64, insns[0].signal, LOAD));
    cr_assert(eq(i64, insns[1].wait, MATMUL));
}

Test(synchronize, lets_sums_be_overwritten_only_after_they_are_read) {
    struct qm_insn insns[] = {requantize(0, 512, 2048), matmul(0, 1024, 15)};
    synchronize(insns, 2);
    cr_assert(eq(i64, insns[1].wait, POST));
}

Test(synchronize, orders_through_memory_too) {
    struct qm_insn insns[] = {transfer(QM_STORE, 4096, 0, 100), transfer(QM_LOAD, 4195, 512, 1), transfer(QM_LOAD, 4196, 600, 1)};
    synchronize(insns, 3);
    cr_assert(eq(i64, insns[1].wait, STORE));
    cr_assert(eq(i64, insns[2].wait, 0)); /* one byte behind what was stored */
}

Test(synchronize, waits_once_for_what_is_known_already) {
    struct qm_insn insns[] = {transfer(QM_LOAD, 0, 0, 1024), matmul(0, 256, 0), matmul(0, 256, 16)};
    synchronize(insns, 3);
    cr_assert(eq(i64, insns[1].wait, LOAD));
    cr_assert(eq(i64, insns[2].wait, 0));
}
