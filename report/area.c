/* area.c - see area.h. */
#include "report/area.h"

static const struct qm_area parts[QM_AREA_PARTS] = {
#define QM_AREA(part, unit, nominal, low, high) {#part, unit, 1, nominal, low, high},
#include "spec/energy/area.def"
#undef QM_AREA
};

enum { KIB_BITS = 8 * 1024 };

static double count_of(const struct qm_machine *machine, enum qm_area_part part) {
    switch (part) {
    case QM_AREA_array: return (double)machine->rows * machine->cols;
    case QM_AREA_scratchpad: return machine->scratchpad_bytes / 1024.0;
    default: return (double)machine->accumulator_rows * machine->cols * machine->accumulator_bits / KIB_BITS;
    }
}

struct qm_area qm_area_of(const struct qm_machine *machine, enum qm_area_part part) {
    struct qm_area area = parts[part];
    area.count = count_of(machine, part);
    area.nominal_um2 *= area.count;
    area.low_um2 *= area.count;
    area.high_um2 *= area.count;
    return area;
}

struct qm_area qm_area_sum(const struct qm_machine *machine) {
    struct qm_area sum = {.part = "these"};
    for (enum qm_area_part part = 0; part < QM_AREA_PARTS; part++) {
        struct qm_area area = qm_area_of(machine, part);
        sum.nominal_um2 += area.nominal_um2;
        sum.low_um2 += area.low_um2;
        sum.high_um2 += area.high_um2;
    }
    return sum;
}
