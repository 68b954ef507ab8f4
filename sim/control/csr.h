/* csr.h - the control and status registers of spec/csr.def, without the counters' storage. */
#ifndef QM_SIM_CONTROL_CSR_H
#define QM_SIM_CONTROL_CSR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/csr.h"

struct csr {
    uint32_t fingerprint;
    uint32_t irq_enable;
    uint32_t program_addr, program_count;
    uint32_t memory_base, memory_base_hi, memory_size;
    bool busy, done, failed;
    uint32_t error_cause, error_index; /* the error register; a cause of 0 means none */
};

uint32_t csr_read(const struct csr *csr, const struct qm_counters *counters, uint32_t offset);

/* Returns whether the write accepts a START; registers are cleared for the run then. */
bool csr_write(struct csr *csr, uint32_t offset, uint32_t value);

/* What the check of the program's place finds in cycle 0. */
enum qm_error csr_check_program(const struct csr *csr);
/* The same of an engine that has the memory [memory_bytes] from the bus address memory_base on itself: BUS when the arena leaves it. */
enum qm_error csr_check_place(const struct csr *csr, uint64_t memory_base, uint64_t memory_bytes);

/* One edge: the smallest error seen in the cycle, and whether the run ends. */
void csr_clock(struct csr *csr, enum qm_error error, uint64_t accepted, bool end);

static inline uint64_t csr_memory_base(const struct csr *csr) {
    return (uint64_t)csr->memory_base_hi << 32 | csr->memory_base;
}

#endif
