/* words.c - an explanation as text: what a part of a run takes and costs, what it needs at least, and what each knob would change. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "explain/explain.h"

static const struct {
    const char *name, *about;
} needs[EXPLAIN_NEEDS] = {{"products", "every cell at work in every cycle"},
                          {"streams", "rows of the maps through the array, one a cycle"},
                          {"weights", "rows of weights into the array, one a cycle"},
                          {"post", "rows, taps, operands and parameters through the post unit, one a cycle"},
                          {"memory", "bytes to and from DRAM at its rate"}};

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

/* ---- what it takes ---- */

static void print_subject(FILE *out, const struct qm_report_part *part) {
    const struct qm_program *program = part->report->source.program;
    const struct qm_machine *machine = part->report->source.machine;
    fprintf(out, "model    %s\n", qm_shown(program->model).text);
    fprintf(out, "machine  %s, fingerprint %08x\n", qm_shown(machine->name).text, qm_machine_fingerprint(machine));
    if (part->layer == NULL) return;
    fprintf(out, "layer    %td, %s\n", part - part->report->layers, qm_shown(part->layer->name).text);
    fprintf(out, "         %s %s at %s\n", qm_shown(part->layer->op).text, qm_shown(part->layer->shape).text,
            qm_shown(part->layer->precision).text);
}

/* Of the network those of the machine, as the report has them. */
static void print_causes(FILE *out, const struct qm_report_part *part) {
    double cycles = (double)part->counters.value[QM_C_cycles];
    const char *between = "";
    for (unsigned i = 0; i < QM_LAYER_CAUSES && part->layer != NULL; i++, between = ", ")
        fprintf(out, "%s%s %.1f %%", between, qm_layer_cause_name(i), percent((double)part->causes[i], cycles));
    for (int i = 0; i < QM_COUNTERS && part->layer == NULL; i++) {
        const struct qm_counter_info *info = &qm_counter_infos[i];
        if (info->group == NULL || strcmp(info->group, "machine") != 0) continue;
        fprintf(out, "%s%s %.1f %%", between, info->name + strlen("machine_"), percent((double)part->counters.value[i], cycles));
        between = ", ";
    }
}

static void print_time(FILE *out, const struct qm_report_part *part) {
    const struct qm_report_part *total = &part->report->total;
    uint64_t cycles = part->counters.value[QM_C_cycles];
    qm_cell count, time, macs;
    qm_cell_count(cycles, count);
    qm_cell_seconds(qm_figure_number(part, QM_FIGURE_seconds), time);
    qm_cell_macs(part->macs, macs);
    fprintf(out, "takes    %s cycles, %s", count, time);
    if (part->layer != NULL)
        fprintf(out, ", %.1f %% of the network's", percent((double)cycles, (double)total->counters.value[QM_C_cycles]));
    if (part->macs > 0)
        fprintf(out, "; %s MACs, %.1f %% of what the cells could do", macs, 100 * qm_figure_number(part, QM_FIGURE_utilization));
    fprintf(out, "\n         ");
    print_causes(out, part);
    fprintf(out, "\n");
}

static void print_energy(FILE *out, const struct qm_report_part *part) {
    qm_cell text;
    qm_cell_energy(part->energy.total.nominal_pj, text);
    fprintf(out, "costs    %s", text);
    if (part->layer != NULL)
        fprintf(out, ", %.1f %% of the network's", percent(part->energy.total.nominal_pj, part->report->total.energy.total.nominal_pj));
    fprintf(out, "\n         ");
    for (unsigned i = 0; i < QM_COMPONENTS; i++)
        fprintf(out, "%s%s %.1f %%", i > 0 ? ", " : "", qm_component_name(i),
                percent(part->energy.components[i].nominal_pj, part->energy.total.nominal_pj));
    fprintf(out, "\n");
}

/* ---- what bounds it ---- */

static void print_needs(FILE *out, const struct qm_report_part *part) {
    fprintf(out, "needs    at least, each alone, in cycles:\n");
    for (unsigned i = 0; i < EXPLAIN_NEEDS; i++) {
        qm_cell count;
        qm_cell_count(explain_need(part, i), count);
        fprintf(out, "         %-9s %12s  %s\n", needs[i].name, count, needs[i].about);
    }
}

static enum explain_need largest_need(const struct qm_report_part *part) {
    enum explain_need largest = EXPLAIN_STREAMS; /* products are never more, and say nothing of what would help */
    for (unsigned i = EXPLAIN_STREAMS; i < EXPLAIN_NEEDS; i++)
        if (explain_need(part, i) > explain_need(part, largest)) largest = i;
    return largest;
}

/* Why the cells are idle while the array streams. */
static void print_idle_cells(FILE *out, const struct qm_report_part *part) {
    const struct qm_machine *machine = part->report->source.machine;
    uint64_t streams = explain_need(part, EXPLAIN_STREAMS), cells = (uint64_t)machine->rows * machine->cols;
    double products = part->cell_cycles / (double)streams;
    if (products < 0.9 * (double)cells)
        fprintf(out,
                "         a row that the array streams keeps %.0f of %" PRIu64 " cells at work: its taps and channels do not fill them\n",
                products, cells);
}

