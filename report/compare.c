/* compare.c - the sums of compare.h, layer by layer, and their lines. */
#include "report/compare.h"

#include <string.h>

#include "common/status.h"
#include "report/cells.h"

enum arithmetic_id {
#define QM_ARITHMETIC(name, ...) ARITHMETIC_##name,
#include "spec/energy/arithmetic.def"
#undef QM_ARITHMETIC
    ARITHMETICS
};

static const struct arithmetic {
    const char *name;
    double weight_bits, activation_bits;
    bool is_float;
    double multiply_pj, add_pj, multiply_um2, add_um2;
} arithmetics[ARITHMETICS] = {
#define QM_ARITHMETIC(name, ...) {#name, __VA_ARGS__},
#include "spec/energy/arithmetic.def"
#undef QM_ARITHMETIC
};
#define QM_ARITHMETIC_DRAM(pj_per_bit) static const double dram_pj_per_bit = pj_per_bit;
#include "spec/energy/arithmetic.def"
#undef QM_ARITHMETIC_DRAM

enum { BITS = 8 };

const char *qm_compare_name(unsigned index) {
    for (enum arithmetic_id i = 0; i < ARITHMETICS; i++)
        if (arithmetics[i].is_float && index-- == 0) return arithmetics[i].name;
    return NULL;
}

static const struct arithmetic *named(const char *name) {
    enum arithmetic_id i = 0;
    while (i < ARITHMETICS && strcmp(arithmetics[i].name, name) != 0) i++;
    QM_CHECK(i < ARITHMETICS);
    return &arithmetics[i];
}

/* By what a cell multiplies: weights of 1 and 2 bits are products like those of 4. */
static const struct arithmetic *of_layer(const struct qm_program_layer *layer) {
    bool is_wide = layer->precision[0] != 'w' || layer->precision[1] == '8';
    return &arithmetics[is_wide ? ARITHMETIC_w8a8 : strchr(layer->precision, '8') != NULL ? ARITHMETIC_w4a8 : ARITHMETIC_w4a4];
}

static double weight_bits_of(const struct qm_program_layer *layer) {
    return layer->precision[0] == 'w' ? layer->precision[1] - '0' : BITS;
}

static void add(struct qm_compare_cost *cost, const struct arithmetic *arithmetic, double macs, double weight_bits, double dram_bits) {
    double area = arithmetic->multiply_um2 + arithmetic->add_um2;
    cost->multiply_pj += macs * arithmetic->multiply_pj;
    cost->add_pj += macs * arithmetic->add_pj;
    cost->dram_pj += dram_bits * dram_pj_per_bit;
    cost->bit_ops += macs * weight_bits * arithmetic->activation_bits;
    if (macs > 0 && area > cost->area_um2) cost->area_um2 = area;
}

/* Bits of a layer's maps and constants to and from the DRAM; its instructions are the same in any number format. */
static double dram_bits(const struct qm_report_part *part) {
    const uint64_t *value = part->counters.value;
    return (double)((value[QM_C_dram_read_beats] + value[QM_C_dram_write_beats]) * part->report->source.machine->axi_bytes * BITS);
}

struct qm_compare qm_compare_make(const struct qm_report *report) {
    const struct arithmetic *there = named(report->source.compared);
    struct qm_compare compare = {0};
    for (uint32_t i = 0; i < report->source.program->layer_count; i++) {
        const struct qm_report_part *part = &report->layers[i];
        if (part->layer->on_host) continue;
        const struct arithmetic *here = of_layer(part->layer);
        double bits = dram_bits(part);
        add(&compare.here, here, (double)part->macs, weight_bits_of(part->layer), bits);
        add(&compare.there, there, (double)part->macs, there->weight_bits, bits * there->activation_bits / here->activation_bits);
    }
    return compare;
}

static void fill_row(const char *name, const struct qm_compare_cost *cost, qm_cell *row) {
    snprintf(row[0], QM_CELL_BYTES, "         %s", name);
    qm_cell_energy(cost->multiply_pj, row[1]);
    qm_cell_energy(cost->add_pj, row[2]);
    qm_cell_energy(cost->dram_pj, row[3]);
    qm_cell_energy(cost->multiply_pj + cost->add_pj + cost->dram_pj, row[4]);
    snprintf(row[5], QM_CELL_BYTES, "%.0f um2", cost->area_um2);
    qm_cell_macs((uint64_t)cost->bit_ops, row[6]);
}

static void fill_ratio(double there, double here, qm_cell out) {
    snprintf(out, QM_CELL_BYTES, here > 0 ? "%.1f x" : "-", there / here);
}

void qm_compare_print(FILE *out, const struct qm_report *report) {
    enum { ROWS = 3, COLUMNS = 7 };
    static const struct qm_column columns[COLUMNS] = {{"         numbers", false}, {"multiply", true}, {"add", true},   {"DRAM", true},
                                                      {"these three", true},       {"cell", true},     {"BitOps", true}};
    struct qm_compare compare = qm_compare_make(report);
    const struct qm_compare_cost *here = &compare.here, *there = &compare.there;
    qm_cell rows[ROWS][COLUMNS] = {0};
    fill_row("here", here, rows[0]);
    fill_row(report->source.compared, there, rows[1]);
    snprintf(rows[2][0], QM_CELL_BYTES, "         ratio");
    fill_ratio(there->multiply_pj, here->multiply_pj, rows[2][1]);
    fill_ratio(there->add_pj, here->add_pj, rows[2][2]);
    fill_ratio(there->dram_pj, here->dram_pj, rows[2][3]);
    fill_ratio(there->multiply_pj + there->add_pj + there->dram_pj, here->multiply_pj + here->add_pj + here->dram_pj, rows[2][4]);
    fill_ratio(there->area_um2, here->area_um2, rows[2][5]);
    fill_ratio(there->bit_ops, here->bit_ops, rows[2][6]);
    fprintf(
        out,
        "compare  products, additions and DRAM bytes alone, of the layers on the machine, at the prices of ISSCC 2014 (Horowitz, 45 nm)\n");
    qm_cells_print(out, columns, COLUMNS, *rows, ROWS);
}
