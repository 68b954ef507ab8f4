/* area.c - see area.h. */
#include "report/area.h"

enum thing {
#define QM_AREA(thing, ...) THING_##thing,
#include "spec/energy/area.def"
#undef QM_AREA
    THINGS
};

static const struct qm_area things[THINGS] = {
#define QM_AREA(thing, nominal, low, high) {nominal, low, high},
#include "spec/energy/area.def"
#undef QM_AREA
};

enum { KIB_BITS = 8 * 1024 };

static void add(struct qm_area *sum, const struct qm_area *area, double count) {
    sum->nominal_um2 += area->nominal_um2 * count;
    sum->low_um2 += area->low_um2 * count;
    sum->high_um2 += area->high_um2 * count;
}

struct qm_area qm_area_of_block(const struct qm_block *block) {
    struct qm_area area = {0};
    add(&area, &things[THING_gate], block->gates);
    add(&area, &things[THING_flip_flop], block->flip_flops);
    add(&area, &things[THING_bit], block->bits);
    return area;
}

struct qm_area qm_area_of_memory(const struct qm_machine *machine, enum qm_component component) {
    struct qm_area area = {0};
    double sums = (double)machine->accumulator_rows * machine->cols;
    if (component == QM_COMPONENT_SCRATCHPAD) add(&area, &things[THING_kib], machine->scratchpad_bytes / 1024.0);
    if (component == QM_COMPONENT_ACCUMULATOR) add(&area, &things[THING_kib], sums * machine->accumulator_bits / KIB_BITS);
    return area;
}

struct qm_area qm_area_sum(const struct qm_machine *machine) {
    struct qm_area sum = {0};
    for (enum qm_component component = 0; component < QM_COMPONENTS; component++) {
        struct qm_block blocks = qm_blocks_sum(machine, component);
        struct qm_area logic = qm_area_of_block(&blocks), memory = qm_area_of_memory(machine, component);
        add(&sum, &logic, 1);
        add(&sum, &memory, 1);
    }
    return sum;
}
