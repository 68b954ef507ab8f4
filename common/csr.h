/* csr.h - the registers of spec/csr.def for the driver's side: offsets, error names, and reading of a 64-bit counter. */
#ifndef QM_COMMON_CSR_H
#define QM_COMMON_CSR_H

#include <stddef.h>
#include <stdint.h>

enum qm_csr {
#define QM_CSR(name, offset, access, reset, text) QM_CSR_##name = (offset),
#include "spec/csr.def"
#undef QM_CSR
};

enum qm_error {
#define QM_ERROR(name, code, text) QM_ERROR_##name = (code),
#include "spec/csr.def"
#undef QM_ERROR
};

enum { QM_CONTROL_START = 1, QM_STATUS_BUSY = 1, QM_STATUS_DONE = 2, QM_STATUS_ERROR = 4 };

struct qm_csr_info {
    const char *name;
    uint32_t offset;
    const char *access; /* "RO", "RW", "W1" */
    uint32_t reset;
    const char *text;
};
extern const struct qm_csr_info qm_csrs[];
extern const size_t qm_csr_count;

/* Upper-case name and explanation of an ERROR_CAUSE; NULL for an unknown code. */
const char *qm_error_name(uint32_t code);
const char *qm_error_text(uint32_t code);

#endif
