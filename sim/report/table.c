/* table.c - the report for people: what was run, a line for each layer, the totals. Columns are as wide as their widest cell; units stand in each cell. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/report.h"

enum { CELL_BYTES = 80, COLUMNS = 10, NAME_CHARS = 28 };

typedef char cell[CELL_BYTES];

static const struct {
    const char *title;
    bool to_the_right;
} columns[COLUMNS] = {{"layer", false}, {"op", false},  {"shape", false}, {"precision", false}, {"MACs", true},
                      {"cycles", true}, {"util", true}, {"bound", false}, {"DRAM", true},       {"energy", true}};

/* 1234567 to "1,234,567". */
static void print_count(uint64_t count, cell out) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* value in the largest unit that leaves at least 1, three digits; factor from unit to unit. */
static void print_scaled(double value, double factor, const char *const *units, cell out) {
    while (units[1] != NULL && value >= 999.5) {
        value /= factor;
        units++;
    }
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, CELL_BYTES, "%.*f %s", decimals, value, units[0]);
}

static void print_macs(uint64_t macs, cell out) {
    static const char *const units[] = {"k", "M", "G", "T", NULL};
    if (macs == 0)
        snprintf(out, CELL_BYTES, "-");
    else if (macs < 1000)
        snprintf(out, CELL_BYTES, "%" PRIu64, macs);
    else
        print_scaled((double)macs / 1000, 1000, units, out);
}

static void print_bytes(uint64_t bytes, cell out) {
    static const char *const units[] = {"KiB", "MiB", "GiB", NULL};
    if (bytes < 1024)
        snprintf(out, CELL_BYTES, "%" PRIu64 " B", bytes);
    else
        print_scaled((double)bytes / 1024, 1024, units, out);
}

static void print_energy(double pj, cell out) {
    static const char *const units[] = {"pJ", "nJ", "uJ", "mJ", "J", NULL};
    print_scaled(pj, 1000, units, out);
}

static void print_seconds(double seconds, cell out) {
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    print_scaled(seconds * 1e9, 1000, units, out);
}

/* The first of the names that TFLite joins with ';', and the end of a long one. */
static void print_name(const char *name, cell out) {
    size_t size = strcspn(name, ";"), cut = size > NAME_CHARS ? size - NAME_CHARS : 0;
    snprintf(out, CELL_BYTES, "%s%.*s", cut > 0 ? ".." : "", (int)(size - cut), name + cut);
}

static void print_times(const struct qm_report *report, const struct qm_report_part *part, cell *row) {
    print_count(part->counters.value[QM_C_cycles], row[5]);
    if (part->macs > 0) snprintf(row[6], CELL_BYTES, "%.1f %%", 100 * qm_report_utilization(report, part));
    print_energy(part->energy.total.value_pj, row[9]);
}

static void layer_row(const struct qm_report *report, uint32_t index, cell *row) {
    const struct qm_program_layer *layer = &report->source.program->layers[index];
    const struct qm_report_part *part = &report->layers[index];
    for (int i = 0; i < COLUMNS; i++) snprintf(row[i], CELL_BYTES, "-");
    print_name(layer->name, row[0]);
    snprintf(row[1], CELL_BYTES, "%s", layer->op);
    snprintf(row[2], CELL_BYTES, "%s", layer->shape);
    snprintf(row[3], CELL_BYTES, "%s", layer->precision);
    print_macs(part->macs, row[4]);
    snprintf(row[7], CELL_BYTES, "%s", qm_report_bound(report, index));
    if (layer->on_host) return;
    print_bytes(qm_report_read_bytes(report, part) + qm_report_write_bytes(report, part), row[8]);
    if (report->source.run->timed) print_times(report, part, row);
}

static void total_row(const struct qm_report *report, cell *row) {
    const struct qm_report_part *part = &report->total;
    for (int i = 0; i < COLUMNS; i++) row[i][0] = '\0';
    snprintf(row[0], CELL_BYTES, "total");
    print_macs(part->macs, row[4]);
    print_bytes(qm_report_read_bytes(report, part) + qm_report_write_bytes(report, part), row[8]);
    if (report->source.run->timed) print_times(report, part, row);
}

static void print_rows(FILE *out, cell (*rows)[COLUMNS], uint32_t count) {
    int widths[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = (int)strlen(columns[c].title);
        for (uint32_t r = 0; r < count; r++)
            if ((int)strlen(rows[r][c]) > widths[c]) widths[c] = (int)strlen(rows[r][c]);
    }
    for (uint32_t r = 0; r < count; r++) {
        char line[COLUMNS * (CELL_BYTES + 2)] = "";
        int used = 0;
        for (int c = 0; c < COLUMNS; c++)
            used += snprintf(line + used, sizeof line - (size_t)used, "%*s%s", columns[c].to_the_right ? widths[c] : -widths[c], rows[r][c],
                             c + 1 < COLUMNS ? "  " : "");
        while (used > 0 && line[used - 1] == ' ') line[--used] = '\0';
        fprintf(out, "%s\n", line);
    }
}

