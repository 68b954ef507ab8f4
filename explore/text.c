/* text.c - the results as CSV and JSON for programs, a row a point with the same names in both, and the Pareto front as a table for
 * people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "common/version.h"
#include "report/csv_text.h"
#include "report/json_tree.h"
#include "explore/explore.h"

static const char *const state_names[] = {
    [POINT_WAITS] = "not run", [POINT_RUNS] = "fault", [POINT_OK] = "ok", [POINT_IMPOSSIBLE] = "impossible", [POINT_FAULT] = "fault"};

/* ---- points and what they are of ---- */

static uint64_t points_of_model(const struct exploration *exploration) {
    return exploration->precision_count * exploration->machine_count;
}

static const char *precision_of(const struct exploration *exploration, uint64_t index) {
    const char *precision = exploration->precisions[index / exploration->machine_count % exploration->precision_count];
    return precision != NULL ? precision : "model";
}

const char *point_why(const struct point *point) {
    if (point->state == POINT_OK) return "";
    return point->state == POINT_WAITS ? "the processes that should have run it died before" : point->why.text;
}

/* Points have no values, of which some could be counted. */
static const char *overflow_of(const struct point *point) {
    return qm_overflow_name(point->may_overflow ? QM_OVERFLOW_POSSIBLE : QM_OVERFLOW_NONE);
}

/* Of the point's network; NULL: nothing is known of it. */
static const struct quality *quality_of(const struct exploration *exploration, uint64_t index) {
    return exploration->qualities != NULL ? &exploration->qualities[index / exploration->machine_count] : NULL;
}

static bool has_labels(const struct exploration *exploration) {
    return exploration->qualities != NULL && !isnan(exploration->qualities[0].accuracy);
}

static const char *requant_of(const struct exploration *exploration, uint64_t model) {
    bool was_real = exploration->networks[model * exploration->precision_count]->graph->was_real;
    return qm_requant_name(exploration->requant, was_real);
}

/* That of all models; "file" when theirs differ, each as its file means it. */
static const char *requant_of_all(const struct exploration *exploration) {
    const char *first = requant_of(exploration, 0);
    for (uint32_t i = 1; i < exploration->model_count; i++)
        if (strcmp(requant_of(exploration, i), first) != 0) return "file";
    return first;
}

/* ---- CSV ---- */

static void csv_head(FILE *out) {
    fprintf(out, "model,precision");
    for (size_t i = 0; i < qm_param_count; i++) fprintf(out, ",%s", qm_params[i].name);
    fprintf(out, ",fingerprint,requant,search,energy_table,energy_table_sha256,state,front,undecided,overflow,sqnr_db,agreement,accuracy");
    for (int i = 0; i < QM_FIGURES; i++)
        if (qm_figures[i].point != NULL) fprintf(out, ",%s", qm_figures[i].point);
    fprintf(out, ",why\n");
}

static void csv_quality(FILE *out, const struct quality *quality) {
    const double numbers[] = {quality != NULL ? quality->sqnr_db : NAN, quality != NULL ? quality->agreement : NAN,
                              quality != NULL ? quality->accuracy : NAN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        fputc(',', out);
        if (!isnan(numbers[i])) qm_csv_number(out, numbers[i]);
    }
}

static void csv_row(FILE *out, const struct exploration *exploration, uint64_t index) {
    const struct point *point = &exploration->points[index];
    uint64_t model = index / points_of_model(exploration);
    struct qm_machine machine;
    grid_machine(&exploration->grid, index % exploration->machine_count, &machine);
    qm_csv_text(out, exploration->models[model]);
    fprintf(out, ",%s", precision_of(exploration, index));
    for (size_t i = 0; i < qm_param_count; i++) fprintf(out, ",%u", qm_machine_knob(&machine, &qm_params[i]));
    fprintf(out, ",%08x,%s,%s,", qm_machine_fingerprint(&machine), requant_of(exploration, model), exploration->search);
    qm_csv_name(out, qm_energy_table_name(exploration->energy));
    fprintf(out, ",%s,%s,%d,%d,%s", qm_energy_table_digest(exploration->energy)->text, state_names[point->state], point->is_pareto,
            point->is_undecided, point->state == POINT_OK ? overflow_of(point) : "");
    csv_quality(out, quality_of(exploration, index));
    for (int i = 0; i < QM_FIGURES; i++) {
        if (qm_figures[i].point == NULL) continue;
        fputc(',', out);
        if (point->state == POINT_OK) qm_csv_number(out, point->figures[i]);
    }
    fputc(',', out);
    qm_csv_text(out, point_why(point));
    fputc('\n', out);
}

char *exploration_csv(const struct exploration *exploration, struct qm_arena *arena) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    csv_head(out);
    for (uint64_t i = 0; i < exploration->model_count * points_of_model(exploration); i++) csv_row(out, exploration, i);
    return qm_arena_close_text(arena, out, &text);
}

