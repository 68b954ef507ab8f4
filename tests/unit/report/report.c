/* report.c - the split of cycles by layer and cause against a walk that asks every cycle whose it is. */
#include "report/area.h"
#include "report/compare.h"
#include "report/figures.h"

#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/work.h"
#include "tests/support/host_stage.h"

enum { INSNS = 12, LAYERS = 3 };

static struct qm_diag diag;
static struct qm_program *program;
static struct qm_run *run;
static struct qm_report_source source;

static void setup(void) {
    program = qm_program_create();
    struct qm_arena *arena = program->arena;
    strcpy(program->model, "net");
    program->insn_count = INSNS;
    program->insns = qm_arena_alloc(arena, INSNS * sizeof *program->insns);
    program->insn_layer = QM_ARENA_NEW(arena, uint32_t, INSNS);
    program->layer_count = LAYERS;
    program->layers = QM_ARENA_NEW(arena, struct qm_program_layer, LAYERS);
    program->tensor_count = 2;
    program->tensors = QM_ARENA_NEW(arena, struct qm_program_tensor, 2);
    program->tensors[0].size_bytes = 10;
    program->tensors[1].size_bytes = 40;
    program->stage_count = 2;
    program->stages = QM_ARENA_NEW(arena, struct qm_program_stage, 2);
    program->stages[0].insn_count = INSNS;
    program->stages[1] = host_stage_softmax(program, LAYERS - 1, 0, 1, 1);
    run = qm_run_create(program, arena);
    run->timed = true;
    struct qm_energy_table *energy;
    cr_assert(qm_energy_load("cmos45", arena, &energy, &diag) == QM_OK, "%s", diag.text);
    source = (struct qm_report_source){
        .program = program, .machine = &program->machine, .run = run, .energy = energy, .engine = "cycle", .examples = 1};
}

static void teardown(void) {
    qm_program_destroy(program);
}

TestSuite(report, .init = setup, .fini = teardown);

/* The MATMUL that streams or waits for weights in t: from its start or the end of the one before, to R + C cycles before its end; -1:
 * none. */
static int streaming(uint64_t t) {
    uint64_t before = 0, drain = source.machine->rows + source.machine->cols;
    for (int i = 0; i < INSNS; i++) {
        if (qm_opcode_unit(program->insns[i][0] & 0xff) != QM_UNIT_MATMUL) continue;
        for (uint64_t c = run->times[i].start + 1; c + drain <= run->times[i].end; c++)
            if (c == t && c >= before) return i;
        uint64_t first = run->times[i].start + 1 > before ? run->times[i].start + 1 : before;
        before = run->times[i].end + 1 > first + drain ? run->times[i].end + 1 - drain : first;
    }
    return -1;
}

/* What the machine counts of these. */
static void count_streams(void) {
    uint64_t *value = run->counters->value;
    value[QM_C_matmul_stream] = value[QM_C_matmul_wait_weights] = 0;
    for (int i = 0; i < INSNS; i++) value[QM_C_matmul_stream] += qm_opcode_unit(program->insns[i][0] & 0xff) == QM_UNIT_MATMUL;
    for (uint64_t t = 0; t < value[QM_C_cycles]; t++) value[QM_C_matmul_wait_weights] += streaming(t) >= 0;
    value[QM_C_matmul_wait_weights] -= value[QM_C_matmul_stream];
}

/* Instructions of random units with random times, in order within each unit; each MATMUL has a row, and time for it. Returns the cycles
 * of the run. */
static uint64_t fill(unsigned seed) {
    static const enum qm_opcode opcodes[] = {QM_LOAD, QM_STORE, QM_MATMUL, QM_REQUANTIZE};
    uint64_t last_start[QM_UNITS] = {0}, last_end[QM_UNITS] = {0}, cycles = 0;
    srand(seed);
    memset(run->counters, 0, sizeof *run->counters);
    for (uint32_t i = 0; i < INSNS; i++) {
        struct qm_insn insn = {
            .opcode = opcodes[rand() % 4], .row_bytes = 16, .row_count = 1, .plane_count = 1, .out_h = 1, .out_w = 1, .channels = 1};
        insn.tiles = insn.kernel_h = insn.kernel_w = insn.run_bytes = 1;
        cr_assert(qm_insn_pack(&insn, program->insns[i], &diag) == QM_OK, "%s", diag.text);
        program->insn_layer[i] = i * LAYERS / INSNS;
        enum qm_unit unit = qm_opcode_unit(insn.opcode);
        struct qm_insn_time *time = &run->times[i];
        time->start = last_start[unit] + 1 + (uint64_t)(rand() % 9);
        time->end = (time->start > last_end[unit] ? time->start : last_end[unit]) + 1 + (uint64_t)(rand() % 12);
        if (unit == QM_UNIT_MATMUL) time->end += source.machine->rows + source.machine->cols;
        last_start[unit] = time->start;
        last_end[unit] = time->end;
        if (time->end > cycles) cycles = time->end;
        qm_work_add(&insn, &program->machine, run->counters);
    }
    run->counters->value[QM_C_cycles] = cycles + 3;
    count_streams();
    return cycles + 3;
}

