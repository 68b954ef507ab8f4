/* record.h - what time needs to know of an instruction that decode accepts. */
#ifndef QM_SIM_TIMING_RECORD_H
#define QM_SIM_TIMING_RECORD_H

#include <stdint.h>

#include "common/opcode/opcode.h"

struct record {
    uint8_t unit, wait, signal; /* wait, signal: bit u for unit u */
    union {
        struct {
            uint64_t runs;
            struct qm_matmul_run run; /* each of them */
        } matmul;
        struct {
            uint64_t items, parameter_items, latency_cycles;
        } post;
        struct {
            uint32_t address, row_bytes, row_count, plane_count, row_stride, plane_stride; /* in the arena */
        } transfer;
    };
};

void record_make(const struct qm_insn *insn, const struct qm_machine *machine, struct record *record);

#endif
