/* area.h - what the array and the memories of a machine take on silicon, by spec/energy/area.def, which says what is not in it. */
#ifndef QM_REPORT_AREA_H
#define QM_REPORT_AREA_H

#include "common/machine.h"

enum qm_area_part {
#define QM_AREA(part, ...) QM_AREA_##part,
#include "spec/energy/area.def"
#undef QM_AREA
    QM_AREA_PARTS
};

struct qm_area {
    const char *part, *unit;               /* "array", "cells" */
    double count;                          /* of the unit */
    double nominal_um2, low_um2, high_um2; /* of all of them */
};

struct qm_area qm_area_of(const struct qm_machine *machine, enum qm_area_part part);

/* Of all parts together; all lows, all highs. */
struct qm_area qm_area_sum(const struct qm_machine *machine);

#endif
