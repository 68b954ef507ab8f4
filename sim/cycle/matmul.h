/* matmul.h - the matmul unit: a preloader (front) that fills weight buffers and a streamer (back) that issues rows.
 *
 * Both walk the same steps, which are the instruction's (common/opcode/). The preloader is at most two steps ahead, the number of weight
 * buffers.
 */
#ifndef QM_SIM_CYCLE_MATMUL_H
#define QM_SIM_CYCLE_MATMUL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/opcode/opcode.h"
#include "sim/cycle/mac_array.h"

struct matmul {
    const struct qm_machine *machine;
    bool front_busy, back_busy;
    struct qm_matmul_step front, back;
    uint64_t front_row, back_row; /* issued of the step */
    bool is_full[2];              /* weight buffers */
    uint8_t front_buffer, back_buffer;
};

/* What the unit issues in this cycle. */
struct matmul_issue {
    bool weight_row, row;
    bool row_is_last; /* of the instruction */
};

void matmul_reset(struct matmul *matmul);
struct matmul_issue matmul_issue(const struct matmul *matmul);

/* For how many cycles, this one included, the unit issues the same; at least 1. */
uint64_t matmul_steady_cycles(const struct matmul *matmul, const struct matmul_issue *issue);

void matmul_clock_start(struct matmul *matmul, const struct qm_insn *insn);
void matmul_clock_take(struct matmul *matmul, const struct qm_insn *insn);

/* The edges of `cycles` cycles from `now` on, at most the steady ones, that issue weight rows or rows; rows go to the array. */
void matmul_clock_weights(struct matmul *matmul, uint64_t cycles);
void matmul_clock_rows(struct matmul *matmul, uint64_t cycles, struct mac_array *array, uint64_t now);

#endif
