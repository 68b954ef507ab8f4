/* counters.c - the counter table. */
#include "common/counters.h"

#include <stddef.h>

const struct qm_counter_info qm_counter_infos[QM_COUNTERS] = {
#define QM_COUNTER(name, unit, text)       {#name, NULL, unit, text, false},
#define QM_VALUE_COUNTER(name, unit, text) {#name, NULL, unit, text, true},
#define QM_CAUSE(group, name, text)        {#group "_" #name, #group, "cycles", text, false},
#include "spec/counters.def"
#undef QM_COUNTER
#undef QM_VALUE_COUNTER
#undef QM_CAUSE
};
