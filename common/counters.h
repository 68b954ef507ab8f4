/* counters.h - the event and cause counters of spec/counters.def as one array, in CSR order. */
#ifndef QM_COMMON_COUNTERS_H
#define QM_COMMON_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* QM_C_macs, ... for events; QM_C_load_beat, ... for causes (group_name). */
enum qm_counter {
#define QM_COUNTER(name, unit, text)       QM_C_##name,
#define QM_VALUE_COUNTER(name, unit, text) QM_C_##name,
#define QM_CAUSE(group, name, text)        QM_C_##group##_##name,
#include "spec/counters.def"
#undef QM_COUNTER
#undef QM_VALUE_COUNTER
#undef QM_CAUSE
    QM_COUNTERS
};

struct qm_counters {
    uint64_t value[QM_COUNTERS];
};

struct qm_counter_info {
    const char *name;  /* "macs", "load_beat" */
    const char *group; /* NULL for an event; "load", "matmul", ... for a cause */
    const char *unit;
    const char *text;
    bool depends_on_values; /* time and the other events do not */
};
extern const struct qm_counter_info qm_counter_infos[QM_COUNTERS];

#endif
