/* timing.h - the exact time of a program without stepping through its cycles: docs/timing.md says why it is exact.
 *
 * Everything but the memory is sums and maxima of times that are known when an instruction starts; only the memory's bus has a clock, and it
 * jumps from the end of a burst to the next event. What is not covered is refused by name, never estimated: see enum qm_timing_outcome.
 */
#ifndef QM_SIM_TIMING_TIMING_H
#define QM_SIM_TIMING_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/isa.h"
#include "common/machine.h"
#include "common/program.h"
#include "common/run.h"
#include "common/status.h"

/* What time needs to know of an instruction that decode accepts. */
struct qm_timing_insn {
    uint8_t unit, wait, signal; /* wait, signal: bit u for unit u */
    union {
        struct {
            uint64_t rows;                       /* of each step */
            uint64_t groups;                     /* tiles x taps: each has as many steps as a run has pieces */
            uint32_t pieces;                     /* of a run */
            uint32_t weight_rows, last_weight_rows; /* of a step; of the last piece's */
        } matmul;
        struct {
            uint64_t items, parameter_items, latency_cycles;
        } post;
        struct {
            uint32_t address, row_bytes, row_count, plane_count, row_stride, plane_stride; /* in the arena */
        } transfer;
    };
};

void qm_timing_insn(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_timing_insn *record);

enum qm_timing_outcome {
    QM_TIMING_DONE,
    QM_TIMING_DEADLOCK, /* the program waits for a token that never comes */
    QM_TIMING_TOKENS,   /* a token counter would be full */
};

/* Runs insns [count] on an idle machine from START on; seeded stalls and faults of the memory are not covered. Fills times [count] and the
 * causes and `cycles` of counters; the other counters stay as they are (common/work.h adds them up). Without DONE nothing is filled that
 * means anything. Takes time in proportion to count, to the bursts, and to the steps that wait for weights. */
enum qm_timing_outcome qm_timing_run(const struct qm_timing_insn *insns, uint32_t count, const struct qm_machine *machine,
                                     struct qm_insn_time *times, struct qm_counters *counters);

/* Fills run with the times and counters of the program's device steps on the machine; those that depend on values stay 0. QM_BAD_INPUT
 * names an instruction that the machine would refuse, a deadlock, and what else is not covered. */
QM_MUST_USE enum qm_status qm_timing_program(const struct qm_program *program, const struct qm_machine *machine, struct qm_run *run,
                                             struct qm_diag *diag);

#endif
