/* rig.h - a cycle model on a bench: puts a list of instructions into memory, runs it,
 * and keeps everything that can be seen from outside. */
#ifndef QM_TESTS_UNIT_SIM_CYCLE_RIG_H
#define QM_TESTS_UNIT_SIM_CYCLE_RIG_H

#include "common/counters.h"
#include "common/csr.h"
#include "sim/device.h"

enum { RIG_MEMORY_BYTES = 1 << 17, RIG_DATA = 1 << 16, RIG_MEMORY_BASE = 0x40000000 };

struct rig_event {
    struct qm_event event;
    uint8_t data[64];
};

struct rig {
    struct qm_machine machine;
    struct qm_device_options options;
    bool observes;
    uint64_t slice_cycles; /* let time pass in pieces of so many cycles; 0: in one */
    uint32_t program_addr, memory_size;
    /* what a run leaves */
    struct qm_counters counters;
    uint32_t status, cause, index;
    struct rig_event *events;
    size_t event_count, event_capacity;
    uint8_t memory[RIG_MEMORY_BYTES];
};

struct rig *rig_create(uint32_t rows, uint32_t cols);
void rig_destroy(struct rig *rig);
void rig_run(struct rig *rig, const struct qm_insn *insns, uint32_t count);
void rig_run_words(struct rig *rig, uint32_t (*words)[QM_INSN_WORDS], uint32_t count);

/* The cycle of the index-th START or END of a unit. */
uint64_t rig_cycle(const struct rig *rig, enum qm_event_kind kind, enum qm_unit unit, uint32_t index);

/* Small valid instructions, written as a machine's user would. */
struct qm_insn rig_matmul(const struct qm_machine *machine, uint32_t m, uint32_t k, uint32_t n);
struct qm_insn rig_requantize(const struct qm_machine *machine, uint32_t m, uint32_t n);
struct qm_insn rig_pool(uint32_t out_h, uint32_t out_w, uint32_t kernel, uint32_t channels);
struct qm_insn rig_copy(uint32_t out_h, uint32_t out_w, uint32_t kernel, uint32_t run_bytes);
struct qm_insn rig_add(uint32_t length);
struct qm_insn rig_transfer(enum qm_opcode opcode, uint32_t row_bytes, uint32_t rows);

uint32_t rig_random(uint64_t *state, uint32_t limit); /* 0 .. limit-1 */

#endif
