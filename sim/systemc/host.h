// host.h - the accelerator as its driver sees it over a bus: struct qm_device on an initiator socket and an interrupt.
//
// driver/ runs on device() from any SC_THREAD, as it runs on every engine. Registers and memory are reached by transactions; waiting is
// sleeping until the interrupt. What no bus shows (observers, scratchpad) is asked of the module itself.
#ifndef QM_SIM_SYSTEMC_HOST_H
#define QM_SIM_SYSTEMC_HOST_H

#include "sim/systemc/accelerator.h"

namespace qmac {

class host : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<host> socket;
    sc_core::sc_in<bool> irq;

    host(sc_core::sc_module_name name, uint64_t csr_base, accelerator &target);

    // Borrowed; for SC_THREADs only. It cannot be created or destroyed through its ops.
    qm_device *device() {
        return &self.base;
    }

  private:
    struct handle {
        qm_device base;
        host *owner;
    } self;
    const uint64_t csr_base;
    accelerator &target;

    static const qm_device_ops ops;
    static host &of(qm_device *device) {
        return *reinterpret_cast<handle *>(device)->owner;
    }
    void transport(tlm::tlm_command command, uint64_t address, void *data, size_t size);
    uint32_t read_csr(uint32_t offset);
    void write_csr(uint32_t offset, uint32_t value);
    bool is_busy();
    bool wait_for_irq(uint64_t limit_cycles);
};

} // namespace qmac

#endif
