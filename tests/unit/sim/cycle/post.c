/* post.c - the closed forms of the post unit's events against a walk over every item. */
#include "sim/cycle/post.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/unit/sim/cycle/rig.h"

TestSuite(cycle_post);

/* One item after another, as docs/machine.md lists them; item i of `want` holds the events before it. */
struct walk {
    const struct qm_machine *machine;
    const struct qm_insn *insn;
    struct qm_post_events work;
    uint64_t items;
};

static void next_item(struct walk *walk) {
    struct qm_post_events got = qm_opcode_info(walk->insn->opcode)->post->events(walk->insn, walk->machine, ++walk->items);
    cr_assert(eq(u64, got.post_reads, walk->work.post_reads));
    cr_assert(eq(u64, got.post_writes, walk->work.post_writes));
    cr_assert(eq(u64, got.acc_reads, walk->work.acc_reads));
    cr_assert(eq(u64, got.requantize_ops, walk->work.requantize_ops));
    cr_assert(eq(u64, got.scale_ops, walk->work.scale_ops));
    cr_assert(eq(u64, got.pool_ops, walk->work.pool_ops));
}

static uint32_t part(uint32_t total, uint32_t at, uint32_t width) {
    return total - at < width ? total - at : width;
}

static void write_output(struct walk *walk, uint32_t elements) {
    walk->work.requantize_ops += elements;
    walk->work.post_writes += walk->insn->out_type == QM_out_type_BITS4 ? (elements + 1) / 2 : elements;
}

Test(cycle_post, a_residual_is_read_with_each_row_and_scaled_with_it) {
    struct rig *rig = rig_create(3, 8);
    struct qm_insn insn = rig_requantize(&rig->machine, 5, 11);
    insn.residual = 1;
    struct walk walk = {.machine = &rig->machine, .insn = &insn};
    for (uint32_t at = 0; at < 11; at += 8) {
        uint32_t n = part(11, at, 8);
        for (int i = 0; i < 9; i++) {
            walk.work.post_reads += 8;
            next_item(&walk);
        }
        for (int row = 0; row < 5; row++) {
            walk.work.acc_reads += 8;
            walk.work.post_reads += n;
            walk.work.scale_ops += 2 * n;
            walk.work.requantize_ops += n;
            write_output(&walk, n);
            next_item(&walk);
        }
    }
    rig_destroy(rig);
}

Test(cycle_post, requantize_reads_parameters_and_rows_tile_by_tile) {
    struct rig *rig = rig_create(3, 8);
    for (int64_t depthwise = 0; depthwise < 2; depthwise++) {
        uint32_t width = depthwise ? 3 : 8, channels = 19;
        struct qm_insn insn = rig_requantize(&rig->machine, 5, channels);
        insn.depthwise = depthwise;
        insn.tiles = (channels + width - 1) / width;
        struct walk walk = {.machine = &rig->machine, .insn = &insn};
        for (uint32_t at = 0; at < channels; at += width) {
            for (int i = 0; i < 9; i++) {
                walk.work.post_reads += 8;
                next_item(&walk);
            }
            for (int row = 0; row < 5; row++) {
                walk.work.acc_reads += 8;
                write_output(&walk, part(channels, at, width));
                next_item(&walk);
            }
        }
    }
    rig_destroy(rig);
}

/* The first cycle of a row counts all of it. */
static void walk_wide_rows(struct walk *walk, uint32_t n, int cycles) {
    for (int row = 0; row < 5; row++) {
        walk->work.acc_reads += 7;
        walk->work.requantize_ops += n;
        walk->work.post_writes += n * (uint32_t)cycles;
        for (int cycle = 0; cycle < cycles; cycle++) next_item(walk);
    }
}

Test(cycle_post, requantize_reads_its_table_first_and_takes_a_cycle_a_byte_of_an_element) {
    struct rig *rig = rig_create(3, 7);
    static const int64_t out_types[] = {QM_out_type_BITS8, QM_out_type_BITS16, QM_out_type_BITS32};
    for (int i = 0; i < 3; i++) {
        struct qm_insn insn = rig_requantize(&rig->machine, 5, 19);
        insn.out_type = out_types[i];
        insn.lookup = i == 0;
        struct walk walk = {.machine = &rig->machine, .insn = &insn};
        for (uint32_t at = 0; at < 256 && insn.lookup != 0; at += 7) {
            walk.work.post_reads += part(256, at, 7);
            next_item(&walk);
        }
        for (uint32_t at = 0; at < 19; at += 7) {
            for (int read = 0; read < 9; read++) {
                walk.work.post_reads += 7;
                next_item(&walk);
            }
            walk_wide_rows(&walk, part(19, at, 7), 1 << i);
        }
    }
    rig_destroy(rig);
}

static void walk_pool(struct rig *rig, int64_t out_type) {
    uint32_t channels = 19;
    struct qm_insn insn = rig_pool(2, 3, 2, channels);
    insn.out_type = out_type;
    struct walk walk = {.machine = &rig->machine, .insn = &insn};
    for (uint32_t at = 0; at < channels; at += 8) {
        for (int tap = 0; tap < 6 * 4; tap++) {
            walk.work.post_reads += part(channels, at, 8);
            walk.work.pool_ops += part(channels, at, 8);
            if (tap % 4 == 3) write_output(&walk, part(channels, at, 8));
            next_item(&walk);
        }
    }
}

Test(cycle_post, pool_reads_every_tap_and_writes_after_the_last) {
    struct rig *rig = rig_create(3, 8);
    walk_pool(rig, QM_out_type_BITS8);
    walk_pool(rig, QM_out_type_BITS4);
    rig_destroy(rig);
}

Test(cycle_post, add_reads_two_operands_for_each_output) {
    struct rig *rig = rig_create(3, 8);
    for (int64_t binary = QM_binary_SUM; binary <= QM_binary_PRODUCT; binary++) {
        struct qm_insn insn = rig_add(37);
        insn.binary = binary;
        struct walk walk = {.machine = &rig->machine, .insn = &insn};
        for (uint32_t at = 0; at < 37; at += 8) {
            walk.work.post_reads += 2 * part(37, at, 8);
            walk.work.scale_ops += (binary == QM_binary_SUM ? 2 : 1) * part(37, at, 8);
            write_output(&walk, part(37, at, 8));
            next_item(&walk);
        }
    }
    rig_destroy(rig);
}

Test(cycle_post, copy_moves_runs_in_pieces) {
    struct rig *rig = rig_create(3, 8);
    struct qm_insn insn = rig_copy(2, 2, 2, 19);
    struct walk walk = {.machine = &rig->machine, .insn = &insn};
    for (int run = 0; run < 4 * 4; run++) {
        for (uint32_t at = 0; at < 19; at += 8) {
            walk.work.post_reads += part(19, at, 8);
            walk.work.post_writes += part(19, at, 8);
            next_item(&walk);
        }
    }
    rig_destroy(rig);
}
