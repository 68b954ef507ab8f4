/* table.c - the report for people: what was run, a line for each layer, the totals. Columns are as wide as their widest cell;
 * units stand in each cell. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "report/cells.h"
#include "report/report.h"

enum { COLUMNS = 10, NAME_CHARS = 28 };

static const struct qm_column columns[COLUMNS] = {{"layer", false}, {"op", false},    {"shape", false}, {"precision", false},
                                                  {"MACs", true},   {"cycles", true}, {"util", true},   {"bound", false},
                                                  {"DRAM", true},   {"energy", true}};

/* The first of the names that TFLite joins with ';', and the end of a long one. */
static void print_name(const char *name, qm_cell out) {
    struct qm_shown shown = qm_shown(name);
    shown.text[strcspn(shown.text, ";")] = '\0';
    size_t width = qm_text_width(shown.text);
    const char *end = width > NAME_CHARS ? qm_text_after(shown.text, width - NAME_CHARS) : shown.text;
    snprintf(out, QM_CELL_BYTES, "%s%.112s", width > NAME_CHARS ? ".." : "", end); /* NAME_CHARS of at most 4 bytes */
}

static void print_times(const struct qm_report *report, const struct qm_report_part *part, qm_cell *row) {
    qm_cell_count(part->counters.value[QM_C_cycles], row[5]);
    if (part->macs > 0) snprintf(row[6], QM_CELL_BYTES, "%.1f %%", 100 * qm_report_utilization(report, part));
    qm_cell_energy(part->energy.total.value_pj, row[9]);
}

static void layer_row(const struct qm_report *report, uint32_t index, qm_cell *row) {
    const struct qm_program_layer *layer = &report->source.program->layers[index];
    const struct qm_report_part *part = &report->layers[index];
    for (int i = 0; i < COLUMNS; i++) snprintf(row[i], QM_CELL_BYTES, "-");
    print_name(layer->name, row[0]);
    qm_text_show(layer->op, row[1], QM_CELL_BYTES);
    qm_text_show(layer->shape, row[2], QM_CELL_BYTES);
    qm_text_show(layer->precision, row[3], QM_CELL_BYTES);
    qm_cell_macs(part->macs, row[4]);
    snprintf(row[7], QM_CELL_BYTES, "%s", qm_report_bound(report, index));
    if (layer->on_host) return;
    qm_cell_bytes(qm_report_read_bytes(report, part) + qm_report_write_bytes(report, part), row[8]);
    if (report->source.run->timed) print_times(report, part, row);
}

static void total_row(const struct qm_report *report, qm_cell *row) {
    const struct qm_report_part *part = &report->total;
    for (int i = 0; i < COLUMNS; i++) row[i][0] = '\0';
    snprintf(row[0], QM_CELL_BYTES, "total");
    qm_cell_macs(part->macs, row[4]);
    qm_cell_bytes(qm_report_read_bytes(report, part) + qm_report_write_bytes(report, part), row[8]);
    if (report->source.run->timed) print_times(report, part, row);
}

static void print_layers(FILE *out, const struct qm_report *report) {
    uint32_t layers = report->source.program->layer_count;
    qm_cell(*rows)[COLUMNS] = qm_alloc_zeroed(layers + 1, sizeof *rows);
    for (uint32_t i = 0; i < layers; i++) layer_row(report, i, rows[i]);
    total_row(report, rows[layers]);
    qm_cells_print(out, columns, COLUMNS, *rows, layers + 1);
    free(rows);
}

static void print_host(FILE *out, const struct qm_report *report) {
    const struct qm_program *program = report->source.program;
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        if (!program->layers[i].on_host) continue;
        fprintf(out, count++ == 0 ? "on the host, not in cycles and energy: %s" : ", %s", qm_shown(program->layers[i].op).text);
    }
    if (count == 0) return;
    fprintf(out, " (%.2f %% of the MACs, %.2f %% of the bytes", 100 * report->host_macs_share, 100 * report->host_bytes_share);
    qm_cell cycles, energy;
    qm_cell_count(report->host_cycles, cycles);
    qm_cell_energy(report->host_energy.total.value_pj, energy);
    if (report->source.run->timed) fprintf(out, "; only to move them at the DRAM's rate and price: %s cycles, %s", cycles, energy);
    fprintf(out, ")\n");
}

