/* transfer.h - the walk of LOAD and STORE over planes, rows, bursts and beats.
 *
 * A row is visited from its first byte in the arena, rounded down to a beat; `at` is always the address of a beat of the current row, until
 * is_done.
 */
#ifndef QM_SIM_CYCLE_TRANSFER_H
#define QM_SIM_CYCLE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/opcode/transfer.h"

struct transfer {
    const struct qm_insn *insn;
    uint32_t beat_bytes;
    uint32_t plane, row;
    struct qm_transfer_row bytes; /* of the row */
    uint64_t at;
    bool is_done;
};

/* The bytes of the row in some beats of one burst. */
struct transfer_span {
    uint64_t spad; /* scratchpad address of the first */
    uint32_t skip; /* bytes in front of it in the first beat */
    uint32_t length;
};

void transfer_begin(struct transfer *transfer, const struct qm_insn *insn, uint32_t beat_bytes);
uint32_t transfer_beats_left(const struct transfer *transfer); /* of the current burst */
struct transfer_span transfer_span(const struct transfer *transfer, uint64_t beats);
void transfer_advance(struct transfer *transfer, uint64_t beats); /* at most to the end of the burst */

/* The walk is done after this beat. */
bool transfer_is_last_beat(const struct transfer *transfer);

#endif
