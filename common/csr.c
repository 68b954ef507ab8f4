/* csr.c - the register and error tables. */
#include "common/csr.h"

const struct qm_csr_info qm_csrs[] = {
#define QM_CSR(name, offset, access, reset, text) {#name, offset, #access, reset, text},
#include "spec/csr.def"
#undef QM_CSR
};
const size_t qm_csr_count = sizeof qm_csrs / sizeof *qm_csrs;

static const struct error {
    const char *name, *text;
} errors[] = {
#define QM_ERROR(name, code, text) [code] = {#name, text},
#include "spec/csr.def"
#undef QM_ERROR
};

const char *qm_error_name(uint32_t code) {
    return code < sizeof errors / sizeof *errors ? errors[code].name : NULL;
}

const char *qm_error_text(uint32_t code) {
    return code < sizeof errors / sizeof *errors ? errors[code].text : NULL;
}
