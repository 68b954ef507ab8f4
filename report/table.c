/* table.c - the report for people: what was run, a line for each layer, the totals. Columns are as wide as their widest cell;
 * units stand in each cell. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "report/compare.h"
#include "report/figures.h"
#include "report/values.h"

static const enum qm_figure_id columns_shown[] = {QM_FIGURE_name,       QM_FIGURE_op,       QM_FIGURE_shape,       QM_FIGURE_precision,
                                                  QM_FIGURE_layer_macs, QM_FIGURE_cycles,   QM_FIGURE_utilization, QM_FIGURE_bound,
                                                  QM_FIGURE_dram_bytes, QM_FIGURE_energy_pj};
enum { COLUMNS = sizeof columns_shown / sizeof *columns_shown, LAYERS_NAMED = 4, PEAKS_TOLD = 3, FIT_BYTES = 400 };

static void print_cell(const struct qm_report_part *part, enum qm_figure_id id, qm_cell out) {
    const struct qm_figure *figure = &qm_figures[id];
    double number = figure->number != NULL ? qm_figure_number(part, id) : NAN;
    if (id == QM_FIGURE_utilization && part->macs == 0) number = NAN;
    if (!isnan(number))
        qm_cell_number(figure->unit, number, out);
    else if (part->layer == NULL)
        snprintf(out, QM_CELL_BYTES, "%s", id == QM_FIGURE_name ? "total" : "");
    else if (id == QM_FIGURE_name)
        qm_cell_name(part->layer->name, out);
    else
        qm_text_show(figure->text != NULL ? figure->text(part) : "-", out, QM_CELL_BYTES);
}

static void print_layers(FILE *out, const struct qm_report *report) {
    uint32_t layers = report->source.program->layer_count;
    qm_cell(*rows)[COLUMNS] = qm_alloc_zeroed(layers + 1, sizeof *rows);
    struct qm_column columns[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        const struct qm_figure *figure = &qm_figures[columns_shown[c]];
        columns[c] = (struct qm_column){figure->title, figure->unit != QM_WORDS};
        for (uint32_t i = 0; i <= layers; i++) print_cell(i < layers ? &report->layers[i] : &report->total, columns_shown[c], rows[i][c]);
    }
    qm_cells_print(out, columns, COLUMNS, *rows, layers + 1);
    free(rows);
}

/* Layers of the host with the operator of layer `first`, which is one of them; 0: they have been counted at one before. */
static uint32_t count_on_host(const struct qm_program *program, uint32_t first) {
    const char *op = program->layers[first].op;
    uint32_t count = 0;
    for (uint32_t i = 0; i < first; i++)
        if (program->layers[i].on_host && strcmp(program->layers[i].op, op) == 0) return 0;
    for (uint32_t i = first; i < program->layer_count; i++) count += program->layers[i].on_host && strcmp(program->layers[i].op, op) == 0;
    return count;
}

static void print_host(FILE *out, const struct qm_report *report) {
    const struct qm_program *program = report->source.program;
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        uint32_t layers = program->layers[i].on_host ? count_on_host(program, i) : 0;
        if (layers == 0) continue;
        fprintf(out, count++ == 0 ? "on the host, not in cycles and energy: %s" : ", %s", qm_shown(program->layers[i].op).text);
        if (layers > 1) fprintf(out, " (%u x)", layers);
    }
    if (count == 0) return;
    fprintf(out, " (%.2f %% of the MACs, %.2f %% of the bytes", 100 * qm_figure_number(&report->total, QM_FIGURE_host_macs_share),
            100 * qm_figure_number(&report->total, QM_FIGURE_host_bytes_share));
    qm_cell cycles, energy;
    qm_cell_count(report->host_cycles, cycles);
    qm_cell_energy(report->host_energy.total.nominal_pj, energy);
    if (report->source.run->timed) fprintf(out, "; at least, for their bytes and products alone: %s cycles, %s", cycles, energy);
    fprintf(out, ")\n");
}

static void print_head(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_machine *machine = source->machine;
    qm_cell scratchpad, accumulator;
    qm_cell_bytes(machine->scratchpad_bytes, scratchpad);
    qm_cell_bytes((uint64_t)machine->accumulator_rows * machine->cols * machine->accumulator_bits / 8, accumulator);
    fprintf(out, "model    %s, SHA-256 %.16s, rounding %s", qm_shown(source->program->model).text,
            qm_shown(source->program->model_sha256).text, qm_shown(source->program->requant).text);
    if (source->program->search[0] != '\0') fprintf(out, ", search %s", qm_shown(source->program->search).text);
    fputc('\n', out);
    if (qm_program_overrides(source->program))
        fprintf(out, "values   not the file's, which mean rounding %s\n", qm_shown(source->program->file_requant).text);
    if (source->program->other_sums > 0)
        fprintf(out, "sums     %u of all that its channels can have become another number than XNNPACK's\n", source->program->other_sums);
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
    fprintf(out, "\n");
}

