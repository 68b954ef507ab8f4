/* record.h - what time needs to know of an instruction that decode accepts, in a few numbers whatever its opcode: of a program that is
 * planned and timed there are records, and no words.
 */
#ifndef QM_COMMON_RECORD_H
#define QM_COMMON_RECORD_H

#include <stdint.h>

#include "common/opcode/opcode.h"

struct qm_record {
    uint8_t unit, wait, signal; /* enum qm_unit; wait, signal: bit u for unit u */
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

/* Makes the record of an instruction on the machine. */
void qm_record_make(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_record *record);

#endif
