/* transfer.c - the walk over rows against a walk over single bytes. */
#include "sim/cycle/transfer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/sim/cycle/rig.h"

TestSuite(cycle_transfer);

/* Beats of B bytes that hold a byte of [first, end). */
static uint64_t beats_of(uint64_t first, uint64_t end, uint64_t beat_bytes) {
    return (end - 1) / beat_bytes - first / beat_bytes + 1;
}

static void assert_row(struct transfer *transfer, uint64_t first, uint64_t end, uint64_t spad) {
    uint64_t beats = 0, bytes = 0, expected = first;
    while (bytes < end - first) {
        cr_assert(not(transfer->is_done));
        uint32_t burst = transfer_beats_left(transfer);
        cr_assert(eq(u64, transfer->at / QM_BURST_BYTES, (transfer->at + burst * transfer->beat_bytes - 1) / QM_BURST_BYTES));
        uint64_t last = transfer->at + (uint64_t)burst * transfer->beat_bytes;
        cr_assert(last % QM_BURST_BYTES == 0 || last >= end, "a burst is shorter than it has to be");
        struct transfer_span span = transfer_span(transfer, burst);
        cr_assert(eq(u64, transfer->at + span.skip, expected));
        cr_assert(eq(u64, span.spad, spad + bytes));
        bytes += span.length;
        expected += span.length;
        beats += burst;
        transfer_advance(transfer, burst);
    }
    cr_assert(eq(u64, bytes, end - first));
    cr_assert(eq(u64, beats, beats_of(first, end, transfer->beat_bytes)));
}

Test(cycle_transfer, bursts_cover_every_row_and_stop_at_boundaries) {
    for (uint64_t seed = 1; seed < 200; seed++) {
        uint64_t state = seed;
        struct qm_insn insn = rig_transfer(QM_LOAD, 1 + rig_random(&state, 5000), 1 + rig_random(&state, 4));
        insn.dram_addr = rig_random(&state, 10000);
        insn.plane_count = 1 + rig_random(&state, 3);
        insn.dram_row_stride = rig_random(&state, 10000);
        insn.dram_plane_stride = rig_random(&state, 10000);
        insn.spad_plane_stride = 3;
        struct transfer transfer;
        transfer_begin(&transfer, &insn, 4u << rig_random(&state, 5));
        for (int64_t plane = 0; plane < insn.plane_count; plane++) {
            for (int64_t row = 0; row < insn.row_count; row++) {
                int64_t first = insn.dram_addr + plane * insn.dram_plane_stride + row * insn.dram_row_stride;
                int64_t spad = insn.spad_addr + plane * 3 + row * insn.spad_row_stride;
                assert_row(&transfer, (uint64_t)first, (uint64_t)(first + insn.row_bytes), (uint64_t)spad);
            }
        }
        cr_assert(transfer.is_done);
    }
}

Test(cycle_transfer, only_the_last_beat_of_the_last_row_is_the_last) {
    struct qm_insn insn = rig_transfer(QM_STORE, 40, 2);
    struct transfer transfer;
    transfer_begin(&transfer, &insn, 16);
    for (int beat = 0; beat < 3 + 3; beat++) { /* [0, 40) and [40, 80) from a multiple of 16 */
        cr_assert(eq(int, transfer_is_last_beat(&transfer), beat == 5));
        transfer_advance(&transfer, 1);
    }
    cr_assert(transfer.is_done);
}