/* Names the layers whose sums may not fit, a few of them. */
static void print_overflowing(FILE *out, const struct qm_report *report) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->source.program->layer_count; i++) {
        qm_cell name;
        if (!report->source.program->layers[i].may_overflow || count++ >= LAYERS_NAMED) continue;
        qm_cell_name(report->source.program->layers[i].name, name);
        fprintf(out, count == 1 ? "         in %s" : ", %s", name);
    }
    if (count > LAYERS_NAMED) fprintf(out, " and %u more", count - LAYERS_NAMED);
    if (count > 0) fputc('\n', out);
}

/* Says whether every sum fits the accumulator. */
static void print_overflow(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_machine *machine = source->machine;
    enum qm_overflow overflow = qm_report_overflow(&report->total);
    qm_cell count;
    if (source->program->has_no_weights) {
        fprintf(out, "overflow unknown: the file has no weights, and those drawn for time and energy say nothing of it\n");
        return;
    }
    qm_cell_count(source->overflows, count);
    fprintf(out, "overflow %s: ", qm_overflow_name(overflow));
    if (overflow == QM_OVERFLOW_COUNTED)
        fprintf(out, "%s sums did not fit %u bits and %s, in %" PRIu64 " of %" PRIu64 " examples: the values are not the network's\n",
                count, machine->accumulator_bits, machine->accumulator_saturate ? "became the nearest that do" : "wrapped",
                source->overflowing_examples, source->examples);
    else if (overflow == QM_OVERFLOW_POSSIBLE)
        fprintf(out, "there are inputs whose sums do not fit %u bits%s\n", machine->accumulator_bits,
                source->run->has_values ? "; those of this run did" : "");
    else
        fprintf(out, "every sum fits %u bits, whatever the input\n", machine->accumulator_bits);
    print_overflowing(out, report);
}

/* Says that energy is extrapolated, when it is. */
static void print_outside_fit(FILE *out, const struct qm_report_source *source) {
    char text[FIT_BYTES];
    if (source->run->timed && qm_energy_is_outside_fit(source->energy, source->machine, text, sizeof text))
        fprintf(out, "energy   beyond what table %s was fitted to: %s\n", qm_shown(qm_energy_table_name(source->energy)).text, text);
}

/* Says how exact the values are, when layers that are not were accepted. */
static void print_deviations(FILE *out, const struct qm_report_source *source) {
    qm_cell name;
    if (source->accepts_error && source->deviation_count == 0) fprintf(out, "values   exact: nothing had to be accepted\n");
    if (source->deviation_count == 0) return;
    fprintf(out, "values   not exact: the machine's nearest in %u layer%s; in steps of its output, on this run's inputs, off by\n",
            source->deviation_count, source->deviation_count == 1 ? "" : "s");
    for (uint32_t i = 0; i < source->deviation_count; i++) {
        const struct qm_deviation *deviation = &source->deviations[i];
        qm_cell_name(source->program->layers[deviation->layer].name, name);
        fprintf(out, "         %-*s  %g at most, %.4g on average\n", QM_CELL_NAME_CHARS + 2, name, deviation->largest, deviation->mean);
    }
}

/* Says in a line that weights of 2 bits and 1 save bytes only, when the program has any. */
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

/* Says what utilization is a share of: of the layers' own precisions, those that there are. */
static void print_peak(FILE *out, const struct qm_report *report) {
    const struct qm_program *program = report->source.program;
    double told[PEAKS_TOLD];
    int count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) {
        double peak = qm_figure_number(&report->layers[i], QM_FIGURE_peak);
        bool is_told = report->layers[i].macs == 0 || program->layers[i].on_host;
        for (int j = 0; j < count; j++) is_told |= told[j] == peak;
        if (is_told || count == PEAKS_TOLD) continue;
        fprintf(out, "%s%.0f MACs a cycle of %s", count == 0 ? "peak     util is the share of " : ", ", peak, program->layers[i].precision);
        told[count++] = peak;
    }
    if (count > 0) fputc('\n', out);
}

