/* program_text.h - a program test in text form: instructions, the memories before, and what must be left after.
 *
 *   # a comment
 *   machine tiny                        or with knobs of its own: machine tiny rows=3 cols=5
 *   arena 0x1000: 01 02 ff              bytes in hexadecimal, from that offset on
 *   scratchpad 0x20: 80 7f
 *   accumulator 3: 1 -2 3 4             row 3: one number a column
 *   fill 17                             random bytes of this seed in all memories, before the lines above
 *   stalls 0.2 17                       probability for each memory channel and cycle, and seed
 *   first 700                           run before as well, from the same memories, and reset when it has not ended after so many cycles
 *   insn MATMUL wait=load in_addr=0x20 rounding=EVEN ...
 *   raw 00000103 00000020 ...           an instruction that no insn line can say: its sixteen words in hexadecimal
 *   program 0x100 2                     PROGRAM_ADDR and PROGRAM_COUNT; 0 and the number of instructions when absent
 *   expect scratchpad 0x40: 00 01       also arena, accumulator
 *   expect counter macs 64
 *   expect error DEADLOCK               NONE when the line is absent
 *
 * Fields that are not written are 0; memories that are not written are 0. The program lies in the first 4096 bytes of the arena.
 */
#ifndef QM_VERIFY_PROGRAM_TEXT_H
#define QM_VERIFY_PROGRAM_TEXT_H

#include "common/arena.h"
#include "common/counters.h"
#include "common/isa.h"
#include "sim/device.h"

enum {
    QM_TEXT_MAX_INSNS = 60,
    QM_TEXT_ARENA_BYTES = 1 << 16,
    QM_TEXT_CODE_BYTES = 4096,
    QM_TEXT_MEMORY_BASE = 1 << 16, /* bus address of the arena */
};

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
    struct qm_insn insns[QM_TEXT_MAX_INSNS];
    uint32_t words[QM_TEXT_MAX_INSNS][QM_INSN_WORDS]; /* what runs */
    uint32_t program_addr, program_count;
    bool is_filled;
    uint64_t fill;         /* seed */
    uint64_t first_cycles; /* 0: nothing runs before */
    double stalls;
    uint64_t stall_seed;
    struct qm_text_bytes *before, *after;
    struct qm_text_count *counts;
    uint32_t error; /* QM_ERROR_* */
};

QM_MUST_USE enum qm_status qm_program_text_read(const char *file, struct qm_arena *arena, struct qm_program_text **program,
                                                struct qm_diag *diag);

/* Writes a program test; its expectations are what the cycle model leaves behind: counters, the error, and every byte that has changed.
 * QM_BAD_INPUT when the model is still busy at the limit. */
QM_MUST_USE enum qm_status qm_program_text_write(const struct qm_program_text *program, const char *file, struct qm_diag *diag);

/* Fills the memories as they are before the program: arena [QM_TEXT_ARENA_BYTES], scratchpad and accumulator of the machine. */
void qm_program_text_memories(const struct qm_program_text *program, uint8_t *arena, uint8_t *scratchpad, int32_t *accumulator);

/* The options of a device that is to run the program. */
struct qm_device_options qm_program_text_options(const struct qm_program_text *program);

/* The cycles after which a run of the program is given up: qm_work_limit. */
uint64_t qm_program_text_limit(const struct qm_program_text *program);

/* Fills the memories of the device and starts the program. What runs before takes at most limit_cycles. */
void qm_program_text_start(const struct qm_program_text *program, struct qm_device *device, uint64_t limit_cycles);

/* Runs the program test on the engine. QM_MISMATCH names the first expectation that does not hold. */
QM_MUST_USE enum qm_status qm_program_text_run(const struct qm_program_text *program, const struct qm_device_ops *engine, bool step,
                                               struct qm_diag *diag);

#endif
