/* timing.h - the exact time of a program without stepping through its cycles: docs/timing.md says why it is exact.
 *
 * Everything but the memory is sums and maxima of times that are known when an instruction starts; only the memory's bus has a clock,
 * and it jumps from event to event. Nothing is estimated.
 */
#ifndef QM_SIM_TIMING_TIMING_H
#define QM_SIM_TIMING_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "common/machine.h"
#include "common/run.h"

/* What time needs to know of an instruction that decode accepts. */
struct qm_timing_insn {
    uint8_t unit, wait, signal; /* wait, signal: bit u for unit u */
    union {
        struct {
            uint64_t rows; /* of each step */
            uint64_t runs; /* each of as many steps */
            uint32_t steps_per_run;
            uint32_t weight_rows;      /* of a step, but for the last of a run */
            uint32_t last_weight_rows; /* of that */
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

struct qm_timing_program {
    const struct qm_timing_insn *insns; /* [count] */
    uint32_t count;
    const struct qm_machine *machine;
    uint64_t limit_cycles;
};

enum qm_timing_outcome {
    QM_TIMING_DONE,
    QM_TIMING_DEADLOCK,
    QM_TIMING_LONG, /* it takes more than limit_cycles */
};

/* Runs the program on an idle machine from START on, whose memory neither stalls nor fails. Fills times [count] and `cycles` and the
 * causes of counters; the other counters stay as they are (common/work.h adds them up). Without DONE what was filled means nothing.
 * *accepted: how many instructions decode has taken, of a run that is not too long. Takes time in proportion to the instructions, to the
 * bursts that differ from those before them, and to the steps that wait for weights. */
enum qm_timing_outcome qm_timing_run(const struct qm_timing_program *program, struct qm_insn_time *times, struct qm_counters *counters,
                                     uint32_t *accepted);

/* A program as decode sees it. */
struct qm_timing_words {
    const uint32_t (*words)[QM_INSN_WORDS]; /* [count] */
    uint32_t count;
    uint64_t memory_bytes; /* of the arena */
    const struct qm_machine *machine;
};

struct qm_timing_result {
    enum qm_error error; /* with its index; NONE: the run is DONE */
    uint32_t accepted;
    bool is_endless;             /* it goes beyond its limit (docs/machine.md, Limits of time): error says nothing then */
    struct qm_counters counters; /* of a run that is DONE: all that do not depend on values */
};

/* Checks the program and runs it. Fills times [count], which mean something when the run is DONE. */
void qm_timing_words(const struct qm_timing_words *program, struct qm_insn_time *times, struct qm_timing_result *result);

#endif
