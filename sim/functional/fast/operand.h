/* operand.h - an operand of a sum or a product of bytes, which has 256 values, so that each is scaled once and looked up. */
#ifndef QM_SIM_FUNCTIONAL_FAST_OPERAND_H
#define QM_SIM_FUNCTIONAL_FAST_OPERAND_H

#include "common/isa.h"

enum { OPERAND_VALUES = 256 };

/* Terms of the sum or product, by byte. */
struct operand {
    int32_t terms[OPERAND_VALUES];
};

/* Every element without its zero point; of a sum at the common scale. */
void operand_scale(const struct qm_insn *insn, int64_t zero, int64_t multiplier, int64_t shift, struct operand *operand);

#endif