/* The layer of what streams, or of the oldest instruction that has not ended before t; behind all, the last layer. */
static uint32_t owner(uint64_t t) {
    if (streaming(t) >= 0) return program->insn_layer[streaming(t)];
    for (uint32_t i = 0; i < INSNS; i++)
        if (run->times[i].end >= t) return program->insn_layer[i];
    return LAYERS - 1;
}

static enum qm_layer_cause cause_at(uint64_t t) {
    bool busy[QM_UNITS] = {false};
    for (uint32_t i = 0; i < INSNS; i++)
        if (run->times[i].start <= t && t <= run->times[i].end) busy[qm_opcode_unit(program->insns[i][0] & 0xff)] = true;
    if (streaming(t) >= 0) return QM_LAYER_WEIGHTS;
    if (busy[QM_UNIT_POST]) return QM_LAYER_POST;
    if (busy[QM_UNIT_MATMUL]) return QM_LAYER_DRAIN;
    return busy[QM_UNIT_LOAD] || busy[QM_UNIT_STORE] ? QM_LAYER_MEMORY : QM_LAYER_CONTROL;
}

static struct qm_report *make(void) {
    struct qm_report *report;
    cr_assert(qm_report_make(&source, program->arena, &report, &diag) == QM_OK, "%s", diag.text);
    return report;
}

Test(report, every_cycle_belongs_to_one_layer_and_one_cause) {
    for (unsigned seed = 1; seed <= 200; seed++) {
        uint64_t cycles = fill(seed), want[LAYERS][QM_LAYER_CAUSES] = {0};
        struct qm_report *report = make();
        for (uint64_t t = 0; t < cycles; t++) want[owner(t)][cause_at(t)]++;
        for (int i = 0; i < INSNS; i++) {
            if (qm_opcode_unit(program->insns[i][0] & 0xff) != QM_UNIT_MATMUL) continue;
            want[program->insn_layer[i]][QM_LAYER_COMPUTE]++;
            want[program->insn_layer[i]][QM_LAYER_WEIGHTS]--;
        }
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            for (int cause = 0; cause < QM_LAYER_CAUSES; cause++)
                cr_assert(report->layers[layer].causes[cause] == want[layer][cause], "seed %u, layer %u, %s: %lu, want %lu", seed, layer,
                          qm_layer_cause_name((unsigned)cause), report->layers[layer].causes[cause], want[layer][cause]);
    }
}

Test(report, the_energy_of_the_layers_adds_up_to_the_whole) {
    fill(7);
    struct qm_report *report = make();
    double sum = 0;
    for (int i = 0; i < LAYERS; i++) sum += report->layers[i].energy.total.nominal_pj;
    double ratio = sum / report->total.energy.total.nominal_pj;
    cr_assert(sum > 0 && ratio < 1 + 1e-12 && ratio > 1 - 1e-12);
}

/* Two operations a product, all energy, the whole machine; the host's products are not the device's. */
Test(report, operations_are_counted_by_second_watt_and_area) {
    fill(8);
    program->layers[0].macs = 1000;
    struct qm_report *report = make();
    const uint64_t *value = report->total.counters.value;
    double operations = 2 * 1000;
    double seconds = (double)value[QM_C_cycles] / source.machine->clock_mhz / 1e6, tops = operations / seconds / 1e12;
    double watts = report->total.energy.total.nominal_pj * 1e-12 / seconds, mm2 = qm_area_sum(source.machine).nominal_um2 / 1e6;
    cr_assert(epsilon_eq(dbl, qm_figure_number(&report->total, QM_FIGURE_tops), tops, 1e-9 * tops));
    cr_assert(epsilon_eq(dbl, qm_figure_number(&report->total, QM_FIGURE_tops_per_watt), tops / watts, 1e-9 * tops / watts));
    cr_assert(epsilon_eq(dbl, qm_figure_number(&report->total, QM_FIGURE_tops_per_mm2), tops / mm2, 1e-9 * tops / mm2));
}

Test(report, counters_that_the_program_does_not_add_up_to_are_a_fault) {
    struct qm_report *report;
    fill(1);
    run->counters->value[QM_C_macs]++;
    cr_assert(eq(int, qm_report_make(&source, program->arena, &report, &diag), QM_INTERNAL));
    cr_assert(strstr(diag.text, "net:counter macs") != NULL, "%s", diag.text);
}