/* ---- JSON ---- */

static void add_quality(cJSON *object, const struct quality *quality) {
    if (quality == NULL) return;
    qm_json_known(object, "sqnr_db", isfinite(quality->sqnr_db), quality->sqnr_db);
    qm_json_known(object, "agreement", !isnan(quality->agreement), quality->agreement);
    qm_json_known(object, "accuracy", !isnan(quality->accuracy), quality->accuracy);
}

static void add_point(cJSON *points, const struct exploration *exploration, uint64_t index) {
    const struct point *point = &exploration->points[index];
    struct qm_machine machine;
    cJSON *object = qm_json_object(points, NULL);
    grid_machine(&exploration->grid, index % exploration->machine_count, &machine);
    qm_json_text(object, "model", exploration->models[index / points_of_model(exploration)]);
    qm_json_text(object, "precision", precision_of(exploration, index));
    for (size_t i = 0; i < qm_param_count; i++) qm_json_number(object, qm_params[i].name, qm_machine_knob(&machine, &qm_params[i]));
    qm_json_fingerprint(object, &machine);
    qm_json_text(object, "state", state_names[point->state]);
    qm_json_bool(object, "front", point->is_pareto);
    qm_json_bool(object, "undecided", point->is_undecided);
    if (point->state == POINT_OK) qm_json_text(object, "overflow", overflow_of(point));
    add_quality(object, quality_of(exploration, index));
    for (int i = 0; i < QM_FIGURES; i++)
        if (point->state == POINT_OK && qm_figures[i].point != NULL) qm_json_number(object, qm_figures[i].point, point->figures[i]);
    if (point->state != POINT_OK) qm_json_text(object, "why", point_why(point));
}

char *exploration_json(const struct exploration *exploration, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    qm_json_text(root, "qmac", QM_VERSION);
    qm_json_text(root, "requant", requant_of_all(exploration));
    qm_json_text(root, "search", exploration->search);
    qm_json_text(root, "energy_table", qm_energy_table_name(exploration->energy));
    qm_json_text(root, "energy_table_sha256", qm_energy_table_digest(exploration->energy)->text);
    cJSON *points = qm_json_array(root, "points");
    for (uint64_t i = 0; i < exploration->model_count * points_of_model(exploration); i++) add_point(points, exploration, i);
    return qm_json_finish(root, arena);
}

/* ---- table ---- */

static const enum qm_figure_id columns_shown[] = {QM_FIGURE_cycles,    QM_FIGURE_seconds,       QM_FIGURE_utilization,
                                                  QM_FIGURE_energy_pj, QM_FIGURE_energy_low_pj, QM_FIGURE_dram_bytes};
enum { SHOWN = sizeof columns_shown / sizeof *columns_shown };

/* The columns of the table. Knobs with one value, and a precision that is not asked for, are the same in every row and left out. */
static uint32_t table_columns(const struct exploration *exploration, struct qm_column *columns) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < exploration->grid.axis_count; i++)
        if (exploration->grid.axes[i].count > 1) columns[count++] = (struct qm_column){exploration->grid.axes[i].param->name, true};
    if (exploration->precision_count > 1) columns[count++] = (struct qm_column){"precision", false};
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

static void table_row(const struct exploration *exploration, uint64_t index, qm_cell *row) {
    struct qm_machine machine;
    uint32_t count = 0;
    grid_machine(&exploration->grid, index % exploration->machine_count, &machine);
    for (uint32_t i = 0; i < exploration->grid.axis_count; i++)
        if (exploration->grid.axes[i].count > 1)
            snprintf(row[count++], QM_CELL_BYTES, "%u", qm_machine_knob(&machine, exploration->grid.axes[i].param));
    if (exploration->precision_count > 1) snprintf(row[count++], QM_CELL_BYTES, "%.40s", precision_of(exploration, index));
    if (exploration->allow_overflow) snprintf(row[count++], QM_CELL_BYTES, "%s", overflow_of(&exploration->points[index]));
    count += quality_cells(exploration, quality_of(exploration, index), row + count);
    figure_cells(&exploration->points[index], row + count);
}

static void print_pareto(FILE *out, const struct exploration *exploration, uint64_t first, const uint64_t *pareto, uint32_t count) {
    struct qm_column columns[QM_CELL_COLUMNS_MAX];
    uint32_t width = table_columns(exploration, columns);
    qm_cell *cells = qm_alloc_zeroed((size_t)count * width + 1, sizeof *cells);
    QM_CHECK(width <= QM_CELL_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++) table_row(exploration, first + pareto[i], cells + (size_t)i * width);
    qm_cells_print(out, columns, width, cells, count);
    free(cells);
}

