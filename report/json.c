/* json.c - the report for programs. Keys keep their order and their meaning; what is not known is null. */
#include <stdio.h>

#include "common/version.h"
#include "report/json_tree.h"
#include "report/report.h"

static void add_machine(cJSON *root, const struct qm_machine *machine) {
    cJSON *object = qm_json_object(root, "machine");
    char fingerprint[16];
    snprintf(fingerprint, sizeof fingerprint, "%08x", qm_machine_fingerprint(machine));
    qm_json_text(object, "name", machine->name);
    qm_json_text(object, "fingerprint", fingerprint);
    for (size_t i = 0; i < qm_param_count; i++)
        qm_json_number(object, qm_params[i].name, *(const uint32_t *)((const char *)machine + qm_params[i].offset));
}

static void add_energy(cJSON *parent, bool is_known, const struct qm_energy_sum *energy) {
    if (!is_known) {
        qm_json_known(parent, "energy_pj", false, 0);
        return;
    }
    cJSON *object = qm_json_object(parent, "energy_pj");
    qm_json_number(object, "total", energy->total.value_pj);
    qm_json_number(object, "low", energy->total.low_pj);
    qm_json_number(object, "high", energy->total.high_pj);
    for (int i = 0; i < QM_ENERGY_COMPONENTS; i++)
        qm_json_number(object, qm_energy_component_name((enum qm_energy_component)i), energy->components[i].value_pj);
}

static void add_totals(cJSON *root, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_report_part *total = &report->total;
    bool timed = source->run->timed;
    double cycles = (double)total->counters.value[QM_C_cycles], seconds = qm_report_seconds(report, total);
    qm_json_known(root, "cycles", timed, cycles);
    qm_json_known(root, "seconds", timed, seconds);
    qm_json_number(root, "macs", (double)total->macs);
    qm_json_known(root, "utilization", timed, qm_report_utilization(report, total));
    add_energy(root, timed, &total->energy);
    qm_json_text(root, "energy_table", qm_energy_table_name(source->energy));
    qm_json_known(root, "average_power_mw", timed && seconds > 0, seconds > 0 ? total->energy.total.value_pj * 1e-9 / seconds : 0);
    qm_json_number(root, "dram_read_bytes", (double)qm_report_read_bytes(report, total));
    qm_json_number(root, "dram_write_bytes", (double)qm_report_write_bytes(report, total));
    cJSON *host = qm_json_object(root, "host_share");
    qm_json_number(host, "macs", report->host_macs_share);
    qm_json_number(host, "bytes", report->host_bytes_share);
    cJSON *price = qm_json_object(root, "host_price");
    qm_json_known(price, "cycles", timed, (double)report->host_cycles);
    add_energy(price, timed, &report->host_energy);
}

static void add_counters(cJSON *root, const struct qm_report *report) {
    cJSON *object = qm_json_object(root, "counters");
    bool timed = report->source.run->timed;
    for (int i = 0; i < QM_COUNTERS; i++) {
        bool is_event = qm_counter_infos[i].group == NULL && !qm_counter_infos[i].depends_on_values && i != QM_C_cycles;
        qm_json_known(object, qm_counter_infos[i].name, timed || is_event, (double)report->total.counters.value[i]);
    }
}

static void add_layer(cJSON *layers, const struct qm_report *report, uint32_t index) {
    const struct qm_program_layer *layer = &report->source.program->layers[index];
    const struct qm_report_part *part = &report->layers[index];
    bool timed = report->source.run->timed && !layer->on_host;
    cJSON *object = qm_json_object(layers, NULL);
    qm_json_text(object, "name", layer->name);
    qm_json_text(object, "op", layer->op);
    qm_json_text(object, "shape", layer->shape);
    qm_json_text(object, "precision", layer->precision);
    qm_json_bool(object, "on_host", layer->on_host);
    qm_json_number(object, "macs", (double)part->macs);
    qm_json_known(object, "cycles", timed, (double)part->counters.value[QM_C_cycles]);
    qm_json_known(object, "utilization", timed, qm_report_utilization(report, part));
    qm_json_text(object, "bound", qm_report_bound(report, index));
    qm_json_known(object, "energy_pj", timed, part->energy.total.value_pj);
    qm_json_number(object, "dram_read_bytes", (double)qm_report_read_bytes(report, part));
    qm_json_number(object, "dram_write_bytes", (double)qm_report_write_bytes(report, part));
    cJSON *causes = qm_json_object(object, "causes");
    for (int i = 0; i < QM_LAYER_CAUSES; i++)
        qm_json_known(causes, qm_layer_cause_name((enum qm_layer_cause)i), timed, (double)part->causes[i]);
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
    qm_json_text(root, "precision", source->program->precision[0] != '\0' ? source->program->precision : "model");
    qm_json_number(root, "examples", (double)source->examples);
    qm_json_known(root, "seed", source->random_input || source->stalls > 0, (double)source->seed);
    qm_json_number(root, "stalls", source->stalls);
    qm_json_known(root, "accuracy", source->labelled > 0, source->labelled > 0 ? (double)source->correct / (double)source->labelled : 0);
}

char *qm_report_json(const struct qm_report *report, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    add_run(root, &report->source);
    add_totals(root, report);
    add_counters(root, report);
    cJSON *layers = qm_json_array(root, "layers");
    for (uint32_t i = 0; i < report->source.program->layer_count; i++) add_layer(layers, report, i);
    return qm_json_finish(root, arena);
}