static void print_layers(FILE *out, const struct qm_report *report) {
    uint32_t layers = report->source.program->layer_count;
    cell(*rows)[COLUMNS] = calloc(layers + 2, sizeof *rows);
    QM_CHECK(rows != NULL);
    for (int c = 0; c < COLUMNS; c++) snprintf(rows[0][c], CELL_BYTES, "%s", columns[c].title);
    for (uint32_t i = 0; i < layers; i++) layer_row(report, i, rows[1 + i]);
    total_row(report, rows[1 + layers]);
    print_rows(out, rows, layers + 2);
    free(rows);
}

static void print_host(FILE *out, const struct qm_report *report) {
    const struct qm_program *program = report->source.program;
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        if (!program->layers[i].on_host) continue;
        fprintf(out, count++ == 0 ? "on the host, not in cycles and energy: %s" : ", %s", program->layers[i].op);
    }
    if (count > 0)
        fprintf(out, " (%.2f %% of the MACs, %.2f %% of the bytes)\n", 100 * report->host_macs_share, 100 * report->host_bytes_share);
}

static void print_head(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_machine *machine = source->machine;
    cell scratchpad, accumulator;
    print_bytes(machine->scratchpad_bytes, scratchpad);
    print_bytes((uint64_t)machine->accumulator_rows * machine->cols * machine->accumulator_bits / 8, accumulator);
    fprintf(out, "model    %s, SHA-256 %.16s, rounding %s\n", source->program->model, source->program->model_sha256,
            source->program->requant);
    fprintf(out, "machine  %s: %ux%u cells, scratchpad %s, accumulator %s, AXI %u B, DRAM %u B a cycle, %u MHz; fingerprint %08x\n",
            machine->name, machine->rows, machine->cols, scratchpad, accumulator, machine->axi_bytes, machine->dram_bytes_per_cycle,
            machine->clock_mhz, qm_machine_fingerprint(machine));
    fprintf(out, "engine   %s, %" PRIu64 " example%s", source->engine, source->examples, source->examples == 1 ? "" : "s");
    if (source->random_input) fprintf(out, " of random input, seed %" PRIu64, source->seed);
    if (source->stalls > 0) fprintf(out, "; memory stalls with probability %g, seed %" PRIu64, source->stalls, source->seed);
    fprintf(out, "\n\n");
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
    double seconds = (double)report->total.counters.value[QM_C_cycles] / (source->machine->clock_mhz * 1e6);
    cell text, low, high;
    print_seconds(seconds, text);
    fprintf(out, "latency  %s an example, %.*f a second\n", text, seconds < 0.01 ? 0 : 2, 1 / seconds);
    print_machine_causes(out, report);
    print_energy(energy->total.value_pj, text);
    print_energy(energy->total.low_pj, low);
    print_energy(energy->total.high_pj, high);
    fprintf(out, "energy   %s an example (%s .. %s), average power %.1f mW\n", text, low, high, energy->total.value_pj * 1e-9 / seconds);
    fprintf(out, "         table %s: %s\n", qm_energy_table_name(source->energy), qm_energy_table_about(source->energy));
    for (int i = 0; i < QM_ENERGY_COMPONENTS; i++) {
        const struct qm_energy *part = &energy->components[i];
        print_energy(part->value_pj, text);
        print_energy(part->low_pj, low);
        print_energy(part->high_pj, high);
        fprintf(out, "         %-12s %9s  %5.1f %%  (%s .. %s)\n", qm_energy_component_name((enum qm_energy_component)i), text,
                100 * part->value_pj / energy->total.value_pj, low, high);
    }
}

char *qm_report_table(const struct qm_report *report, struct qm_arena *arena) {
    const struct qm_report_source *source = &report->source;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    QM_CHECK(out != NULL);
    print_host(out, report);
    print_head(out, report);
    print_layers(out, report);
    fprintf(out, "\n");
    if (source->run->timed && report->total.counters.value[QM_C_cycles] > 0) print_cost(out, report);
    if (!source->run->timed) fprintf(out, "time     the %s engine computes values only: no cycles, no energy\n", source->engine);
    if (source->labelled > 0)
        fprintf(out, "accuracy %.2f %% (%" PRIu64 " of %" PRIu64 ")\n", 100.0 * (double)source->correct / (double)source->labelled,
                source->correct, source->labelled);
    QM_CHECK(fclose(out) == 0);
    char *kept = qm_arena_strdup(arena, text);
    free(text);
    return kept;
}