static void print_head(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_machine *machine = source->machine;
    qm_cell scratchpad, accumulator;
    qm_cell_bytes(machine->scratchpad_bytes, scratchpad);
    qm_cell_bytes((uint64_t)machine->accumulator_rows * machine->cols * machine->accumulator_bits / 8, accumulator);
    fprintf(out, "model    %s, SHA-256 %.16s, rounding %s\n", qm_shown(source->program->model).text,
            qm_shown(source->program->model_sha256).text, qm_shown(source->program->requant).text);
    if (source->program->precision[0] != '\0')
        fprintf(out, "rounded  to %s, for time and energy: says nothing about accuracy\n", qm_shown(source->program->precision).text);
    fprintf(out, "machine  %s: %ux%u cells, scratchpad %s, accumulator %s, AXI %u B, DRAM %u B a cycle, %u MHz; fingerprint %08x\n",
            qm_shown(machine->name).text, machine->rows, machine->cols, scratchpad, accumulator, machine->axi_bytes,
            machine->dram_bytes_per_cycle, machine->clock_mhz, qm_machine_fingerprint(machine));
    fprintf(out, "engine   %s", source->engine);
    if (source->verilog_folder != NULL) fprintf(out, " of %s, sha256 %.12s", qm_shown(source->verilog_folder).text, source->verilog_sha256);
    fprintf(out, ", %" PRIu64 " example%s", source->examples, source->examples == 1 ? "" : "s");
    if (source->random_input) fprintf(out, " of random input, seed %" PRIu64, source->seed);
    if (source->stalls > 0) fprintf(out, "; memory stalls with probability %g, seed %" PRIu64, source->stalls, source->seed);
    fprintf(out, "\n\n");
}

/* Weights of 2 bits and 1 save bytes only. */
static void print_rate(FILE *out, const struct qm_program *program) {
    for (uint32_t i = 0; i < program->layer_count; i++) {
        if (program->layers[i].precision[0] != 'w' || program->layers[i].precision[1] > '2') continue;
        fprintf(out, "rate     weights of 2 bits and of 1 are packed in memory; the cells take them at the rate of w4\n");
        return;
    }
}

static void print_machine_causes(FILE *out, const struct qm_report *report) {
    const uint64_t *value = report->total.counters.value;
    fprintf(out, "cycles   ");
    bool is_first = true;
    for (int i = 0; i < QM_COUNTERS; i++) {
        const struct qm_counter_info *info = &qm_counter_infos[i];
        if (info->group == NULL || strcmp(info->group, "machine") != 0) continue;
        fprintf(out, "%s%s %.1f %%", is_first ? "" : ", ", info->name + strlen("machine_"),
                100.0 * (double)value[i] / (double)value[QM_C_cycles]);
        is_first = false;
    }
    fprintf(out, "\n");
}

static void print_cost(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_energy_sum *energy = &report->total.energy;
    double seconds = qm_report_seconds(report, &report->total);
    qm_cell text, low, high;
    qm_cell_seconds(seconds, text);
    fprintf(out, "latency  %s an example, %.*f a second\n", text, seconds < 0.01 ? 0 : 2, 1 / seconds);
    print_machine_causes(out, report);
    qm_cell_energy(energy->total.value_pj, text);
    qm_cell_energy(energy->total.low_pj, low);
    qm_cell_energy(energy->total.high_pj, high);
    fprintf(out, "energy   %s an example (%s .. %s), average power %.1f mW\n", text, low, high, energy->total.value_pj * 1e-9 / seconds);
    fprintf(out, "         table %s: %s\n", qm_shown(qm_energy_table_name(source->energy)).text,
            qm_shown(qm_energy_table_about(source->energy)).text);
    for (int i = 0; i < QM_ENERGY_COMPONENTS; i++) {
        const struct qm_energy *part = &energy->components[i];
        qm_cell_energy(part->value_pj, text);
        qm_cell_energy(part->low_pj, low);
        qm_cell_energy(part->high_pj, high);
        fprintf(out, "         %-12s %9s  %5.1f %%  (%s .. %s)\n", qm_energy_component_name((enum qm_energy_component)i), text,
                100 * part->value_pj / energy->total.value_pj, low, high);
    }
}

char *qm_report_table(const struct qm_report *report, struct qm_arena *arena) {
    const struct qm_report_source *source = &report->source;
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    print_host(out, report);
    print_head(out, report);
    print_layers(out, report);
    fprintf(out, "\n");
    print_rate(out, source->program);
    if (source->run->timed && report->total.counters.value[QM_C_cycles] > 0) print_cost(out, report);
    if (!source->run->timed) fprintf(out, "time     the %s engine computes values only: no cycles, no energy\n", source->engine);
    if (source->labelled > 0)
        fprintf(out, "accuracy %.2f %% (%" PRIu64 " of %" PRIu64 ")\n", 100.0 * (double)source->correct / (double)source->labelled,
                source->correct, source->labelled);
    qm_text_stream_close(out);
    char *kept = qm_arena_strdup(arena, text);
    free(text);
    return kept;
}
