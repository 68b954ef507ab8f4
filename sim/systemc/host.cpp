// host.cpp - the operations of sim/device.h as transactions.
#include "sim/systemc/host.h"

#include <algorithm>

namespace qmac {

host::host(sc_core::sc_module_name name, uint64_t csr_base_, accelerator &target_)
    : sc_module(name), socket("socket"), irq("irq"), self{{&ops}, this}, csr_base(csr_base_), target(target_) {
}

// An address that the bus refuses is a mistake of the program: a processor would take a bus fault.
void host::transport(tlm::tlm_command command, uint64_t address, void *data, size_t size) {
    tlm::tlm_generic_payload transaction;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    transaction.set_command(command);
    transaction.set_address(address);
    transaction.set_data_ptr(static_cast<uint8_t *>(data));
    transaction.set_data_length(static_cast<unsigned>(size));
    transaction.set_streaming_width(static_cast<unsigned>(size));
    socket->b_transport(transaction, delay);
    if (transaction.is_response_error()) SC_REPORT_FATAL(name(), "the bus refuses an access of the host");
    if (delay > sc_core::SC_ZERO_TIME) wait(delay);
}

uint32_t host::read_csr(uint32_t offset) {
    uint32_t value = 0;
    transport(tlm::TLM_READ_COMMAND, csr_base + offset, &value, sizeof value);
    return value;
}

void host::write_csr(uint32_t offset, uint32_t value) {
    transport(tlm::TLM_WRITE_COMMAND, csr_base + offset, &value, sizeof value);
}

bool host::is_busy() {
    return (read_csr(QM_CSR_STATUS) & QM_STATUS_BUSY) != 0;
}

// The interrupt is enabled only while somebody waits for it. The line may be shared; STATUS decides. The zero time lets the edge at the
// very end of the limit happen before the last look.
bool host::wait_for_irq(uint64_t limit_cycles) {
    const uint64_t limit_max = uint64_t{1} << 40;
    if (!is_busy()) return true;
    uint32_t before = read_csr(QM_CSR_IRQ_ENABLE);
    write_csr(QM_CSR_IRQ_ENABLE, 1);
    const sc_core::sc_time end = sc_core::sc_time_stamp() + target.period * static_cast<double>(std::min(limit_cycles, limit_max));
    while (is_busy() && sc_core::sc_time_stamp() < end) {
        wait(end - sc_core::sc_time_stamp(), irq.posedge_event());
        wait(sc_core::SC_ZERO_TIME);
    }
    write_csr(QM_CSR_IRQ_ENABLE, before);
    return !is_busy();
}

const qm_device_ops host::ops = {
    "bus",
    QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS,
    nullptr,
    nullptr,
    [](qm_device *device, uint64_t address, const void *data, size_t size) {
        of(device).transport(tlm::TLM_WRITE_COMMAND, address, const_cast<void *>(data), size);
    },
    [](qm_device *device, uint64_t address, void *data, size_t size) { of(device).transport(tlm::TLM_READ_COMMAND, address, data, size); },
    [](qm_device *device, uint32_t offset, uint32_t value) { of(device).write_csr(offset, value); },
    [](qm_device *device, uint32_t offset) { return of(device).read_csr(offset); },
    [](qm_device *device, uint64_t limit_cycles) { return of(device).wait_for_irq(limit_cycles); },
    [](qm_device *device) { of(device).target.reset(); },
    [](qm_device *device, qm_observer *observer, void *context) {
        qm_device *inside = of(device).target.inside();
        inside->ops->observe(inside, observer, context);
    },
    nullptr, /* probe */
    [](qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
        qm_device *inside = of(device).target.inside();
        inside->ops->read_internal(inside, scratchpad, accumulator);
    },
    [](qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
        qm_device *inside = of(device).target.inside();
        inside->ops->write_internal(inside, scratchpad, accumulator);
    },
};

} // namespace qmac
