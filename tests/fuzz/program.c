/* program.c - fuzz target: any bytes are either a program file in which every offset and index is in range, or refused with one line. */
#include <stdint.h>

#include "common/program.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct qm_program *program = NULL;
    struct qm_diag diag = {.text = ""};
    enum qm_status status = qm_program_parse(bytes, size, FUZZ_NAME, &program, &diag);
    if (status != QM_OK) fuzz_check_refusal(status, &diag);
    if (status == QM_OK) fuzz_check_program(program);
    if (status == QM_OK) qm_program_destroy(program);
    return 0;
}
