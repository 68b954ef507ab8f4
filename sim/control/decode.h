/* decode.h - the check of an instruction, whole and before it is queued: nothing that passes can leave a memory. */
#ifndef QM_SIM_CONTROL_DECODE_H
#define QM_SIM_CONTROL_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/csr.h"
#include "common/isa.h"
#include "common/machine.h"

/* What one field may hold: built from the tables of spec/isa.def. */
struct decode_rule {
    const struct qm_field *field;
    uint64_t listed, supported; /* bit v: value v of an enumerated field; 0 listed: the field must not be zero */
};

enum { DECODE_RULES_MAX = 160 };

struct decode {
    const struct qm_machine *machine;
    struct decode_rule rules[DECODE_RULES_MAX]; /* of each opcode one after another */
    uint32_t first_rules[QM_OPCODE_END + 1];    /* by opcode, where its own begin and those of the one before end */
    /* the head of the FIFO, checked once */
    bool is_checked;
    enum qm_error error;
    struct qm_insn insn;
};

void decode_init(struct decode *decode, const struct qm_machine *machine);

/* Checks words and leaves the instruction in decode->insn. */
enum qm_error decode_check(struct decode *decode, const uint32_t *words, uint64_t memory_bytes);

#endif
