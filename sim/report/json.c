/* json.c - the report for programs. Keys keep their order and their meaning; what is not known is null. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/version.h"
#include "sim/report/report.h"

static void add_number(cJSON *object, const char *key, double number) {
    QM_CHECK(cJSON_AddNumberToObject(object, key, number) != NULL);
}

static void add_known(cJSON *object, const char *key, bool is_known, double number) {
    QM_CHECK((is_known ? cJSON_AddNumberToObject(object, key, number) : cJSON_AddNullToObject(object, key)) != NULL);
}

static void add_text(cJSON *object, const char *key, const char *text) {
    QM_CHECK(cJSON_AddStringToObject(object, key, text) != NULL);
}

static cJSON *add_object(cJSON *parent, const char *key) {
    cJSON *object = cJSON_AddObjectToObject(parent, key);
    QM_CHECK(object != NULL);
    return object;
}

static void add_machine(cJSON *root, const struct qm_machine *machine) {
    cJSON *object = add_object(root, "machine");
    char fingerprint[16];
    snprintf(fingerprint, sizeof fingerprint, "%08x", qm_machine_fingerprint(machine));
    add_text(object, "name", machine->name);
    add_text(object, "fingerprint", fingerprint);
    for (size_t i = 0; i < qm_param_count; i++)
        add_number(object, qm_params[i].name, *(const uint32_t *)((const char *)machine + qm_params[i].offset));
}

static void add_energy(cJSON *parent, bool is_known, const struct qm_energy_sum *energy) {
    if (!is_known) {
        QM_CHECK(cJSON_AddNullToObject(parent, "energy_pj") != NULL);
        return;
    }
    cJSON *object = add_object(parent, "energy_pj");
    add_number(object, "total", energy->total.value_pj);
    add_number(object, "low", energy->total.low_pj);
    add_number(object, "high", energy->total.high_pj);
    for (int i = 0; i < QM_ENERGY_COMPONENTS; i++)
        add_number(object, qm_energy_component_name((enum qm_energy_component)i), energy->components[i].value_pj);
}

static void add_totals(cJSON *root, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_report_part *total = &report->total;
    bool timed = source->run->timed;
    double cycles = (double)total->counters.value[QM_C_cycles], seconds = qm_report_seconds(report, total);
    add_known(root, "cycles", timed, cycles);
    add_known(root, "seconds", timed, seconds);
    add_number(root, "macs", (double)total->macs);
    add_known(root, "utilization", timed, qm_report_utilization(report, total));
    add_energy(root, timed, &total->energy);
    add_text(root, "energy_table", qm_energy_table_name(source->energy));
    add_known(root, "average_power_mw", timed && seconds > 0, seconds > 0 ? total->energy.total.value_pj * 1e-9 / seconds : 0);
    add_number(root, "dram_read_bytes", (double)qm_report_read_bytes(report, total));
    add_number(root, "dram_write_bytes", (double)qm_report_write_bytes(report, total));
    cJSON *host = add_object(root, "host_share");
    add_number(host, "macs", report->host_macs_share);
    add_number(host, "bytes", report->host_bytes_share);
    cJSON *price = add_object(root, "host_price");
    add_known(price, "cycles", timed, (double)report->host_cycles);
    add_energy(price, timed, &report->host_energy);
}

static void add_counters(cJSON *root, const struct qm_report *report) {
    cJSON *object = add_object(root, "counters");
    bool timed = report->source.run->timed;
    for (int i = 0; i < QM_COUNTERS; i++) {
        bool is_event = qm_counter_infos[i].group == NULL && !qm_counter_infos[i].depends_on_values && i != QM_C_cycles;
        add_known(object, qm_counter_infos[i].name, timed || is_event, (double)report->total.counters.value[i]);
    }
}

static void add_layer(cJSON *layers, const struct qm_report *report, uint32_t index) {
    const struct qm_program_layer *layer = &report->source.program->layers[index];
    const struct qm_report_part *part = &report->layers[index];
    bool timed = report->source.run->timed && !layer->on_host;
    cJSON *object = cJSON_CreateObject();
    QM_CHECK(object != NULL && cJSON_AddItemToArray(layers, object));
    add_text(object, "name", layer->name);
    add_text(object, "op", layer->op);
    add_text(object, "shape", layer->shape);
    add_text(object, "precision", layer->precision);
    QM_CHECK(cJSON_AddBoolToObject(object, "on_host", layer->on_host) != NULL);
    add_number(object, "macs", (double)part->macs);
    add_known(object, "cycles", timed, (double)part->counters.value[QM_C_cycles]);
    add_known(object, "utilization", timed, qm_report_utilization(report, part));
    add_text(object, "bound", qm_report_bound(report, index));
    add_known(object, "energy_pj", timed, part->energy.total.value_pj);
    add_number(object, "dram_read_bytes", (double)qm_report_read_bytes(report, part));
    add_number(object, "dram_write_bytes", (double)qm_report_write_bytes(report, part));
    cJSON *causes = add_object(object, "causes");
    for (int i = 0; i < QM_LAYER_CAUSES; i++)
        add_known(causes, qm_layer_cause_name((enum qm_layer_cause)i), timed, (double)part->causes[i]);
}

static void add_run(cJSON *root, const struct qm_report_source *source) {
    add_text(root, "qmac", QM_VERSION);
    add_text(root, "model", source->program->model);
    add_text(root, "model_sha256", source->program->model_sha256);
    add_machine(root, source->machine);
    add_text(root, "engine", source->engine);
    add_text(root, "requant", source->program->requant);
    add_text(root, "precision", source->program->precision[0] != '\0' ? source->program->precision : "model");
    add_number(root, "examples", (double)source->examples);
    add_known(root, "seed", source->random_input || source->stalls > 0, (double)source->seed);
    add_number(root, "stalls", source->stalls);
    add_known(root, "accuracy", source->labelled > 0, source->labelled > 0 ? (double)source->correct / (double)source->labelled : 0);
}

char *qm_report_json(const struct qm_report *report, struct qm_arena *arena) {
    cJSON *root = cJSON_CreateObject();
    QM_CHECK(root != NULL);
    add_run(root, &report->source);
    add_totals(root, report);
    add_counters(root, report);
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    QM_CHECK(layers != NULL);
    for (uint32_t i = 0; i < report->source.program->layer_count; i++) add_layer(layers, report, i);
    char *text = cJSON_Print(root);
    QM_CHECK(text != NULL);
    char *kept = qm_arena_printf(arena, "%s\n", text);
    free(text);
    cJSON_Delete(root);
    return kept;
}