/* Prints what tells the point from the others of its model. */
static void print_place(FILE *out, const struct exploration *exploration, uint64_t index) {
    const char *before = "";
    struct qm_machine machine;
    grid_machine(&exploration->grid, index % exploration->machine_count, &machine);
    for (uint32_t i = 0; i < exploration->grid.axis_count; i++) {
        const struct qm_param *param = exploration->grid.axes[i].param;
        if (exploration->grid.axes[i].count == 1) continue;
        fprintf(out, "%s%s=%u", before, param->name, qm_machine_knob(&machine, param));
        before = ", ";
    }
    if (exploration->precision_count > 1) fprintf(out, "%s%s", before, precision_of(exploration, index));
}

/* Prints how many points of the model are in the state, and why the first of them is. */
static void print_others(FILE *out, const struct exploration *exploration, uint64_t first, enum point_state state) {
    uint64_t count = 0, example = first;
    for (uint64_t i = first + points_of_model(exploration); i-- > first;) {
        if (exploration->points[i].state != state) continue;
        example = i;
        count++;
    }
    if (count == 0) return;
    fprintf(out, "%s: %" PRIu64 " point%s", state_names[state], count, count == 1 ? "" : "s (--csv has all reasons), the first");
    if (points_of_model(exploration) > 1) fprintf(out, " at ");
    print_place(out, exploration, example);
    fprintf(out, ": %s\n", point_why(&exploration->points[example]));
}

/* Says that there are points which are not judged, because their values may be wrong. */
static void print_overflowing(FILE *out, const struct exploration *exploration, uint64_t first) {
    uint64_t count = 0;
    for (uint64_t i = first; i < first + points_of_model(exploration); i++)
        count += exploration->points[i].state == POINT_OK && exploration->points[i].may_overflow;
    if (count == 0 || exploration->allow_overflow) return;
    fprintf(out,
            "overflow possible: %" PRIu64 " point%s off the front, whose accumulator does not hold every sum; --allow-overflow judges %s\n",
            count, count == 1 ? "" : "s", count == 1 ? "it" : "them");
}

/* Says at how many points of the model energy is extrapolated. */
static void print_outside_fit(FILE *out, const struct exploration *exploration, uint64_t first) {
    uint64_t count = 0;
    for (uint64_t i = first; i < first + points_of_model(exploration); i++)
        count += exploration->points[i].state == POINT_OK && exploration->points[i].figures[QM_FIGURE_energy_outside_fit] != 0;
    if (count > 0)
        fprintf(out, "energy beyond what table %s was fitted to: %" PRIu64 " point%s with wider or other memories (qmac run says which)\n",
                qm_shown(qm_energy_table_name(exploration->energy)).text, count, count == 1 ? "" : "s");
}

/* Says what the mark behind a row is, when there is one. */
static void print_undecided(FILE *out, const struct exploration *exploration, uint64_t first, const uint64_t *pareto, uint64_t count) {
    bool is_there = false;
    for (uint64_t i = 0; i < count; i++) is_there |= exploration->points[first + pareto[i]].is_undecided;
    if (is_there) fprintf(out, "~: with prices within their ranges this point could need more energy than a faster one that is as good\n");
}

static void print_notes(FILE *out, const struct exploration *exploration, const struct point *example) {
    double macs = 100 * example->figures[QM_FIGURE_host_macs_share], bytes = 100 * example->figures[QM_FIGURE_host_bytes_share];
    if (bytes > 0) fprintf(out, "on the host, not in cycles and energy: %.2f %% of the MACs, %.2f %% of the bytes\n", macs, bytes);
    if (exploration->qualities != NULL)
        fprintf(out, "quantized to each precision as qmac quantize does it; SQNR and agreement are against the float network\n");
    else if (exploration->precisions[0] != NULL)
        fprintf(out, "--precision rounds numbers for time and energy: says nothing about accuracy\n");
}

char *exploration_table(const struct exploration *exploration, uint32_t model, const uint64_t *pareto, uint64_t count,
                        struct qm_arena *arena) {
    char *text;
    size_t size;
    uint64_t points = points_of_model(exploration), first = model * points;
    FILE *out = qm_text_stream_open(&text, &size);
    qm_text_print(exploration->models[model], out);
    fprintf(out, ": %" PRIu64 " point%s on %s, %" PRIu64 " on the front of latency%s energy%s (table %s, SHA-256 %.16s)\n", points,
            points == 1 ? "" : "s", qm_shown(exploration->grid.base.name).text, count, exploration->qualities != NULL ? "," : " and",
            exploration->qualities == NULL ? ""
            : has_labels(exploration)      ? " and accuracy"
                                           : " and SQNR",
            qm_shown(qm_energy_table_name(exploration->energy)).text, qm_energy_table_digest(exploration->energy)->text);
    if (count > 0) {
        print_notes(out, exploration, &exploration->points[first + pareto[0]]);
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
