/* diff_text.c - a difference as text: what was run otherwise, the totals, the causes, the components, the layers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "explain/diff.h"
#include "report/cells.h"

/* ---- what was run ---- */

static void print_run(FILE *out, const char *which, const struct qm_read_report *report) {
    fprintf(out, "%s        %s: %s on %s, fingerprint %08x\n", which, qm_shown(report->file).text, qm_shown(report->model).text,
            qm_shown(report->machine.name).text, qm_machine_fingerprint(&report->machine));
}

static void print_other_text(FILE *out, const char *what, const char *a, const char *b, uint32_t *count) {
    if (strcmp(a, b) == 0) return;
    fprintf(out, "%s%s %s > %s", *count > 0 ? ", " : "differ   ", what, a[0] != '\0' ? qm_shown(a).text : "none",
            b[0] != '\0' ? qm_shown(b).text : "none");
    ++*count;
}

/* Knobs and options in which the runs differ. The engines count the same. */
static void print_others(FILE *out, const struct diff *diff) {
    const struct qm_read_report *a = diff->a, *b = diff->b;
    uint32_t count = 0;
    print_other_text(out, "qmac", a->version, b->version, &count);
    print_other_text(out, "model", a->model_sha256, b->model_sha256, &count);
    for (size_t i = 0; i < qm_param_count; i++) {
        struct qm_knob_text from = qm_param_text(&qm_params[i], qm_machine_knob(&a->machine, &qm_params[i]));
        struct qm_knob_text to = qm_param_text(&qm_params[i], qm_machine_knob(&b->machine, &qm_params[i]));
        print_other_text(out, qm_params[i].name, from.text, to.text, &count);
    }
    print_other_text(out, "precision", a->precision, b->precision, &count);
    print_other_text(out, "requant", a->requant, b->requant, &count);
    print_other_text(out, "search", a->search, b->search, &count);
    print_other_text(out, "energy", a->energy_table, b->energy_table, &count);
    print_other_text(out, "prices", a->energy_table_sha256, b->energy_table_sha256, &count);
    fprintf(out, count > 0 ? "\n" : "differ   in no knob and no option\n");
    if (a->stalls > 0 || b->stalls > 0)
        fprintf(out, "stalls   with probability %g > %g: chance has a part in the cycles\n", a->stalls, b->stalls);
}

/* ---- rows of two numbers ---- */

static void print_signed(double change, qm_cell out) {
    out[0] = change < 0 ? '-' : '+';
    qm_cell_count((uint64_t)fabs(change), out + (change != 0));
}

/* The cells of a row, of which it returns the end. */
static qm_cell *add_row(const char *name, enum qm_figure_unit unit, double a, double b, qm_cell *cell) {
    qm_text_show(name, *cell++, QM_CELL_BYTES);
    qm_cell_number(unit, a, *cell++);
    qm_cell_number(unit, b, *cell++);
    qm_cell_change(a, b, *cell++);
    return cell;
}

enum { ROW_CELLS = 4, TOTALS = 4 }; /* totals: beside causes and components */
static const struct qm_column totals_columns[] = {{"", false}, {"A", true}, {"B", true}, {"change", true}};

static void print_totals(FILE *out, const struct diff *diff) {
    const struct qm_read_report *a = diff->a, *b = diff->b;
    qm_cell cells[(TOTALS + QM_COUNTERS + QM_COMPONENTS) * ROW_CELLS], *cell = cells;
    cell = add_row("cycles", QM_COUNT, a->cost.cycles, b->cost.cycles, cell);
    for (int i = 0; i < QM_COUNTERS; i++) {
        const char *group = qm_counter_infos[i].group;
        if (group == NULL || strcmp(group, "machine") != 0) continue;
        char name[40];
        snprintf(name, sizeof name, "  %s", qm_counter_infos[i].name + strlen("machine_"));
        cell = add_row(name, QM_COUNT, a->causes[i], b->causes[i], cell);
    }
    cell = add_row("latency", QM_SECONDS, a->seconds, b->seconds, cell);
    cell = add_row("energy", QM_PICOJOULES, a->cost.pj, b->cost.pj, cell);
    for (unsigned i = 0; i < QM_COMPONENTS; i++) {
        char name[40];
        snprintf(name, sizeof name, "  %s", qm_component_name(i));
        cell = add_row(name, QM_PICOJOULES, a->components[i], b->components[i], cell);
    }
    cell = add_row("DRAM", QM_BYTES, a->cost.dram_bytes, b->cost.dram_bytes, cell);
    qm_cells_print(out, totals_columns, ROW_CELLS, cells, (uint32_t)((cell - cells) / ROW_CELLS));
}