/* Names the parts that alone need nearly all cycles; returns how many. */
static uint32_t print_bounds(FILE *out, const struct qm_report_part *part) {
    uint64_t cycles = part->counters.value[QM_C_cycles];
    uint32_t count = 0;
    for (unsigned i = EXPLAIN_STREAMS; i < EXPLAIN_NEEDS; i++) {
        uint64_t least = explain_need(part, i);
        if (10 * least < 9 * cycles) continue;
        fprintf(out, "%s%s (%.0f %% of the cycles)", count++ > 0 ? ", " : "bound    by ", needs[i].name,
                percent((double)least, (double)cycles));
    }
    if (count > 0) fprintf(out, "\n");
    return count;
}

static void print_bound(FILE *out, const struct qm_report_part *part) {
    enum explain_need need = largest_need(part);
    uint64_t cycles = part->counters.value[QM_C_cycles];
    if (print_bounds(out, part) == 0) {
        qm_cell rest;
        qm_cell_count(cycles - explain_need(part, need), rest);
        fprintf(out, "bound    by no part alone: %s need most, and %s cycles more pass where one part waits for another\n",
                needs[need].name, rest);
    }
    if (part->macs > 0 && explain_need(part, EXPLAIN_STREAMS) > 0) print_idle_cells(out, part);
}

/* ---- what would change it ---- */

static const struct qm_column layer_columns[] = {{"knob", false},  {"layer", true},   {"change", true}, {"network", true},
                                                 {"change", true}, {"latency", true}, {"energy", true}};
static const struct qm_column network_columns[] = {
    {"knob", false}, {"cycles", true}, {"change", true}, {"latency", true}, {"energy", true}};
enum { LAYER_COLUMNS = sizeof layer_columns / sizeof *layer_columns, NETWORK_COLUMNS = sizeof network_columns / sizeof *network_columns };

/* Two cells, of which it returns the end. */
static qm_cell *print_cycles(uint64_t from, uint64_t to, qm_cell *cell) {
    qm_cell_count(to, *cell++);
    qm_cell_change((double)from, (double)to, *cell++);
    return cell;
}

/* The cells of a row, of which it returns the end. */
static qm_cell *print_variant(const struct qm_report *report, uint32_t layer, const struct explain_variant *variant, qm_cell *cell) {
    struct explain_cost whole = explain_cost(report, EXPLAIN_ALL);
    explain_variant_name(variant, *cell++);
    if (layer != EXPLAIN_ALL) cell = print_cycles(explain_cost(report, layer).cycles, variant->layer.cycles, cell);
    cell = print_cycles(whole.cycles, variant->whole.cycles, cell);
    qm_cell_change(whole.seconds, variant->whole.seconds, *cell++);
    qm_cell_change(whole.pj, variant->whole.pj, *cell++);
    return cell;
}

static void print_best(FILE *out, const struct qm_report *report, uint32_t layer, const struct explain_variant *variants, uint32_t count) {
    uint64_t cycles = explain_cost(report, layer).cycles;
    if (count == 0 || variants[0].layer.cycles >= cycles)
        fprintf(out, "knobs    none of them, doubled or halved, makes it faster\n");
    else {
        qm_cell name, change;
        explain_variant_name(&variants[0], name);
        qm_cell_change((double)cycles, (double)variants[0].layer.cycles, change);
        fprintf(out, "knobs    %s makes it fastest: %s of its cycles\n", name, change);
    }
}

static void print_knobs(FILE *out, const struct qm_report *report, uint32_t layer, const struct explain_variant *variants, uint32_t count) {
    qm_cell *cells = qm_alloc_zeroed((size_t)(count + 1) * LAYER_COLUMNS, sizeof *cells), *cell = cells;
    for (uint32_t i = 0; i < count; i++) cell = print_variant(report, layer, &variants[i], cell);
    fprintf(out, "\n");
    if (layer == EXPLAIN_ALL)
        qm_cells_print(out, network_columns, NETWORK_COLUMNS, cells, count);
    else
        qm_cells_print(out, layer_columns, LAYER_COLUMNS, cells, count);
    free(cells);
}

char *explain_text(const struct qm_report *report, uint32_t layer, const struct explain_variant *variants, uint32_t count,
                   struct qm_arena *arena) {
    const struct qm_report_part *part = layer == EXPLAIN_ALL ? &report->total : &report->layers[layer];
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    print_subject(out, part);
    print_time(out, part);
    print_energy(out, part);
    print_needs(out, part);
    print_bound(out, part);
    print_best(out, report, layer, variants, count);
    if (count > 0) print_knobs(out, report, layer, variants, count);
    return qm_arena_close_text(arena, out, &text);
}
