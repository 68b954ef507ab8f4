/* program.c - fuzz target: any bytes are either a program file in which every offset and index is in range, or refused with one line.
 * Every input gets the checksum that fits it, so that what lies behind is reached. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/program.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct qm_program *program = NULL;
    struct qm_diag diag = {.text = ""};
    uint8_t *sealed = qm_alloc(size + 1);
    if (size > 0) memcpy(sealed, bytes, size);
    qm_program_seal(sealed, size);
    enum qm_status status = qm_program_parse(sealed, size, FUZZ_NAME, &program, &diag);
    free(sealed);
    if (status != QM_OK) fuzz_check_refusal(status, &diag);
    if (status == QM_OK) fuzz_check_program(program);
    if (status == QM_OK) qm_program_destroy(program);
    return 0;
}
