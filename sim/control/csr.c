/* csr.c - reads, writes, and the error register that keeps the first error of a run. */
#include "sim/control/csr.h"

#include "common/isa.h"

enum { PROGRAM_ALIGNMENT = 256 };

static uint32_t read_counter(const struct qm_counters *counters, uint32_t offset) {
    uint32_t word = (offset - QM_CSR_COUNTERS) / 4;
    if (word / 2 >= QM_COUNTERS) return 0;
    return (uint32_t)(counters->value[word / 2] >> (word % 2 * 32));
}

static uint32_t read_status(const struct csr *csr) {
    return (csr->busy ? QM_STATUS_BUSY : 0u) | (csr->done ? QM_STATUS_DONE : 0u) | (csr->failed ? QM_STATUS_ERROR : 0u);
}

uint32_t csr_read(const struct csr *csr, const struct qm_counters *counters, uint32_t offset) {
    static const uint32_t id =
#define QM_CSR(name, address, access, reset, text) (address) == QM_CSR_ID ? (reset):
#include "spec/csr.def"
#undef QM_CSR
        0;
    if (offset >= QM_CSR_COUNTERS) return read_counter(counters, offset);
    switch (offset) {
    case QM_CSR_ID: return id;
    case QM_CSR_FINGERPRINT: return csr->fingerprint;
    case QM_CSR_STATUS: return read_status(csr);
    case QM_CSR_IRQ_ENABLE: return csr->irq_enable;
    case QM_CSR_ERROR_CAUSE: return csr->error_cause;
    case QM_CSR_ERROR_INDEX: return csr->error_index;
    case QM_CSR_PROGRAM_ADDR: return csr->program_addr;
    case QM_CSR_PROGRAM_COUNT: return csr->program_count;
    case QM_CSR_MEMORY_BASE: return csr->memory_base;
    case QM_CSR_MEMORY_BASE_HI: return csr->memory_base_hi;
    case QM_CSR_MEMORY_SIZE: return csr->memory_size;
    default: return 0;
    }
}

static bool start(struct csr *csr) {
    if (csr->busy) return false;
    csr->busy = true;
    csr->done = csr->failed = false;
    csr->error_cause = QM_ERROR_NONE;
    csr->error_index = 0;
    return true;
}

bool csr_write(struct csr *csr, uint32_t offset, uint32_t value) {
    switch (offset) {
    case QM_CSR_CONTROL: return (value & QM_CONTROL_START) != 0 && start(csr);
    case QM_CSR_IRQ_ENABLE: csr->irq_enable = value & 1; break;
    case QM_CSR_PROGRAM_ADDR: csr->program_addr = value; break;
    case QM_CSR_PROGRAM_COUNT: csr->program_count = value; break;
    case QM_CSR_MEMORY_BASE: csr->memory_base = value; break;
    case QM_CSR_MEMORY_BASE_HI: csr->memory_base_hi = value; break;
    case QM_CSR_MEMORY_SIZE: csr->memory_size = value; break;
    default: break;
    }
    return false;
}

enum qm_error csr_check_program(const struct csr *csr) {
    if (csr->program_addr % PROGRAM_ALIGNMENT != 0) return QM_ERROR_ILLEGAL;
    uint64_t end = csr->program_addr + (uint64_t)QM_INSN_BYTES * csr->program_count;
    return end > csr->memory_size ? QM_ERROR_MEMORY : QM_ERROR_NONE;
}

enum qm_error csr_check_place(const struct csr *csr, uint64_t memory_base, uint64_t memory_bytes) {
    uint64_t offset = csr_memory_base(csr) - memory_base;
    enum qm_error error = csr_check_program(csr);
    if (error != QM_ERROR_NONE) return error;
    return offset > memory_bytes || csr->memory_size > memory_bytes - offset ? QM_ERROR_BUS : QM_ERROR_NONE;
}

void csr_clock(struct csr *csr, enum qm_error error, uint64_t accepted, bool end) {
    if (error != QM_ERROR_NONE && csr->error_cause == QM_ERROR_NONE) {
        csr->error_cause = error;
        csr->error_index = (uint32_t)accepted;
    }
    if (!end) return;
    csr->busy = false;
    csr->done = csr->error_cause == QM_ERROR_NONE;
    csr->failed = !csr->done;
}
