/* program_text.h - a program test in text form: instructions, the memories before, and what must be left after.
 *
 *   # a comment
 *   machine tiny
 *   arena 0x1000: 01 02 ff              bytes in hexadecimal, from that offset on
 *   scratchpad 0x20: 80 7f
 *   accumulator 3: 1 -2 3 4             row 3: one number a column
 *   insn MATMUL wait=load in_addr=0x20 rounding=EVEN ...
 *   expect scratchpad 0x40: 00 01       also arena, accumulator
 *   expect counter macs 64
 *   expect error DEADLOCK               NONE when the line is absent
 *
 * Fields that are not written are 0; memories that are not written are 0.
 */
#ifndef QM_TOOLS_PROGRAM_TEXT_H
#define QM_TOOLS_PROGRAM_TEXT_H

#include "common/arena.h"
#include "common/counters.h"
#include "sim/device.h"

enum qm_text_space { QM_TEXT_ARENA, QM_TEXT_SCRATCHPAD, QM_TEXT_ACCUMULATOR };

struct qm_text_bytes {
    enum qm_text_space space;
    uint64_t offset_bytes; /* in its space; the accumulator as int32 [rows][cols] */
    size_t size_bytes;
    uint8_t *bytes;
    unsigned line;
    struct qm_text_bytes *next;
};

struct qm_text_count {
    enum qm_counter counter;
    uint64_t value;
    unsigned line;
    struct qm_text_count *next;
};

struct qm_program_text {
    const char *file;
    struct qm_machine machine;
    uint32_t insn_count;
    struct qm_insn insns[256];
    struct qm_text_bytes *before, *after;
    struct qm_text_count *counts;
    uint32_t error; /* QM_ERROR_* */
};

enum { QM_TEXT_ARENA_BYTES = 1 << 17, QM_TEXT_CODE_OFFSET = 1 << 16 };

QM_MUST_USE enum qm_status qm_program_text_read(const char *file, struct qm_arena *arena, struct qm_program_text **program,
                                                struct qm_diag *diag);

/* Runs it on the engine. QM_MISMATCH names the first expectation that does not hold. */
QM_MUST_USE enum qm_status qm_program_text_run(const struct qm_program_text *program, const struct qm_device_ops *engine, bool step,
                                               struct qm_diag *diag);

#endif
