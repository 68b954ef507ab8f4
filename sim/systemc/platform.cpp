// platform.cpp - a small system: host, bus, memory, accelerator, and the way into it from outside of the simulation.
//
//   host ──▶ bus ──▶ csr of the accelerator ──▶ bus ──▶ memory
//              └──▶ memory          └── irq ──▶ host
//
// SystemC knows one simulation at a time, in a global variable: each platform has its own and puts it there while it works. A call from
// outside hands the host thread something to do and lets the simulation run until that is done.
#include "sim/systemc/platform.h"

#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "sim/systemc/host.h"

using namespace sc_core;

// SystemC's library asks for it; nobody calls it.
extern "C" int sc_main(int, char **) {
    return 0;
}

namespace qmac {

static const uint64_t CSR_BASE = 0xffffffff00000000u, CSR_BYTES = 4096;
enum { STACK_BYTES = 1 << 20 };

struct memory : sc_module {
    tlm_utils::simple_target_socket<memory> socket{"socket"};
    std::vector<uint8_t> bytes;

    memory(sc_module_name name, uint64_t size) : sc_module(name), bytes(size) {
        socket.register_b_transport(this, &memory::access);
    }

    void access(tlm::tlm_generic_payload &transaction, sc_time &) {
        uint64_t at = transaction.get_address(), size = transaction.get_data_length();
        if (at > bytes.size() || size > bytes.size() - at) return transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        if (transaction.is_write())
            std::memcpy(bytes.data() + at, transaction.get_data_ptr(), size);
        else
            std::memcpy(transaction.get_data_ptr(), bytes.data() + at, size);
        transaction.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

// Registers at CSR_BASE, seen by the host alone; everything else is memory, from memory_base on.
struct bus : sc_module {
    tlm_utils::simple_target_socket<bus> from_host{"from_host"}, from_accelerator{"from_accelerator"};
    tlm_utils::simple_initiator_socket<bus> to_csr{"to_csr"}, to_memory{"to_memory"};
    const uint64_t memory_base;

    bus(sc_module_name name, uint64_t base) : sc_module(name), memory_base(base) {
        from_host.register_b_transport(this, &bus::route_host);
        from_accelerator.register_b_transport(this, &bus::route_memory);
    }

    void route_host(tlm::tlm_generic_payload &transaction, sc_time &delay) {
        uint64_t address = transaction.get_address();
        if (address < CSR_BASE || address - CSR_BASE >= CSR_BYTES) return route_memory(transaction, delay);
        transaction.set_address(address - CSR_BASE);
        to_csr->b_transport(transaction, delay);
    }

    void route_memory(tlm::tlm_generic_payload &transaction, sc_time &delay) {
        transaction.set_address(transaction.get_address() - memory_base);
        to_memory->b_transport(transaction, delay);
    }
};

struct system : sc_module {
    sc_signal<bool> irq{"irq"};
    qmac::accelerator accelerator;
    qmac::host host{"host", CSR_BASE, accelerator};
    qmac::bus bus;
    qmac::memory memory;
    sc_event asked;
    std::function<void(qm_device *)> job;

    system(sc_module_name name, const qm_device_ops &engine, const qm_machine &machine, const qm_device_options &options)
        : sc_module(name), accelerator("accelerator", engine, machine, options, sc_time(1e6 / machine.clock_mhz, SC_PS)),
          bus("bus", options.memory_base), memory("memory", options.memory_bytes) {
        SC_HAS_PROCESS(system);
        host.socket.bind(bus.from_host);
        bus.to_csr.bind(accelerator.csr);
        accelerator.memory.bind(bus.from_accelerator);
        bus.to_memory.bind(memory.socket);
        accelerator.irq.bind(irq);
        host.irq.bind(irq);
        SC_THREAD(serve);
        set_stack_size(STACK_BYTES);
    }

    void serve() {
        for (;;) {
            wait(asked);
            job(host.device());
            sc_pause();
        }
    }
};

struct platform {
    qm_device base;
    std::unique_ptr<sc_simcontext> context{new sc_simcontext};
    std::unique_ptr<qmac::system> system;
};

// Makes a platform's simulation the current one for as long as it lives.
struct entered {
    sc_simcontext *before = sc_curr_simcontext;
    explicit entered(platform &self) {
        sc_curr_simcontext = self.context.get();
    }
    ~entered() {
        sc_curr_simcontext = before;
    }
};

static platform &of(qm_device *device) {
    return *reinterpret_cast<platform *>(device);
}

static void on_host(qm_device *device, std::function<void(qm_device *)> job) {
    entered simulation(of(device));
    of(device).system->job = std::move(job);
    of(device).system->asked.notify(SC_ZERO_TIME);
    sc_start();
}

static const qm_device_ops platform_ops = {
    "systemc",
    QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS,
    nullptr,
    [](qm_device *device) {
        entered simulation(of(device));
        of(device).system.reset();
        delete &of(device);
    },
    [](qm_device *device, uint64_t address, const void *data, size_t size) {
        on_host(device, [=](qm_device *bus) { bus->ops->write_memory(bus, address, data, size); });
    },
    [](qm_device *device, uint64_t address, void *data, size_t size) {
        on_host(device, [=](qm_device *bus) { bus->ops->read_memory(bus, address, data, size); });
    },
    [](qm_device *device, uint32_t offset, uint32_t value) {
        on_host(device, [=](qm_device *bus) { bus->ops->write_csr(bus, offset, value); });
    },
    [](qm_device *device, uint32_t offset) {
        uint32_t value;
        on_host(device, [&](qm_device *bus) { value = bus->ops->read_csr(bus, offset); });
        return value;
    },
    [](qm_device *device, uint64_t limit_cycles) {
        bool is_over;
        on_host(device, [&](qm_device *bus) { is_over = bus->ops->wait(bus, limit_cycles); });
        return is_over;
    },
    [](qm_device *device) { on_host(device, [=](qm_device *bus) { bus->ops->reset(bus); }); },
    [](qm_device *device, qm_observer *observer, void *context) {
        on_host(device, [=](qm_device *bus) { bus->ops->observe(bus, observer, context); });
    },
    nullptr, /* probe */
    [](qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
        on_host(device, [=](qm_device *bus) { bus->ops->read_internal(bus, scratchpad, accumulator); });
    },
    [](qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
        on_host(device, [=](qm_device *bus) { bus->ops->write_internal(bus, scratchpad, accumulator); });
    },
};

} // namespace qmac

void systemc_platform_no_memory(void (*no_memory)(void)) {
    std::set_new_handler(no_memory);
}

// No exception leaves: what SystemC or the engine says becomes the diagnosis.
enum qm_status systemc_platform_create(const struct qm_device_ops *engine, const struct qm_machine *machine,
                                       const struct qm_device_options *options, struct qm_device **device, struct qm_diag *diag) {
    std::unique_ptr<qmac::platform> made(new qmac::platform);
    qmac::entered simulation(*made);
    try {
        made->base.ops = &qmac::platform_ops;
        made->system.reset(new qmac::system("system", *engine, *machine, *options));
        sc_start(SC_ZERO_TIME);
    } catch (const std::exception &error) {
        std::snprintf(diag->text, sizeof diag->text, "%s", error.what());
        made.reset();
        return QM_BAD_INPUT;
    }
    *device = &made.release()->base;
    return QM_OK;
}