/* Beats of 16 bytes at 8 pJ a bit: one read, three written; 50 bytes at 16 a cycle. */
Test(report, work_on_the_host_is_the_first_line_with_the_price_of_its_bytes) {
    fill(3);
    program->layers[2].on_host = true;
    strcpy(program->layers[2].op, "SOFTMAX");
    program->layers[0].macs = 1000;
    for (uint32_t i = 0; i < INSNS; i++) program->insn_layer[i] %= 2;
    struct qm_report *report = make();
    const char *text = qm_report_table(report, program->arena);
    cr_assert(strncmp(text, "on the host, not in cycles and energy: SOFTMAX (0.00 % of the MACs, ", 68) == 0, "%s", text);
    cr_assert(strstr(text, "% of the bytes; at least, for their bytes and products alone: 4 cycles, 4.10 nJ)\n") != NULL, "%s", text);
    cr_assert(eq(u64, report->host_cycles, 4));
    cr_assert(epsilon_eq(dbl, report->host_energy.total.nominal_pj, 4 * 128 * 8.0, 1e-9));
    cr_assert(eq(str, (char *)qm_figures[QM_FIGURE_bound].text(&report->layers[2]), "host"));
}

Test(report, operators_on_the_host_are_named_once_each_and_counted) {
    static const char *const ops[] = {"Softmax", "LayerNormalization", "Softmax", "Erf", "Softmax"};
    fill(3);
    program->layer_count = LAYERS + 5;
    program->layers = QM_ARENA_NEW(program->arena, struct qm_program_layer, LAYERS + 5);
    for (uint32_t i = 0; i < 5; i++) {
        program->layers[LAYERS + i].on_host = true;
        strcpy(program->layers[LAYERS + i].op, ops[i]);
    }
    const char *text = qm_report_table(make(), program->arena), *line = strchr(text, ':');
    static const char want[] = ": Softmax (3 x), LayerNormalization, Erf (";
    cr_assert(strncmp(line, want, strlen(want)) == 0, "%s", text);
}

Test(report, json_has_the_keys_that_scripts_depend_on) {
    static const char *const keys[] = {
        "qmac", "model",       "model_sha256", "machine",         "engine",           "requant",    "cycles",   "seconds",
        "macs", "utilization", "energy_pj",    "dram_read_bytes", "dram_write_bytes", "host_share", "counters", "layers"};
    static const char *const layer_keys[] = {"name", "op", "precision", "macs", "cycles", "energy_pj", "causes"};
    uint64_t cycles = fill(5);
    cJSON *root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(root != NULL);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) cr_assert(cJSON_HasObjectItem(root, keys[i]), "%s", keys[i]);
    cr_assert(eq(dbl, cJSON_GetObjectItem(root, "cycles")->valuedouble, (double)cycles));
    const cJSON *layer = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "layers"), 1);
    for (size_t i = 0; i < sizeof layer_keys / sizeof *layer_keys; i++)
        cr_assert(cJSON_HasObjectItem(layer, layer_keys[i]), "%s", layer_keys[i]);
    const cJSON *counters = cJSON_GetObjectItem(root, "counters");
    for (int i = 0; i < QM_COUNTERS; i++)
        cr_assert(cJSON_HasObjectItem(counters, qm_counter_infos[i].name), "%s", qm_counter_infos[i].name);
    cJSON_Delete(root);
}

Test(report, names_the_search_that_made_the_program_if_one_did) {
    fill(5);
    cJSON *root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(cJSON_IsNull(cJSON_GetObjectItem(root, "search")));
    cr_assert(strstr(qm_report_table(make(), program->arena), "search") == NULL);
    cJSON_Delete(root);
    strcpy(program->search, "layers");
    root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(eq(str, cJSON_GetObjectItem(root, "search")->valuestring, "layers"));
    cr_assert(strstr(qm_report_table(make(), program->arena), ", search layers\n") != NULL);
    cJSON_Delete(root);
}

Test(report, layers_that_are_not_exact_are_named_with_their_deviation) {
    const struct qm_deviation deviations[] = {{.layer = 0, .largest = 3, .mean = 0.25}, {.layer = 2, .largest = 0, .mean = 0}};
    fill(5);
    strcpy(program->layers[2].name, "last");
    source.accepts_error = true;
    source.deviation_count = 2;
    source.deviations = deviations;
    const char *text = qm_report_table(make(), program->arena);
    const char *line = "values   not exact: the machine's nearest in 2 layers; in steps of its output, on this run's inputs, off by\n";
    cr_assert(strstr(text, line) != NULL, "%s", text);
    cr_assert(strstr(text, " 3 at most, 0.25 on average\n         last ") != NULL, "%s", text);
    cJSON *root = cJSON_Parse(qm_report_json(make(), program->arena));
    const cJSON *listed = cJSON_GetObjectItem(root, "deviation"), *first = cJSON_GetArrayItem(listed, 0);
    cr_assert(eq(int, cJSON_GetArraySize(listed), 2));
    cr_assert(eq(dbl, cJSON_GetObjectItem(first, "largest")->valuedouble, 3));
    cr_assert(eq(dbl, cJSON_GetObjectItem(first, "mean")->valuedouble, 0.25));
    cr_assert(eq(str, cJSON_GetObjectItem(cJSON_GetArrayItem(listed, 1), "name")->valuestring, "last"));
    cr_assert(eq(dbl, cJSON_GetObjectItem(cJSON_GetArrayItem(listed, 1), "layer")->valuedouble, 2));
    cJSON_Delete(root);
}

