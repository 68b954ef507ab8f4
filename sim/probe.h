/* probe.h - what passes between the blocks in each busy cycle (spec/probes.def), recorded as frames: a ring of the last cycles.
 *
 * An engine that can be probed writes one frame a cycle. The values of the RTL are those of the wires; the model also says which it knows,
 * because data without a meaning (an address without a request) may be anything.
 */
#ifndef QM_SIM_PROBE_H
#define QM_SIM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

enum qm_probe {
#define QM_PROBE(unit, name, width, insn, gate, verilog, c) QM_P_##unit##_##name,
#include "spec/probes.def"
#undef QM_PROBE
    QM_PROBES
};

enum qm_probe_data {
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog) QM_D_##unit##_##name,
#include "spec/probes.def"
#undef QM_PROBE_DATA
    QM_PROBE_DATAS
};

/* Which instruction a signal belongs to. A unit's instructions are counted as in qm_event.index, those of decode in program order. */
enum qm_probe_insn {
    QM_INSN_NONE,
    QM_INSN_DECODE,     /* the head */
    QM_INSN_LOAD_START, /* the one that starts, or is next to */
    QM_INSN_LOAD_FRONT, /* of the front: the last that was started */
    QM_INSN_LOAD_BACK,  /* of the back: the oldest that has not ended */
    QM_INSN_MATMUL_START,
    QM_INSN_MATMUL_FRONT, /* as those of load */
    QM_INSN_MATMUL_BACK,  /* of the streamer: the last that was taken */
    QM_INSN_FED_WEIGHT,
    QM_INSN_FED_ROW,       /* of what enters the array, issued in the cycle before */
    QM_INSN_MATMUL_OLDEST, /* what leaves the array */
    QM_INSN_POST_START,
    QM_INSN_POST,
    QM_INSN_STORE_START,
    QM_INSN_STORE,
    QM_PROBE_INSNS
};

struct qm_probe_info {
    const char *unit, *name;
    unsigned width; /* bits; of data: of an element */
    enum qm_probe_insn insn;
    int gate; /* enum qm_probe, QM_P_ALWAYS: it always has a meaning */
};
extern const struct qm_probe_info qm_probe_infos[QM_PROBES];
extern const struct qm_probe_info qm_probe_data_infos[QM_PROBE_DATAS];

enum { QM_P_ALWAYS = -1 };

/* The unit whose instruction it is; -1: decode, or no instruction. */
int qm_probe_insn_unit(enum qm_probe_insn insn);

/* Bytes of each data signal on a machine, and where it lies in a frame. */
struct qm_probe_layout {
    uint32_t size[QM_PROBE_DATAS], offset[QM_PROBE_DATAS], total;
};

enum qm_known { QM_KNOWN_NOTHING, QM_KNOWN_ALL, QM_KNOWN_MASKED };

struct qm_frame {
    uint64_t cycle;
    uint32_t values[QM_PROBES];
    /* Of the model: */
    uint32_t insns[QM_PROBE_INSNS];
    uint8_t known[QM_PROBE_DATAS]; /* enum qm_known */
    uint8_t bytes[];               /* data [total], then masks [total]: 0xff where a byte of QM_KNOWN_MASKED data is known */
};

struct qm_frames {
    struct qm_probe_layout layout;
    uint64_t count;    /* written; frame i stays until i + capacity is written */
    uint64_t capacity; /* a power of two */
    size_t stride;
    uint8_t *memory;
    void (*written)(void *context, uint64_t index); /* NULL: nobody is told */
    void *context;
};

void qm_frames_init(struct qm_frames *frames, const struct qm_machine *machine, uint64_t capacity);
void qm_frames_fini(struct qm_frames *frames);

static inline struct qm_frame *qm_frames_at(const struct qm_frames *frames, uint64_t index) {
    return (struct qm_frame *)(frames->memory + (index & (frames->capacity - 1)) * frames->stride);
}

static inline uint8_t *qm_frame_data(const struct qm_frames *frames, struct qm_frame *frame, enum qm_probe_data data) {
    return frame->bytes + frames->layout.offset[data];
}

static inline uint8_t *qm_frame_mask(const struct qm_frames *frames, struct qm_frame *frame, enum qm_probe_data data) {
    return frame->bytes + frames->layout.total + frames->layout.offset[data];
}

/* Counts the frame that an engine has filled, and tells `written` of it. */
static inline void qm_frames_push(struct qm_frames *frames) {
    frames->count++;
    if (frames->written != NULL) frames->written(frames->context, frames->count - 1);
}

#endif
