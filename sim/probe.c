/* probe.c - the tables of spec/probes.def, and the ring of frames. */
#include "sim/probe.h"

#include <stdlib.h>

#include "common/memory.h"
#include "common/status.h"

enum { BITS = 8 };

const struct qm_probe_info qm_probe_infos[QM_PROBES] = {
#define QM_PROBE(unit, name, width, insn, gate, verilog, c) {#unit, #name, width, QM_INSN_##insn, (int)QM_P_##gate},
#include "spec/probes.def"
#undef QM_PROBE
};

const struct qm_probe_info qm_probe_data_infos[QM_PROBE_DATAS] = {
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog) {#unit, #name, BITS * element, QM_INSN_##insn, QM_P_ALWAYS},
#include "spec/probes.def"
#undef QM_PROBE_DATA
};

int qm_probe_insn_unit(enum qm_probe_insn insn) {
    if (insn <= QM_INSN_DECODE) return -1;
    if (insn <= QM_INSN_LOAD_BACK) return QM_UNIT_LOAD;
    if (insn <= QM_INSN_MATMUL_OLDEST) return QM_UNIT_MATMUL;
    return insn <= QM_INSN_POST ? QM_UNIT_POST : QM_UNIT_STORE;
}

void qm_frames_init(struct qm_frames *frames, const struct qm_machine *machine, uint64_t capacity) {
    const uint32_t sizes[QM_PROBE_DATAS] = {
#define QM_PROBE_DATA(unit, name, width, insn, bytes, element, verilog) bytes,
#include "spec/probes.def"
#undef QM_PROBE_DATA
    };
    *frames = (struct qm_frames){.capacity = capacity};
    for (int i = 0; i < QM_PROBE_DATAS; i++) {
        frames->layout.size[i] = sizes[i];
        frames->layout.offset[i] = frames->layout.total;
        frames->layout.total += (sizes[i] + 7) & ~7u;
    }
    frames->stride = (offsetof(struct qm_frame, bytes) + 2 * (size_t)frames->layout.total + 63) & ~(size_t)63;
    frames->memory = qm_alloc_zeroed(capacity, frames->stride);
    QM_CHECK((capacity & (capacity - 1)) == 0);
}

void qm_frames_fini(struct qm_frames *frames) {
    free(frames->memory);
    frames->memory = NULL;
}