Test(report, an_acceptance_that_was_not_needed_is_told_and_one_that_was_not_asked_for_is_not) {
    fill(5);
    cJSON *root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(zero(ptr, cJSON_GetObjectItem(root, "deviation")));
    cr_assert(zero(ptr, strstr(qm_report_table(make(), program->arena), "exact")));
    cJSON_Delete(root);
    source.accepts_error = true;
    root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(cJSON_IsArray(cJSON_GetObjectItem(root, "deviation")));
    cr_assert(eq(int, cJSON_GetArraySize(cJSON_GetObjectItem(root, "deviation")), 0));
    cr_assert(strstr(qm_report_table(make(), program->arena), "values   exact: nothing had to be accepted\n") != NULL);
    cJSON_Delete(root);
}

Test(report, says_when_the_values_are_not_the_files) {
    fill(5);
    strcpy(program->requant, "away");
    strcpy(program->file_requant, "even");
    cr_assert(strstr(qm_report_table(make(), program->arena), ", rounding away\nvalues   not the file's, which mean rounding even\n") !=
              NULL);
    cJSON *root = cJSON_Parse(qm_report_json(make(), program->arena));
    cr_assert(eq(str, cJSON_GetObjectItem(root, "file_requant")->valuestring, "even"));
    cJSON_Delete(root);
    strcpy(program->requant, "even");
    cr_assert(zero(ptr, strstr(qm_report_table(make(), program->arena), "not the file's")));
}

Test(report, what_an_engine_without_time_cannot_know_is_null) {
    fill(5);
    run->timed = false;
    memset(run->counters, 0, sizeof *run->counters);
    struct qm_report *report = make();
    cJSON *root = cJSON_Parse(qm_report_json(report, program->arena));
    cr_assert(cJSON_IsNull(cJSON_GetObjectItem(root, "cycles")) && cJSON_IsNull(cJSON_GetObjectItem(root, "energy_pj")));
    cr_assert(cJSON_IsNumber(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "counters"), "macs")));
    cr_assert(strstr(qm_report_table(report, program->arena), "no cycles, no energy") != NULL);
    cJSON_Delete(root);
}

/* 1000 products of 8 by 8 bits, 10 of 4 by 8, 100 of 2 by 4, which are those of 4 by 4; the host's are not the machine's. */
Test(report, number_formats_are_compared_by_products_and_bytes) {
    static const char *const precisions[LAYERS] = {"w8a8", "w4a8", "w2a4"};
    static const uint64_t macs[LAYERS] = {1000, 10, 100};
    fill(1);
    for (int i = 0; i < LAYERS; i++) {
        strcpy(program->layers[i].precision, precisions[i]);
        program->layers[i].macs = macs[i];
    }
    source.compared = "float16";
    struct qm_report *report = make();
    struct qm_compare compare = qm_compare_make(report);
    cr_assert(epsilon_eq(dbl, compare.here.multiply_pj, 1000 * 0.2 + 10 * 0.1 + 100 * 0.05, 1e-9));
    cr_assert(epsilon_eq(dbl, compare.here.add_pj, 1110 * 0.1, 1e-9));
    cr_assert(epsilon_eq(dbl, compare.here.bit_ops, 1000 * 64 + 10 * 32 + 100 * 8, 1e-9));
    cr_assert(epsilon_eq(dbl, compare.there.multiply_pj, 1110 * 1.1, 1e-9));
    cr_assert(epsilon_eq(dbl, compare.there.bit_ops, 1110 * 256, 1e-9));
    double bits[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        const uint64_t *value = report->layers[i].counters.value;
        bits[i] = (double)(value[QM_C_dram_read_beats] + value[QM_C_dram_write_beats]) * source.machine->axi_bytes * 8;
    }
    cr_assert(epsilon_eq(dbl, compare.here.dram_pj, 20 * (bits[0] + bits[1] + bits[2]), 1e-6));
    cr_assert(epsilon_eq(dbl, compare.there.dram_pj, 20 * (2 * bits[0] + 2 * bits[1] + 4 * bits[2]), 1e-6));
    program->layers[0].on_host = true;
    cr_assert(epsilon_eq(dbl, qm_compare_make(report).there.multiply_pj, 110 * 1.1, 1e-9));
}