/* Says how many cycles the program would take with half and with double the DRAM's bandwidth. */
static void print_bandwidths(FILE *out, const struct qm_report *report) {
    static const struct {
        enum qm_figure_id id;
        const char *what;
    } bandwidths[] = {{QM_FIGURE_half_bandwidth, "half the bandwidth"}, {QM_FIGURE_double_bandwidth, "double"}};
    double cycles = qm_figure_number(&report->total, QM_FIGURE_cycles);
    const char *before = "dram     ";
    for (size_t i = 0; i < sizeof bandwidths / sizeof *bandwidths; i++) {
        double other = qm_figure_number(&report->total, bandwidths[i].id);
        qm_cell count;
        if (isnan(other)) continue;
        qm_cell_count((uint64_t)other, count);
        fprintf(out, "%s%s: %s cycles (%+.1f %%)", before, bandwidths[i].what, count, 100 * (other - cycles) / cycles);
        before = ", ";
    }
    if (before[0] == ',') fputc('\n', out);
}

/* Says how much the machine did by second, watt and area; an operation is a multiplication or an addition of the network. */
static void print_rates(FILE *out, const struct qm_report *report) {
    const struct qm_report_part *total = &report->total;
    fprintf(out, "rate     %.3g TOPS, %.3g TOPS/W, %.3g TOPS/mm2: two operations a MAC, all energy, %.2f mm2\n",
            qm_figure_number(total, QM_FIGURE_tops), qm_figure_number(total, QM_FIGURE_tops_per_watt),
            qm_figure_number(total, QM_FIGURE_tops_per_mm2), qm_figure_number(total, QM_FIGURE_area) / 1e6);
}

static void print_cost(FILE *out, const struct qm_report *report) {
    const struct qm_report_source *source = &report->source;
    const struct qm_energy_sum *energy = &report->total.energy;
    double seconds = qm_figure_number(&report->total, QM_FIGURE_seconds);
    qm_cell text, low, high;
    print_peak(out, report);
    qm_cell_seconds(seconds, text);
    fprintf(out, "latency  %s an example, %.*f a second\n", text, seconds < 0.01 ? 0 : 2, 1 / seconds);
    print_machine_causes(out, report);
    print_bandwidths(out, report);
    qm_cell_energy(energy->total.nominal_pj, text);
    qm_cell_energy(energy->total.low_pj, low);
    qm_cell_energy(energy->total.high_pj, high);
    fprintf(out, "energy   %s an example (%s .. %s), average power %.1f mW\n", text, low, high,
            qm_figure_number(&report->total, QM_FIGURE_average_power_mw));
    fprintf(out, "         table %s, SHA-256 %.16s: %s\n", qm_shown(qm_energy_table_name(source->energy)).text,
            qm_energy_table_digest(source->energy)->text, qm_shown(qm_energy_table_about(source->energy)).text);
    for (int i = 0; i < QM_COMPONENTS; i++) {
        const struct qm_energy *part = &energy->components[i];
        qm_cell_energy(part->nominal_pj, text);
        qm_cell_energy(part->low_pj, low);
        qm_cell_energy(part->high_pj, high);
        fprintf(out, "         %-12s %9s  %5.1f %%  (%s .. %s)\n", qm_component_name((unsigned)i), text,
                100 * part->nominal_pj / energy->total.nominal_pj, low, high);
    }
    print_rates(out, report);
}

static bool has_device_work(const struct qm_program *program) {
    for (uint32_t i = 0; i < program->stage_count; i++)
        if (!program->stages[i].on_host && program->stages[i].insn_count > 0) return true;
    return false;
}

char *qm_report_table(const struct qm_report *report, struct qm_arena *arena) {
    const struct qm_report_source *source = &report->source;
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    print_host(out, report);
    print_head(out, report);
    print_overflow(out, report);
    print_outside_fit(out, source);
    fprintf(out, "\n");
    print_layers(out, report);
    fprintf(out, "\n");
    print_deviations(out, source);
    print_rate(out, source->program);
    if (source->run->timed && report->total.counters.value[QM_C_cycles] > 0) print_cost(out, report);
    if (!source->run->timed && has_device_work(source->program))
        fprintf(out, "time     the %s engine computes values only: no cycles, no energy\n", source->engine);
    if (source->compared != NULL) qm_compare_print(out, report);
    qm_values_print_accuracy(out, source->labelled, source->correct);
    return qm_arena_close_text(arena, out, &text);
}
