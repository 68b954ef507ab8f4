/* The table of descriptions: every opcode has one, and nothing else has. That they are right is what the tests of their readers say:
 * decode, work, synchronize, post. */
#include "common/opcode/opcode.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>

TestSuite(opcode);

Test(opcode, those_of_the_post_unit_have_items_and_those_of_matmul_have_steps) {
    for (int64_t code = 0; code < QM_OPCODE_LIMIT; code++) {
        if (qm_opcode_name(code) == NULL) continue;
        const struct qm_opcode_info *info = qm_opcode_info(code);
        cr_expect(eq(int, info->post != NULL, qm_opcode_unit(code) == QM_UNIT_POST), "%s", qm_opcode_name(code));
        cr_expect(eq(int, info->matmul != NULL, qm_opcode_unit(code) == QM_UNIT_MATMUL), "%s", qm_opcode_name(code));
    }
}

Test(opcode, zero_is_a_fault_of_the_caller, .signal = SIGABRT) {
    qm_opcode_info(0);
}

Test(opcode, one_beyond_the_table_is_a_fault_of_the_caller, .signal = SIGABRT) {
    qm_opcode_info(QM_OPCODE_LIMIT);
}
