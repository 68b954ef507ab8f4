// somebodys_system.cpp - the accelerator on a bus that knows nothing of it: an address map, a clock and a memory of another maker, and the
// driver in a thread of the simulated processor. The example of docs/how-to/put-it-on-a-bus.md.
//
//   build/somebodys_system PROGRAM INPUTS.npy OUTPUTS.npy MEMORY_NS
// Runs the compiled program on every input, compares with the expected outputs, and prints the cycles of the last run.
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <tlm_utils/multi_passthrough_target_socket.h>

#include "sim/systemc/host.h"

extern "C" {
#include "common/npy.h"
#include "driver/driver.h"
}

using namespace sc_core;

enum : uint64_t { CSR_BASE = 0x10000000, CSR_BYTES = 0x1000, RAM_BASE = 0x40000000, RAM_BYTES = 0x400000 };

// Takes the same time for every transaction, and knows no byte enables.
struct ram : sc_module {
    tlm_utils::simple_target_socket<ram> port{"port"};
    std::vector<uint8_t> bytes = std::vector<uint8_t>(RAM_BYTES);
    const sc_time latency;

    ram(sc_module_name name, sc_time latency_) : sc_module(name), latency(latency_) {
        port.register_b_transport(this, &ram::access);
    }

    void access(tlm::tlm_generic_payload &transaction, sc_time &delay) {
        if (transaction.get_byte_enable_ptr() != nullptr) return transaction.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        uint8_t *at = bytes.data() + transaction.get_address();
        if (transaction.is_write())
            std::memcpy(at, transaction.get_data_ptr(), transaction.get_data_length());
        else
            std::memcpy(transaction.get_data_ptr(), at, transaction.get_data_length());
        delay += latency;
        transaction.set_response_status(tlm::TLM_OK_RESPONSE);
    }
};

// Two initiators, two targets, each target sees its own offsets.
struct interconnect : sc_module {
    tlm_utils::multi_passthrough_target_socket<interconnect> in{"in"};
    tlm_utils::simple_initiator_socket<interconnect> to_csr{"to_csr"}, to_ram{"to_ram"};

    explicit interconnect(sc_module_name name) : sc_module(name) {
        in.register_b_transport(this, &interconnect::route);
    }

    static bool lies_in(const tlm::tlm_generic_payload &transaction, uint64_t base, uint64_t size) {
        uint64_t at = transaction.get_address() - base;
        return transaction.get_address() >= base && at < size && transaction.get_data_length() <= size - at;
    }

    void route(int, tlm::tlm_generic_payload &transaction, sc_time &delay) {
        bool is_csr = lies_in(transaction, CSR_BASE, CSR_BYTES);
        if (!is_csr && !lies_in(transaction, RAM_BASE, RAM_BYTES)) return transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        transaction.set_address(transaction.get_address() - (is_csr ? CSR_BASE : RAM_BASE));
        if (is_csr)
            to_csr->b_transport(transaction, delay);
        else
            to_ram->b_transport(transaction, delay);
    }
};

struct work {
    qm_program *program;
    qm_npy inputs, outputs;
};

static void require(qm_status status, const qm_diag &diag) {
    if (status == QM_OK) return;
    std::fprintf(stderr, "%s\n", diag.text);
    std::exit(status);
}

struct somebodys_system : sc_module {
    sc_clock clock{"clock", 5, SC_NS};
    sc_signal<bool> irq{"irq"};
    interconnect bus{"bus"};
    ram memory;
    qmac::accelerator accelerator;
    qmac::host processor{"processor", CSR_BASE, accelerator};
    work &todo;
    uint64_t wrong = 0;

    somebodys_system(sc_module_name name, work &todo_, sc_time latency)
        : sc_module(name), memory("memory", latency),
          accelerator("accelerator", qm_device_cycle, todo_.program->machine, qm_device_options{}, clock.period()), todo(todo_) {
        SC_HAS_PROCESS(somebodys_system);
        processor.socket.bind(bus.in);
        accelerator.memory.bind(bus.in);
        bus.to_csr.bind(accelerator.csr);
        bus.to_ram.bind(memory.port);
        accelerator.irq.bind(irq);
        processor.irq.bind(irq);
        SC_THREAD(software);
        set_stack_size(1 << 20);
    }

    void software() {
        qm_device *device = processor.device();
        qm_diag diag;
        require(qm_driver_load_at(device, todo.program, RAM_BASE, &diag), diag);
        const qm_program_tensor &in = todo.program->tensors[0], &out = todo.program->tensors[todo.program->input_count];
        std::vector<uint8_t> got(out.size_bytes);
        for (uint64_t i = 0; i < todo.inputs.count / in.size_bytes; i++) {
            qm_driver_write_tensor(device, todo.program, 0, todo.inputs.data + i * in.size_bytes);
            require(qm_driver_run(device, todo.program, nullptr, nullptr, &diag), diag);
            qm_driver_read_tensor(device, todo.program, todo.program->input_count, got.data());
            wrong += std::memcmp(got.data(), todo.outputs.data + i * out.size_bytes, out.size_bytes) != 0;
        }
        std::printf("cycles %" PRIu64 "\nwrong %" PRIu64 "\nsimulated %s\n", qm_device_counter(device, QM_C_cycles), wrong,
                    sc_time_stamp().to_string().c_str());
        sc_stop();
    }
};

int sc_main(int argc, char **argv) {
    work todo;
    qm_diag diag;
    if (argc != 5) return 2;
    require(qm_program_load(argv[1], &todo.program, &diag), diag);
    require(qm_npy_read(argv[2], &todo.inputs, &diag), diag);
    require(qm_npy_read(argv[3], &todo.outputs, &diag), diag);
    somebodys_system top("top", todo, sc_time(std::atof(argv[4]), SC_NS));
    sc_start();
    qm_npy_free(&todo.inputs);
    qm_npy_free(&todo.outputs);
    qm_program_destroy(todo.program);
    return top.wrong != 0;
}
