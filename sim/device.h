/* device.h - one accelerator, whatever it is made of: the cycle model, the Verilated RTL, a mock in tests.
 *
 * A device is seen as its driver sees hardware: registers (spec/csr.def), memory, and time. The driver above it is the same for all.
 * Two devices with two machines may live in one process.
 */
#ifndef QM_SIM_DEVICE_H
#define QM_SIM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "common/machine.h"
#include "common/status.h"

struct qm_device;
struct qm_frames; /* sim/probe.h */

enum qm_event_kind {
    QM_EVENT_START,       /* unit, index */
    QM_EVENT_END,         /* unit, index */
    QM_EVENT_READ_BURST,  /* address, size = beats, index = 0 fetch, 1 load */
    QM_EVENT_READ_BEAT,   /* address of the beat, index = 0 fetch, 1 load, data */
    QM_EVENT_WRITE_BURST, /* address, size = beats */
    QM_EVENT_WRITE_BEAT,  /* address of the beat, strobe, data */
    QM_EVENT_RESPONSE,    /* a write response */
};

struct qm_event {
    uint64_t cycle; /* docs/machine.md: cycle 0 is the first busy cycle */
    enum qm_event_kind kind;
    enum qm_unit unit;
    uint32_t index;   /* START, END: how many instructions the unit started (ended) before in this run */
    uint64_t address; /* bus address */
    uint64_t size;
    uint64_t strobe;     /* bit i: byte i is written */
    const uint8_t *data; /* [axi_bytes], valid during the call */
};

/* Called with non-decreasing cycles; within a cycle in the order of enum qm_event_kind, then of units. */
typedef void qm_observer(void *context, const struct qm_event *event);

/* A burst as the memory sees it. */
struct qm_memory_access {
    bool is_write;
    uint32_t size;          /* at most QM_BURST_BYTES_MAX */
    uint64_t address;       /* on the bus */
    uint8_t *bytes;         /* [size] to be filled, or to be written */
    const uint8_t *enables; /* [size] of a write: 0xff where the byte is written, else 0 */
    /* the answer, all zero before */
    bool is_error;
    bool is_misframed;     /* a read whose RLAST is wrong in every beat */
    uint64_t delay_cycles; /* to the first beat or the response, when more than dram_latency; UINT64_MAX: it never comes */
};
enum { QM_BURST_BYTES_MAX = 1024 };

/* Called once a burst: for a read in the cycle in which it is accepted, for a write in the cycle of its last beat. */
typedef void qm_burst_target(void *context, struct qm_memory_access *access);

struct qm_device_options {
    uint64_t seed;           /* of the stalls */
    double stalls;           /* probability per channel and cycle, 0: none */
    bool step;               /* cycle model: step every cycle instead of skipping */
    bool no_values;          /* cycle model: the time and counters of any run, but only instructions are read: nothing else is moved or
                              computed, and observers see no beats. fast: the time alone. The other engines ignore it. */
    uint64_t memory_bytes;   /* of the DRAM behind the device */
    uint64_t memory_base;    /* its bus address, a multiple of 4096 */
    const char *rtl_library; /* rtl: what qm_rtl_build has built is loaded as it is; NULL: that of rtl/ of the home is found, or
                                built */
    bool probed;             /* rtl: built so that probe works, which is slower; a pair in lockstep then compares that too */
    qm_burst_target *memory; /* instead of memory_bytes: where the bytes are; write_memory and read_memory may not be called */
    void *memory_context;
};

/* What an engine has; else time is 0 with the counters of causes, values are 0 with the counters that depend on them, and the options of
 * the name are not for it. */
enum qm_device_has { QM_HAS_TIME = 1, QM_HAS_VALUES = 2, QM_HAS_STALLS = 4, QM_HAS_STEPS = 8 };

/* What a device is made of; one constant table per engine. All may be called at any time but within an observer. */
struct qm_device_ops {
    const char *name; /* "cycle", "rtl", ... */
    unsigned has;     /* enum qm_device_has, together */
    QM_MUST_USE enum qm_status (*create)(const struct qm_machine *machine, const struct qm_device_options *options,
                                         struct qm_device **device, struct qm_diag *diag);
    void (*destroy)(struct qm_device *device);
    void (*write_memory)(struct qm_device *device, uint64_t address, const void *data, size_t size); /* bus address; must lie inside */
    void (*read_memory)(struct qm_device *device, uint64_t address, void *data, size_t size);
    void (*write_csr)(struct qm_device *device, uint32_t offset, uint32_t value);
    uint32_t (*read_csr)(struct qm_device *device, uint32_t offset);
    /* Lets time pass until the device is not BUSY, at most limit cycles. Returns whether it is not BUSY. */
    bool (*wait)(struct qm_device *device, uint64_t limit_cycles);
    void (*reset)(struct qm_device *device); /* docs/machine.md, Reset; the memory keeps its bytes too */
    void (*observe)(struct qm_device *device, qm_observer *observer, void *context); /* NULL: nobody */
    /* Writes a frame for every busy cycle; NULL: no more. Call it while the device is not BUSY; the member is NULL for a device without
     * blocks to look into. */
    void (*probe)(struct qm_device *device, struct qm_frames *frames);
    /* For tests and verification: copies the scratchpad [scratchpad_bytes] and accumulator [accumulator_rows][cols]; either may be NULL.
     * write_internal sets them; of a sum it takes the low accumulator_bits. */
    void (*read_internal)(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator);
    void (*write_internal)(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator);
};

/* Every engine's struct begins with this. */
struct qm_device {
    const struct qm_device_ops *ops;
};

/* Reads one 64-bit counter through its two registers; stable while the device is not BUSY. */
static inline uint64_t qm_device_counter(struct qm_device *device, enum qm_counter counter) {
    uint32_t offset = QM_CSR_COUNTERS + 8 * (uint32_t)counter;
    uint64_t low = device->ops->read_csr(device, offset);
    return low | (uint64_t)device->ops->read_csr(device, offset + 4) << 32;
}

extern const struct qm_device_ops qm_device_cycle;   /* sim/cycle */
extern const struct qm_device_ops qm_device_rtl;     /* sim/verilated */
extern const struct qm_device_ops qm_device_systemc; /* sim/systemc: the cycle model in a SystemC platform */
extern const struct qm_device_ops
    qm_device_functional; /* sim/functional: values only, no events; only counters of values count; what is waited buys work */
extern const struct qm_device_ops qm_device_timing; /* sim/timing: START, END and counters but those of values; no stalls */
extern const struct qm_device_ops qm_device_fast;   /* sim/timing: the same, with the values of the functional engine */

#endif