/* ---- layers ---- */

static const struct qm_column layer_columns[] = {{"layer", false}, {"op", false}, {"A", true},           {"B", true},
                                                 {"change", true}, {"", true},    {"most of it", false}, {"energy", true}};
enum { LAYER_CELLS = sizeof layer_columns / sizeof *layer_columns };

static const struct qm_read_layer *either(const struct diff *diff, const struct diff_layer *layer) {
    return layer->a != DIFF_NONE ? &diff->a->layers[layer->a] : &diff->b->layers[layer->b];
}

/* The cause whose cycles differ most. */
static const char *cause_of(const struct diff *diff, const struct diff_layer *layer) {
    unsigned most = 0;
    double largest = 0;
    if (layer->a == DIFF_NONE) return "only in B";
    if (layer->b == DIFF_NONE) return "only in A";
    for (unsigned i = 0; i < QM_LAYER_CAUSES; i++) {
        double change = fabs(diff->b->layers[layer->b].causes[i] - diff->a->layers[layer->a].causes[i]);
        if (change > largest) largest = change, most = i;
    }
    return largest > 0 ? qm_layer_cause_name(most) : "-";
}

static qm_cell *add_layer(const struct diff *diff, const struct diff_layer *layer, qm_cell *cell) {
    struct qm_read_cost a = diff_cost_a(diff, layer), b = diff_cost_b(diff, layer);
    qm_cell_name(either(diff, layer)->name, *cell++);
    qm_text_show(either(diff, layer)->op, *cell++, QM_CELL_BYTES);
    qm_cell_count((uint64_t)a.cycles, *cell++);
    qm_cell_count((uint64_t)b.cycles, *cell++);
    print_signed(b.cycles - a.cycles, *cell++);
    qm_cell_change(a.cycles, b.cycles, *cell++);
    snprintf(*cell++, QM_CELL_BYTES, "%s", cause_of(diff, layer));
    qm_cell_change(a.pj, b.pj, *cell++);
    return cell;
}

/* What the layers from one on change together. */
static void print_rest(FILE *out, const struct diff *diff, uint32_t first) {
    double change = 0;
    qm_cell text;
    for (uint32_t i = first; i < diff->layer_count; i++)
        change += diff_cost_b(diff, &diff->layers[i]).cycles - diff_cost_a(diff, &diff->layers[i]).cycles;
    print_signed(change, text);
    fprintf(out, "and %u more: %s cycles (--all shows them)\n", diff->layer_count - first, text);
}

static void print_layers(FILE *out, const struct diff *diff, uint32_t most) {
    uint32_t count = diff->layer_count < most ? diff->layer_count : most;
    qm_cell *cells = qm_alloc_zeroed((size_t)(count + 1) * LAYER_CELLS, sizeof *cells), *cell = cells;
    for (uint32_t i = 0; i < count; i++) cell = add_layer(diff, &diff->layers[i], cell);
    qm_cells_print(out, layer_columns, LAYER_CELLS, cells, count);
    if (count < diff->layer_count) print_rest(out, diff, count);
    free(cells);
}

char *diff_text(const struct diff *diff, uint32_t layers_most, struct qm_arena *arena) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    print_run(out, "A", diff->a);
    print_run(out, "B", diff->b);
    print_others(out, diff);
    fprintf(out, "\n");
    print_totals(out, diff);
    fprintf(out, "\n");
    print_layers(out, diff, layers_most);
    return qm_arena_close_text(arena, out, &text);
}
