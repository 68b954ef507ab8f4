/* json.c - the report for programs. What was run, then the figures; what is not known is null. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/version.h"
#include "report/compare.h"
#include "report/figures.h"
#include "report/json_tree.h"

static void add_machine(cJSON *root, const struct qm_machine *machine) {
    cJSON *object = qm_json_object(root, "machine");
    qm_json_text(object, "name", machine->name);
    qm_json_fingerprint(object, machine);
    qm_json_knobs(object, machine);
}

/* A key "host_share.macs" is the key macs of the object host_share. */
static void add_figure(void *context, const char *key, enum qm_figure_unit unit, double number, const char *text) {
    cJSON *object = context;
    for (const char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1) {
        char name[40];
        snprintf(name, sizeof name, "%.*s", (int)(dot - key), key);
        cJSON *inner = cJSON_GetObjectItemCaseSensitive(object, name);
        object = inner != NULL ? inner : qm_json_object(object, name);
    }
    if (unit == QM_WORDS)
        qm_json_text(object, key, text);
    else if (unit == QM_YES_NO)
        qm_json_bool(object, key, number != 0);
    else
        qm_json_known(object, key, !isnan(number), number);
}

static void add_run(cJSON *root, const struct qm_report_source *source) {
    qm_json_text(root, "qmac", QM_VERSION);
    qm_json_text(root, "model", source->program->model);
    qm_json_text(root, "model_sha256", source->program->model_sha256);
    add_machine(root, source->machine);
    qm_json_text(root, "engine", source->engine);
    if (source->verilog_folder != NULL) {
        cJSON *verilog = qm_json_object(root, "verilog");
        qm_json_text(verilog, "folder", source->verilog_folder);
        qm_json_text(verilog, "sha256", source->verilog_sha256);
    }
    qm_json_text(root, "requant", source->program->requant);
    if (qm_program_overrides(source->program)) qm_json_text(root, "file_requant", source->program->file_requant);
    if (source->program->other_sums > 0) qm_json_number(root, "other_sums", source->program->other_sums);
    qm_json_known_text(root, "search", source->program->search[0] != '\0' ? source->program->search : NULL);
    qm_json_text(root, "precision", source->program->precision[0] != '\0' ? source->program->precision : "model");
    qm_json_number(root, "examples", (double)source->examples);
    qm_json_known(root, "seed", source->random_input || source->stalls > 0, (double)source->seed);
    qm_json_number(root, "stalls", source->stalls);
    qm_json_known(root, "accuracy", source->labelled > 0, source->labelled > 0 ? (double)source->correct / (double)source->labelled : 0);
}

static void add_deviations(cJSON *root, const struct qm_report_source *source) {
    if (!source->accepts_error) return;
    cJSON *deviations = qm_json_array(root, "deviation");
    for (uint32_t i = 0; i < source->deviation_count; i++) {
        const struct qm_deviation *deviation = &source->deviations[i];
        cJSON *object = qm_json_object(deviations, NULL);
        qm_json_text(object, "name", source->program->layers[deviation->layer].name);
        qm_json_number(object, "layer", deviation->layer);
        qm_json_number(object, "largest", deviation->largest);
        qm_json_number(object, "mean", deviation->mean);
    }
}

static void add_compare_cost(cJSON *parent, const char *key, const struct qm_compare_cost *cost) {
    cJSON *object = qm_json_object(parent, key);
    qm_json_number(object, "multiply_pj", cost->multiply_pj);
    qm_json_number(object, "add_pj", cost->add_pj);
    qm_json_number(object, "dram_pj", cost->dram_pj);
    qm_json_number(object, "area_um2", cost->area_um2);
    qm_json_number(object, "bit_ops", cost->bit_ops);
}

static void add_compare(cJSON *root, const struct qm_report *report) {
    if (report->source.compared == NULL) return;
    struct qm_compare compare = qm_compare_make(report);
    cJSON *object = qm_json_object(root, "compare");
    add_compare_cost(object, "here", &compare.here);
    add_compare_cost(object, report->source.compared, &compare.there);
}

char *qm_report_json(const struct qm_report *report, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    add_run(root, &report->source);
    add_deviations(root, &report->source);
    add_compare(root, report);
    qm_figures_visit(&report->total, add_figure, root);
    cJSON *layers = qm_json_array(root, "layers");
    for (uint32_t i = 0; i < report->source.program->layer_count; i++)
        qm_figures_visit(&report->layers[i], add_figure, qm_json_object(layers, NULL));
    return qm_json_finish(root, arena);
}
