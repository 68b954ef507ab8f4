// accelerator.h - the accelerator as a SystemC module for any bus that speaks TLM-2.0 (blocking transport, generic payload).
//
//   csr     target: the registers of spec/csr.def as aligned 32-bit words; a transaction takes no time
//   memory  initiator: one transaction a read burst, and one a run of bytes of a write burst; addresses are MEMORY_BASE + arena offset
//   irq     as irq_o of the RTL
//
// Inside is an engine of sim/device.h that is ticked once a period while it is busy, so cycles and counters are its own. A memory that
// takes no time costs what the machine's knobs say (dram_latency, dram_bytes_per_cycle, dram_queue); one that waits or annotates a delay
// costs the longer of the two. docs/how-to/put-it-on-a-bus.md shows a system around it.
#ifndef QM_SIM_SYSTEMC_ACCELERATOR_H
#define QM_SIM_SYSTEMC_ACCELERATOR_H

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

extern "C" {
#include "sim/device.h"
}

namespace qmac {

class accelerator : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<accelerator> csr;
    tlm_utils::simple_initiator_socket<accelerator> memory;
    sc_core::sc_out<bool> irq;

    // Of the options only seed, stalls and step matter here. Throws std::runtime_error with one line when the engine refuses the machine.
    accelerator(sc_core::sc_module_name name, const qm_device_ops &engine, const qm_machine &machine, const qm_device_options &options,
                sc_core::sc_time period);
    ~accelerator() override;

    const sc_core::sc_time period;

    // As rst_ni; while the memory has the module wait, as soon as it lets go.
    void reset();

    // What no bus shows: observers, scratchpad, accumulator. Its registers, memory and time belong to this module.
    qm_device *inside() {
        return device;
    }

  private:
    qm_device *device = nullptr;
    sc_core::sc_event started, changed;
    bool is_ticking = false, is_reset_due = false;
    sc_core::sc_time edge; // that ends the cycle which the engine computes

    void run();
    bool tick();
    void drive_irq();
    uint32_t read(uint32_t offset) {
        return device->ops->read_csr(device, offset);
    }
    void access_csr(tlm::tlm_generic_payload &transaction, sc_core::sc_time &delay);
    bool transport(tlm::tlm_command command, uint64_t address, uint8_t *bytes, uint32_t size, sc_core::sc_time &delay);
    void access_memory(qm_memory_access &burst);
};

} // namespace qmac

#endif
