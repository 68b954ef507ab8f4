/* energy.c - prices times counters, and their ranges. */
#include "report/energy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/area.h"
#include "report/energy_table.h"

enum { BITS = 8 };

const char *qm_energy_table_name(const struct qm_energy_table *table) {
    return table->name;
}

const struct qm_digest *qm_energy_table_digest(const struct qm_energy_table *table) {
    return &table->digest;
}

const char *qm_energy_table_about(const struct qm_energy_table *table) {
    return table->about;
}

static double sum_bytes(const struct qm_machine *machine) {
    return machine->accumulator_bits / (double)BITS;
}

static double row_of_sums_bytes(const struct qm_machine *machine) {
    return machine->cols * sum_bytes(machine);
}

static double memory_bytes(enum price_memory memory, const struct qm_machine *machine) {
    return memory == MEMORY_SCRATCHPAD ? machine->scratchpad_bytes : machine->accumulator_rows * row_of_sums_bytes(machine);
}

static double access_bytes(enum price_access access, const struct qm_machine *machine) {
    switch (access) {
    case ACCESS_ROWS: return machine->rows;
    case ACCESS_COLS: return machine->cols;
    case ACCESS_AXI: return machine->axi_bytes;
    default: return row_of_sums_bytes(machine);
    }
}

static double bytes_of_one(enum qm_counter counter, const struct qm_machine *machine) {
    const char *unit = qm_counter_infos[counter].unit;
    return strcmp(unit, "beats") == 0 ? machine->axi_bytes : strcmp(unit, "words") == 0 ? sum_bytes(machine) : 1;
}

static double access_factor(const struct price_row *row, const struct qm_machine *machine) {
    double kib = memory_bytes(row->memory, machine) / 1024, width = access_bytes(row->access, machine);
    return pow(kib, row->kb_exponent) * pow(width * BITS / 64, row->bits_exponent) * bytes_of_one(row->counter, machine) / width;
}

enum qm_status qm_energy_check(const struct qm_energy_table *table, const struct qm_machine *machine, struct qm_diag *diag) {
    if (machine->clock_mhz <= table->clock_mhz_most) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "clock_mhz=%u: energy table %s has prices up to %g MHz: lower the clock, or take another table",
                   machine->clock_mhz, table->name, table->clock_mhz_most);
}

/* Whether a number is out of its range, told once for all numbers of a kind. */
static bool tell_outside(const char *what, double number, const char *unit, double least, double most, char *text, size_t size) {
    size_t used = strlen(text);
    bool is_outside = number < least || number > most;
    if (is_outside) snprintf(text + used, size - used, "%s%s %g %s (%g to %g)", used > 0 ? ", " : "", what, number, unit, least, most);
    return is_outside;
}

bool qm_energy_is_outside_fit(const struct qm_energy_table *table, const struct qm_machine *machine, char *text, size_t size) {
    static const struct {
        enum price_memory memory;
        enum price_access access;
        const char *name, *access_name;
    } sites[] = {{MEMORY_SCRATCHPAD, ACCESS_ROWS, "scratchpad", "access of rows"},
                 {MEMORY_SCRATCHPAD, ACCESS_COLS, NULL, "access of cols"},
                 {MEMORY_SCRATCHPAD, ACCESS_AXI, NULL, "access of axi_bytes"},
                 {MEMORY_ACCUMULATOR, ACCESS_SUMS, "accumulator", "accumulator row"}};
    const struct price_fit *fit = &table->fit;
    bool is_outside = false;
    text[0] = '\0';
    if (fit->bits_most <= 0) return false;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        double kib = memory_bytes(sites[i].memory, machine) / 1024, bits = access_bytes(sites[i].access, machine) * BITS;
        if (sites[i].name != NULL) is_outside |= tell_outside(sites[i].name, kib, "KiB", fit->kib_least, fit->kib_most, text, size);
        is_outside |= tell_outside(sites[i].access_name, bits, "bits", fit->bits_least, fit->bits_most, text, size);
    }
    return is_outside;
}

/* Registers that a byte passes: down all rows, as weights do, or into them or the columns one later each. */
static double hops_of(enum price_hops hops, const struct qm_machine *machine) {
    switch (hops) {
    case HOPS_ROWS: return machine->rows;
    case HOPS_ROWS_SKEW: return (machine->rows - 1) / 2.0;
    default: return (machine->cols - 1) / 2.0;
    }
}

