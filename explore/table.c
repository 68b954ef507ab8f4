/* table.c - the Pareto front as a table for people, and what is to be said of the other points. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "explore/explore.h"

static bool has_labels(const struct exploration *exploration) {
    return exploration->qualities != NULL && !isnan(exploration->qualities[0].accuracy);
}

/* Whether the knob has more than one value in the exploration. */
static bool varies(const struct exploration *exploration, const struct qm_param *param) {
    uint32_t first = qm_machine_knob(&exploration->places[0].machine, param);
    for (uint64_t i = 1; i < exploration->choice_count; i++)
        if (qm_machine_knob(&exploration->places[i].machine, param) != first) return true;
    return false;
}

static struct qm_knob_text knob_text(const struct place *place, const struct qm_param *param) {
    return qm_param_text(param, qm_machine_knob(&place->machine, param));
}

/* What tells points of a model from one another. */
struct differences {
    const struct qm_param *knobs[QM_CELL_COLUMNS_MAX];
    uint32_t knob_count;
    bool in_energy, in_precision;
};

static struct differences differences_of(const struct exploration *exploration) {
    struct differences differences = {.in_energy = exploration->energy_count > 1, .in_precision = exploration->precision_count > 1};
    for (size_t i = 0; i < qm_param_count; i++)
        if (varies(exploration, &qm_params[i])) differences.knobs[differences.knob_count++] = &qm_params[i];
    return differences;
}

static const enum qm_figure_id columns_shown[] = {QM_FIGURE_cycles,    QM_FIGURE_seconds,       QM_FIGURE_utilization,
                                                  QM_FIGURE_energy_pj, QM_FIGURE_energy_low_pj, QM_FIGURE_dram_bytes};
enum { SHOWN = sizeof columns_shown / sizeof *columns_shown };

/* The columns of the table. What is the same in every row is left out. */
static uint32_t table_columns(const struct exploration *exploration, const struct differences *differences, struct qm_column *columns) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < differences->knob_count; i++) columns[count++] = (struct qm_column){differences->knobs[i]->name, true};
    if (differences->in_precision) columns[count++] = (struct qm_column){"precision", false};
    if (differences->in_energy) columns[count++] = (struct qm_column){"prices", false};
    if (exploration->allow_overflow) columns[count++] = (struct qm_column){qm_figures[QM_FIGURE_overflow].total, false};
    if (exploration->qualities != NULL) columns[count++] = (struct qm_column){"SQNR", true};
    if (exploration->qualities != NULL) columns[count++] = (struct qm_column){has_labels(exploration) ? "accuracy" : "agreement", true};
    for (int i = 0; i < SHOWN; i++) columns[count++] = (struct qm_column){qm_figures[columns_shown[i]].title, true};
    columns[count++] = (struct qm_column){"", false};
    return count;
}

/* Two cells, of which it returns the number. */
static uint32_t quality_cells(const struct exploration *exploration, const struct quality *quality, qm_cell *row) {
    if (quality == NULL) return 0;
    snprintf(row[0], QM_CELL_BYTES, "%.1f dB", quality->sqnr_db);
    double share = has_labels(exploration) ? quality->accuracy : quality->agreement;
    snprintf(row[1], QM_CELL_BYTES, isnan(share) ? "-" : "%.1f %%", 100 * share);
    return 2;
}

/* The low end of the energy stands with the high one. */
static void figure_cells(const struct point *point, qm_cell *row) {
    for (int i = 0; i < SHOWN; i++) {
        qm_cell low, high;
        qm_cell_number(qm_figures[columns_shown[i]].unit, point->figures[columns_shown[i]], row[i]);
        if (columns_shown[i] != QM_FIGURE_energy_low_pj) continue;
        memcpy(low, row[i], sizeof low);
        qm_cell_energy(point->figures[QM_FIGURE_energy_high_pj], high);
        snprintf(row[i], QM_CELL_BYTES, "%.30s .. %.30s", low, high);
    }
    snprintf(row[SHOWN], QM_CELL_BYTES, "%s", point->is_undecided ? "~" : "");
}

