// accelerator.cpp - ticks the engine at the edges of its clock, and turns its bursts into transactions.
#include "sim/systemc/accelerator.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace qmac {

enum { CSR_BYTES = 4096, STACK_BYTES = 1 << 20 };

static uint64_t periods_up(sc_core::sc_time time, sc_core::sc_time period) {
    return (time.value() + period.value() - 1) / period.value();
}

accelerator::accelerator(sc_core::sc_module_name name, const qm_device_ops &engine, const qm_machine &machine,
                         const qm_device_options &options, sc_core::sc_time period_)
    : sc_module(name), csr("csr"), memory("memory"), irq("irq"), period(period_) {
    SC_HAS_PROCESS(accelerator);
    qm_device_options inner = options;
    qm_diag diag;
    inner.memory = [](void *self, qm_memory_access *burst) { static_cast<accelerator *>(self)->access_memory(*burst); };
    inner.memory_context = this;
    if (engine.create(&machine, &inner, &device, &diag) != QM_OK) throw std::runtime_error(diag.text);
    csr.register_b_transport(this, &accelerator::access_csr);
    SC_THREAD(run);
    set_stack_size(STACK_BYTES);
    SC_METHOD(drive_irq);
    sensitive << changed;
}

accelerator::~accelerator() {
    device->ops->destroy(device);
}

// Cycle 0 follows the first edge at or after the START. A memory that waits lets edges pass; they are made up for.
void accelerator::run() {
    for (;;) {
        while ((read(QM_CSR_STATUS) & QM_STATUS_BUSY) == 0) wait(started);
        edge = period * static_cast<double>(periods_up(sc_core::sc_time_stamp(), period));
        do {
            edge += period;
            if (edge > sc_core::sc_time_stamp()) wait(edge - sc_core::sc_time_stamp());
        } while (!tick());
        changed.notify();
    }
}

// Whether the run is over.
bool accelerator::tick() {
    is_ticking = true;
    bool is_over = device->ops->wait(device, 1);
    is_ticking = false;
    if (is_reset_due) reset();
    return is_over || (read(QM_CSR_STATUS) & QM_STATUS_BUSY) == 0;
}

void accelerator::reset() {
    is_reset_due = is_ticking;
    if (is_reset_due) return;
    device->ops->reset(device);
    changed.notify();
}

void accelerator::drive_irq() {
    bool is_over = (read(QM_CSR_STATUS) & (QM_STATUS_DONE | QM_STATUS_ERROR)) != 0;
    irq.write(is_over && (read(QM_CSR_IRQ_ENABLE) & 1) != 0);
}

void accelerator::access_csr(tlm::tlm_generic_payload &transaction, sc_core::sc_time &) {
    uint64_t offset = transaction.get_address();
    uint32_t value;
    if (transaction.get_data_length() != sizeof value || transaction.get_streaming_width() < sizeof value ||
        transaction.get_byte_enable_ptr() != nullptr)
        return transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    if (offset >= CSR_BYTES || offset % sizeof value != 0) return transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    if (transaction.is_write()) {
        std::memcpy(&value, transaction.get_data_ptr(), sizeof value);
        device->ops->write_csr(device, static_cast<uint32_t>(offset), value);
        started.notify();
        changed.notify();
    } else if (transaction.is_read()) {
        value = read(static_cast<uint32_t>(offset));
        std::memcpy(transaction.get_data_ptr(), &value, sizeof value);
    }
    transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

// Returns whether the answer was OK; adds to delay what the target annotates.
bool accelerator::transport(tlm::tlm_command command, uint64_t address, uint8_t *bytes, uint32_t size, sc_core::sc_time &delay) {
    tlm::tlm_generic_payload transaction;
    transaction.set_command(command);
    transaction.set_address(address);
    transaction.set_data_ptr(bytes);
    transaction.set_data_length(size);
    transaction.set_streaming_width(size);
    memory->b_transport(transaction, delay);
    return transaction.is_response_ok();
}

// Many memories know no byte enables, so each run of enabled bytes is a write of its own; a STORE has one run in a burst.
void accelerator::access_memory(qm_memory_access &burst) {
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    bool is_ok = true;
    if (!burst.is_write) is_ok = transport(tlm::TLM_READ_COMMAND, burst.address, burst.bytes, burst.size, delay);
    const uint8_t *end = burst.enables + burst.size, *to;
    for (const uint8_t *from = burst.enables; burst.is_write; from = to) {
        from = std::find(from, end, 0xff);
        to = std::find(from, end, 0);
        if (from == end) break;
        ptrdiff_t at = from - burst.enables;
        is_ok = transport(tlm::TLM_WRITE_COMMAND, burst.address + static_cast<uint64_t>(at), burst.bytes + at,
                          static_cast<uint32_t>(to - from), delay) &&
                is_ok;
    }
    burst.is_error = !is_ok;
    burst.delay_cycles = periods_up(sc_core::sc_time_stamp() + delay - edge, period);
}

} // namespace qmac
