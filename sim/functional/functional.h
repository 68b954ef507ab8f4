/* functional.h - what each instruction computes, without time: the definition of values, one plain routine an instruction, to be read
 * beside docs/machine.md and docs/numerics.md.
 *
 * Instructions have passed decode's checks, so every access lies inside. Outputs are written in the order of the document, so that
 * overlapping outputs end as the hardware leaves them. The engines run the forms of fast/fast.h, which give the same bytes: the cycle model
 * at the cycle in which an instruction ends, the functional engine in program order.
 */
#ifndef QM_SIM_FUNCTIONAL_FUNCTIONAL_H
#define QM_SIM_FUNCTIONAL_FUNCTIONAL_H

#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

struct qm_functional_memory {
    const struct qm_machine *machine;
    uint8_t *scratchpad;    /* [scratchpad_bytes] */
    int32_t *accumulator;   /* [accumulator_rows][cols], each within accumulator_bits */
    uint8_t *arena;         /* of LOAD and STORE: [MEMORY_SIZE]; borrowed */
    uint64_t acc_overflows; /* counted by MATMUL */
    struct kept *kept;      /* of the fast forms (fast/kept.h); borrowed. NULL: they keep nothing between instructions */
};

/* Scratchpad and accumulator of zeros, and no arena. */
void qm_functional_init(struct qm_functional_memory *memory, const struct qm_machine *machine);
void qm_functional_fini(struct qm_functional_memory *memory);

/* read_internal and write_internal of a device (sim/device.h). */
void qm_functional_read(const struct qm_functional_memory *memory, uint8_t *scratchpad, int32_t *accumulator);
void qm_functional_write(struct qm_functional_memory *memory, const uint8_t *scratchpad, const int32_t *accumulator);

typedef void qm_functional_routine(const struct qm_insn *insn, struct qm_functional_memory *memory);

/* qm_functional_LOAD, ... */
#define QM_OPCODE(name, code, unit, text) qm_functional_routine qm_functional_##name;
#include "spec/isa.def"
#undef QM_OPCODE

#endif