static void table_row(const struct exploration *exploration, const struct differences *differences, uint64_t index, qm_cell *row) {
    const struct place *place = &exploration->places[index];
    uint32_t count = 0;
    for (uint32_t i = 0; i < differences->knob_count; i++)
        snprintf(row[count++], QM_CELL_BYTES, "%s", knob_text(place, differences->knobs[i]).text);
    if (differences->in_precision) snprintf(row[count++], QM_CELL_BYTES, "%.40s", exploration_precision(exploration, place));
    if (differences->in_energy) snprintf(row[count++], QM_CELL_BYTES, "%.40s", qm_shown(exploration->energies[place->energy].name).text);
    if (exploration->allow_overflow) snprintf(row[count++], QM_CELL_BYTES, "%s", point_overflow(&exploration->points[index]));
    count += quality_cells(exploration, exploration_quality(exploration, place), row + count);
    figure_cells(&exploration->points[index], row + count);
}

static void print_pareto(FILE *out, const struct exploration *exploration, uint64_t first, const uint64_t *pareto, uint32_t count) {
    struct differences differences = differences_of(exploration);
    struct qm_column columns[QM_CELL_COLUMNS_MAX];
    uint32_t width = table_columns(exploration, &differences, columns);
    qm_cell *cells = qm_alloc_zeroed((size_t)count * width + 1, sizeof *cells);
    QM_CHECK(width <= QM_CELL_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) table_row(exploration, &differences, first + pareto[i], cells + (size_t)i * width);
    qm_cells_print(out, columns, width, cells, count);
    free(cells);
}

/* Prints what tells the point from the others of its model. */
static void print_place(FILE *out, const struct exploration *exploration, uint64_t index) {
    const char *before = "";
    const struct place *place = &exploration->places[index];
    struct differences differences = differences_of(exploration);
    for (uint32_t i = 0; i < differences.knob_count; i++) {
        fprintf(out, "%s%s=%s", before, differences.knobs[i]->name, knob_text(place, differences.knobs[i]).text);
        before = ", ";
    }
    if (differences.in_precision) fprintf(out, "%s%s", before, exploration_precision(exploration, place));
    if (differences.in_precision) before = ", ";
    if (differences.in_energy) fprintf(out, "%s%s", before, qm_shown(exploration->energies[place->energy].name).text);
}

/* Prints how many points of the model are in the state, and why the first of them is. */
static void print_others(FILE *out, const struct exploration *exploration, uint64_t first, enum point_state state) {
    uint64_t count = 0, example = first;
    for (uint64_t i = first + exploration->choice_count; i-- > first;) {
        if (exploration->points[i].state != state) continue;
        example = i;
        count++;
    }
    if (count == 0) return;
    fprintf(out, "%s: %" PRIu64 " point%s", point_state_name(state), count, count == 1 ? "" : "s (--csv has all reasons), the first");
    if (exploration->choice_count > 1) fprintf(out, " at ");
    print_place(out, exploration, example);
    fprintf(out, ": %s\n", point_why(&exploration->points[example]));
}

/* Says that there are points which are not judged, because their values may be wrong. */
static void print_overflowing(FILE *out, const struct exploration *exploration, uint64_t first) {
    uint64_t count = 0;
    for (uint64_t i = first; i < first + exploration->choice_count; i++)
        count += exploration->points[i].state == POINT_OK && exploration->points[i].may_overflow;
    if (count == 0 || exploration->allow_overflow) return;
    fprintf(out,
            "overflow possible: %" PRIu64 " point%s off the front, whose accumulator does not hold every sum; --allow-overflow judges %s\n",
            count, count == 1 ? "" : "s", count == 1 ? "it" : "them");
}