static double logic_um2(enum qm_component component, const struct qm_machine *machine) {
    struct qm_block blocks = qm_blocks_sum(machine, component);
    return qm_area_of_block(&blocks).nominal_um2;
}

/* Channels that together deliver what the machine may ask for. */
static double channels(const struct qm_energy_table *table, const struct qm_machine *machine) {
    return ceil(machine->dram_bytes_per_cycle * (double)machine->clock_mhz / 1000 / table->dram_channel_gb_s);
}

/* Picojoules of one count when the price is 1. */
static double row_factor(const struct qm_energy_table *table, const struct price_row *row, const struct qm_machine *machine) {
    double cells = (double)machine->rows * machine->cols, microseconds = 1.0 / machine->clock_mhz; /* of a cycle; uW * us = pJ */
    switch (row->unit) {
    case PER_COUNT: return 1;
    case PER_HOP: return hops_of(row->hops, machine);
    case PER_BIT: return bytes_of_one(row->counter, machine) * BITS;
    case PER_ACCESS: return access_factor(row, machine);
    case PER_CELL_CYCLE: return cells;
    case PER_FLIP_FLOP: return qm_blocks_sum(machine, row->component).flip_flops / 1000;
    case MICROWATT_CELL: return cells * microseconds;
    case MICROWATT_KIB: return memory_bytes(row->memory, machine) / 1024 * microseconds;
    case NANOWATT_UM2: return logic_um2(row->component, machine) / 1000 * microseconds;
    case MILLIWATT: return 1000 * microseconds;
    default: return channels(table, machine) * 1000 * microseconds;
    }
}

static void add_deviation(struct qm_energy_deviation *sum, const struct qm_energy *price, double amount) {
    sum->down_pj += (price->nominal_pj - price->low_pj) * amount;
    sum->up_pj += (price->high_pj - price->nominal_pj) * amount;
}

static void set_range(struct qm_energy *energy, const struct qm_energy_deviation *origins) {
    double down = 0, up = 0;
    for (int i = 0; i < QM_ENERGY_ORIGINS_MAX; i++) {
        down += origins[i].down_pj * origins[i].down_pj;
        up += origins[i].up_pj * origins[i].up_pj;
    }
    energy->low_pj = energy->nominal_pj - sqrt(down);
    energy->high_pj = energy->nominal_pj + sqrt(up);
}

void qm_energy_of(const struct qm_energy_table *table, const struct qm_machine *machine, const struct qm_counters *counters,
                  struct qm_energy_sum *sum) {
    struct qm_energy_deviation components[QM_COMPONENTS][QM_ENERGY_ORIGINS_MAX] = {0};
    *sum = (struct qm_energy_sum){0};
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct price_row *row = &table->rows[i];
        if (row->cell != 0 && row->cell != machine->cell) continue;
        double amount = (double)counters->value[row->counter] * row_factor(table, row, machine);
        sum->total.nominal_pj += row->price.nominal_pj * amount;
        sum->components[row->component].nominal_pj += row->price.nominal_pj * amount;
        add_deviation(&sum->origins[row->origin], &row->price, amount);
        add_deviation(&components[row->component][row->origin], &row->price, amount);
    }
    set_range(&sum->total, sum->origins);
    for (int i = 0; i < QM_COMPONENTS; i++) set_range(&sum->components[i], components[i]);
}

/* In logarithms, in which a ratio is a difference. */
struct qm_energy_ratio qm_energy_compare(const struct qm_energy_sum *a, const struct qm_energy_sum *b) {
    double nominal = log(a->total.nominal_pj / b->total.nominal_pj), down = 0, up = 0;
    for (int i = 0; i < QM_ENERGY_ORIGINS_MAX; i++) {
        const struct qm_energy_deviation *x = &a->origins[i], *y = &b->origins[i];
        double at_low = log((a->total.nominal_pj - x->down_pj) / (b->total.nominal_pj - y->down_pj)) - nominal;
        double at_high = log((a->total.nominal_pj + x->up_pj) / (b->total.nominal_pj + y->up_pj)) - nominal;
        double least = fmin(0, fmin(at_low, at_high)), most = fmax(0, fmax(at_low, at_high));
        down += least * least;
        up += most * most;
    }
    return (struct qm_energy_ratio){exp(nominal - sqrt(down)), exp(nominal + sqrt(up))};
}
