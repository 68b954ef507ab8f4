/* fuzz.h - what the fuzz targets hold every input to, beside not crashing. */
#ifndef QM_TESTS_FUZZ_FUZZ_H
#define QM_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "common/program.h"
#include "common/status.h"

#define FUZZ_NAME "input" /* the file name that messages must start with */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Aborts unless the input was refused as the user's mistake, in one line "input:PLACE: text". */
void fuzz_check_refusal(enum qm_status status, const struct qm_diag *diag);

/* Aborts unless everything that the program points to lies inside of what it has; reads all instructions and constants. */
void fuzz_check_program(const struct qm_program *program);

#endif