/* Says at how many points of the model energy is extrapolated. */
static void print_outside_fit(FILE *out, const struct exploration *exploration, uint64_t first) {
    uint64_t count = 0;
    for (uint64_t i = first; i < first + exploration->choice_count; i++)
        count += exploration->points[i].state == POINT_OK && exploration->points[i].figures[QM_FIGURE_energy_outside_fit] != 0;
    if (count > 0)
        fprintf(out, "energy beyond what %s%s was fitted to: %" PRIu64 " point%s with wider or other memories (qmac run says which)\n",
                exploration->energy_count == 1 ? "table " : "the point's table",
                exploration->energy_count == 1 ? qm_shown(exploration->energies[0].name).text : "", count, count == 1 ? "" : "s");
}

/* Says what the mark behind a row is, when there is one. */
static void print_undecided(FILE *out, const struct exploration *exploration, uint64_t first, const uint64_t *pareto, uint64_t count) {
    bool is_there = false;
    for (uint64_t i = 0; i < count; i++) is_there |= exploration->points[first + pareto[i]].is_undecided;
    if (is_there) fprintf(out, "~: with prices within their ranges this point could need more energy than a faster one that is as good\n");
}

static void print_notes(FILE *out, const struct exploration *exploration, uint32_t model, const struct point *example) {
    double macs = 100 * example->figures[QM_FIGURE_host_macs_share], bytes = 100 * example->figures[QM_FIGURE_host_bytes_share];
    if (bytes > 0) fprintf(out, "on the host, not in cycles and energy: %.2f %% of the MACs, %.2f %% of the bytes\n", macs, bytes);
    if (exploration->networks[model * exploration->precision_count]->graph->has_no_weights)
        fprintf(out, "no weights in the file: drawn for time and energy; of overflow they say nothing\n");
    if (exploration->qualities != NULL)
        fprintf(out, "quantized to each precision as qmac quantize does it; SQNR and agreement are against the float network\n");
    else if (exploration->precisions[0] != NULL)
        fprintf(out, "--precision rounds numbers for time and energy: says nothing about accuracy\n");
}

/* "table cmos45, SHA-256 f21b14efa40aa0c6" */
static void print_tables(FILE *out, const struct exploration *exploration) {
    for (uint32_t i = 0; i < exploration->energy_count; i++)
        fprintf(out, "%stable %s, SHA-256 %.16s", i > 0 ? "; " : "", qm_shown(exploration->energies[i].name).text,
                exploration->energies[i].digest.text);
}

static void print_title(FILE *out, const struct exploration *exploration, uint32_t model, uint64_t count) {
    uint64_t points = exploration->choice_count;
    qm_text_print(exploration->models[model].file, out);
    fprintf(out, ": %" PRIu64 " point%s on %s, %" PRIu64 " on the front of latency%s energy%s (", points, points == 1 ? "" : "s",
            qm_shown(exploration->places[0].machine.name).text, count, exploration->qualities != NULL ? "," : " and",
            exploration->qualities == NULL ? ""
            : has_labels(exploration)      ? " and accuracy"
                                           : " and SQNR");
    print_tables(out, exploration);
    fprintf(out, ")\n");
}

char *exploration_table(const struct exploration *exploration, uint32_t model, const uint64_t *pareto, uint64_t count,
                        struct qm_arena *arena) {
    char *text;
    size_t size;
    uint64_t first = model * exploration->choice_count;
    FILE *out = qm_text_stream_open(&text, &size);
    print_title(out, exploration, model, count);
    if (count > 0) {
        print_notes(out, exploration, model, &exploration->points[first + pareto[0]]);
        print_outside_fit(out, exploration, first);
        fprintf(out, "\n");
        print_pareto(out, exploration, first, pareto, (uint32_t)count);
        print_undecided(out, exploration, first, pareto, count);
    }
    print_overflowing(out, exploration, first);
    for (enum point_state state = POINT_WAITS; state <= POINT_FAULT; state++)
        if (state != POINT_OK) print_others(out, exploration, first, state);
    return qm_arena_close_text(arena, out, &text);
}
