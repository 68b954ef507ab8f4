/* energy.c - the price of every unit of measurement, the named tables, and bad rows that are refused. */
#include "report/energy.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static struct qm_diag diag;
static struct qm_arena *arena;
static struct qm_machine machine;

static void setup(void) {
    arena = qm_arena_create();
    qm_machine_init(&machine);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(energy, .init = setup, .fini = teardown);

static enum qm_status load_text(const char *text, struct qm_energy_table **table) {
    char path[] = "/tmp/qmac-energy-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
    enum qm_status status = qm_energy_load(path, arena, table, &diag);
    unlink(path);
    return status;
}

#define CLOCK "volts: 1\ncell_class: low_standby\nclock_mhz_most: 400\n"
#define FIT   "memory_fit:\n  kib_least: 1\n  kib_most: 128\n  bits_least: 8\n  bits_most: 512\n"

/* A table of one row; every other counter is not priced. */
static enum qm_status load_row(const char *counter, const char *row, struct qm_energy_table **table) {
    char text[4000];
    int used = snprintf(text, sizeof text, "about: a\nnode_nm: 45\nrows:\n  r:\n    counter: %s\n%snot_priced:\n", counter, row);
    for (int i = 0; i < QM_COUNTERS; i++)
        if (qm_counter_infos[i].group == NULL && strcmp(qm_counter_infos[i].name, counter) != 0)
            used += snprintf(text + used, sizeof text - (size_t)used, "  %s: x\n", qm_counter_infos[i].name);
    snprintf(text + used, sizeof text - (size_t)used, CLOCK "%s", strstr(row, "pJ/access") != NULL ? FIT : "");
    return load_text(text, table);
}

#define PRICE "    value: 2\n    low: 1\n    high: 3\n    node_nm: 45\n    status: assumed\n    source: s\n    origin: o\n"

/* Energy of 1000 counts at the price of 2 pJ. */
static struct qm_energy_sum cost(const char *counter_name, enum qm_counter counter, const char *row) {
    struct qm_energy_table *table;
    char text[600];
    snprintf(text, sizeof text, "%s" PRICE, row);
    cr_assert(load_row(counter_name, text, &table) == QM_OK, "%s", diag.text);
    struct qm_counters counters = {0};
    counters.value[counter] = 1000;
    struct qm_energy_sum sum = {0};
    qm_energy_of(table, &machine, &counters, &sum);
    return sum;
}

static int near(double a, double b) {
    return a - b < 1e-6 && b - a < 1e-6;
}

Test(energy, counts_are_multiplied_as_the_unit_says) {
    machine.clock_mhz = 250;
    struct qm_energy_sum sum = cost("macs", QM_C_macs, "    component: array\n    unit: pJ/product\n");
    cr_assert(near(sum.total.nominal_pj, 2000) && near(sum.total.low_pj, 1000) && near(sum.total.high_pj, 3000));
    cr_assert(near(sum.components[QM_COMPONENT_ARRAY].nominal_pj, 2000) && near(sum.components[QM_COMPONENT_DRAM].nominal_pj, 0));
    /* 16 bytes a beat */
    cr_assert(
        near(cost("dram_read_beats", QM_C_dram_read_beats, "    component: dram\n    unit: pJ/bit\n").total.nominal_pj, 2000.0 * 128));
    /* 256 cells, 4 ns a cycle: 1000 cycles are 4 us, so 2 uW a cell is 8 pJ */
    cr_assert(near(cost("cycles", QM_C_cycles, "    component: array\n    unit: uW/cell\n").total.nominal_pj, 256 * 8));
    cr_assert(near(cost("cycles", QM_C_cycles, "    component: array\n    unit: pJ/cell/cycle\n").total.nominal_pj, 256 * 2000));
    cr_assert(near(cost("cycles", QM_C_cycles, "    component: scratchpad\n    unit: uW/KiB\n    memory: scratchpad\n").total.nominal_pj,
                   256 * 8));
    /* 2 mW for 4 us */
    cr_assert(near(cost("cycles", QM_C_cycles, "    component: dram\n    unit: mW\n").total.nominal_pj, 8000));
    /* 16 rows; before them 7.5 on average */
    static const char hops[] = "    component: array\n    unit: pJ/byte/hop\n    hops: ";
    char row[100];
    snprintf(row, sizeof row, "%srows\n", hops);
    cr_assert(near(cost("weight_writes", QM_C_weight_writes, row).total.nominal_pj, 32000));
    snprintf(row, sizeof row, "%srows_skew\n", hops);
    cr_assert(near(cost("weight_writes", QM_C_weight_writes, row).total.nominal_pj, 15000));
    static const char words[] = "    component: array\n    unit: pJ/word/hop\n    hops: cols_skew\n";
    machine.cols = 5;
    cr_assert(near(cost("acc_writes", QM_C_acc_writes, words).total.nominal_pj, 4000));
}

/* 11 flip-flops and 10 bits of address; 595 gates a lane of 0.826 um2. */
Test(energy, clock_and_leakage_are_of_the_flip_flops_and_of_the_logic_of_a_component) {
    machine.accumulator_rows = 1024;
    machine.clock_mhz = 250;
    double clock = cost("cycles", QM_C_cycles, "    component: accumulator\n    unit: fJ/flip-flop/cycle\n").total.nominal_pj;
    cr_assert(near(clock, 1000 * 21 * 2 / 1000.0), "%g", clock);
    double leakage = cost("cycles", QM_C_cycles, "    component: accumulator\n    unit: nW/um2\n").total.nominal_pj;
    cr_assert(near(leakage, (16 * 595 * 0.826 + 21 * 5.3) * 2 / 1000 * 4), "%g", leakage);
}

/* An ungated machine that has nothing to do: its clock, leakage, DRAM in standby; and one whose cells all have a product in each cycle. */
Test(energy, an_idle_machine_takes_three_to_seven_tenths_of_a_busy_one) {
    struct qm_energy_table *table;
    struct qm_energy_sum idle, busy;
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    struct qm_counters counters = {0};
    counters.value[QM_C_cycles] = 1000;
    qm_energy_of(table, &machine, &counters, &idle);
    counters.value[QM_C_matmul_stream] = 1000;
    counters.value[QM_C_macs] = 1000 * 256;
    counters.value[QM_C_stream_reads] = counters.value[QM_C_acc_reads] = counters.value[QM_C_acc_writes] = 1000 * 16;
    qm_energy_of(table, &machine, &counters, &busy);
    double share = idle.total.nominal_pj / busy.total.nominal_pj;
    cr_assert(share > 0.3 && share < 0.7, "%g", share);
    double array = idle.components[QM_COMPONENT_ARRAY].nominal_pj / busy.components[QM_COMPONENT_ARRAY].nominal_pj;
    cr_assert(array > 0.3 && array < 0.7, "%g", array);
}

/* What a busy cell takes at gate level: 1.397, 1.490 and 1.651 pJ a cycle, within half a percent for the skew's clock is not the cell's. */
Test(energy, a_cell_costs_what_it_was_measured_at) {
    static const struct {
        enum qm_counter counter;
        uint64_t products;
        double pj;
    } cases[] = {{QM_C_macs, 1, 1.397}, {QM_C_macs_w4a8, 2, 1.490}, {QM_C_macs_w4a4, 4, 1.651}};
    struct qm_energy_table *table;
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    for (size_t i = 0; i < 3; i++) {
        struct qm_energy_sum products, one;
        struct qm_counters counters = {0};
        counters.value[cases[i].counter] = cases[i].products;
        qm_energy_of(table, &machine, &counters, &products);
        counters = (struct qm_counters){.value[QM_C_matmul_stream] = 1};
        qm_energy_of(table, &machine, &counters, &one);
        double pj = products.total.nominal_pj + (one.total.nominal_pj - 5) / 256 + 103 * 0.0056; /* 5: the streamer's */
        cr_assert(fabs(pj / cases[i].pj - 1) < 0.005, "case %zu: %g", i, pj);
    }
}

/* Of 1.055 pJ a cycle at gate level, with 69 flip-flops: the one that was measured had 68. */
Test(energy, a_fixed_cell_has_a_price_of_its_own) {
    struct qm_energy_table *table;
    struct qm_energy_sum fusible, fixed;
    struct qm_counters counters = {.value[QM_C_macs] = 1};
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    qm_energy_of(table, &machine, &counters, &fusible);
    machine.cell = QM_cell_fixed8;
    qm_energy_of(table, &machine, &counters, &fixed);
    cr_assert(fabs(fixed.total.nominal_pj + 0.15 + 69 * 0.0056 - 1.055) < 0.005, "%g", fixed.total.nominal_pj);
    cr_assert(fusible.total.nominal_pj > fixed.total.nominal_pj);
}

Test(energy, an_addition_replaces_rows_of_the_table_that_it_is_of) {
    struct qm_energy_table *table, *other;
    struct qm_energy_sum lpddr4, hbm2;
    struct qm_counters counters = {.value[QM_C_dram_read_beats] = 1000};
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_energy_load("cmos45+gated+hbm2", arena, &other, &diag) == QM_OK, "%s", diag.text);
    qm_energy_of(table, &machine, &counters, &lpddr4);
    qm_energy_of(other, &machine, &counters, &hbm2);
    cr_assert(near(lpddr4.components[QM_COMPONENT_DRAM].nominal_pj, 8.0 * 128 * 1000));
    cr_assert(near(hbm2.components[QM_COMPONENT_DRAM].nominal_pj, 3.9 * 128 * 1000));
    cr_assert(eq(str, (char *)qm_energy_table_name(other), "cmos45+gated+hbm2"));
    cr_assert(strcmp(qm_energy_table_digest(table)->text, qm_energy_table_digest(other)->text) != 0);
    static const struct {
        const char *names, *words;
    } bad[] = {{"gated", "no prices of a whole machine"},
               {"horowitz45+gated", "of one set with table cmos45, not with horowitz45"},
               {"cmos45+horowitz45", "a table of its own"},
               {"cmos45+hbm3", "hbm3: no such name"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert(eq(int, qm_energy_load(bad[i].names, arena, &other, &diag), QM_BAD_INPUT), "%s", bad[i].names);
        cr_assert(strstr(diag.text, bad[i].words) != NULL, "%s", diag.text);
    }
}

/* 16 bytes a cycle at 500 MHz are 8 GB/s: two channels of 6.4, one at half the clock. */
Test(energy, the_dram_has_as_many_channels_as_the_bandwidth_needs) {
    struct qm_energy_table *table;
    struct qm_energy_sum fast, slow;
    struct qm_counters counters = {.value[QM_C_cycles] = 1000};
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    qm_energy_of(table, &machine, &counters, &fast);
    machine.clock_mhz = 250;
    qm_energy_of(table, &machine, &counters, &slow);
    cr_assert(near(fast.components[QM_COMPONENT_DRAM].nominal_pj, 2 * (24.6 + 4.17) * 2000));
    cr_assert(near(slow.components[QM_COMPONENT_DRAM].nominal_pj, (24.6 + 4.17) * 4000));
}

Test(energy, an_access_costs_more_in_a_larger_or_wider_memory) {
    static const char row[] = "    component: scratchpad\n    unit: pJ/access\n    memory: scratchpad\n    access: rows\n    kb_exponent: "
                              "0.5\n    bits_exponent: 1\n";
    /* 1000 bytes are 62.5 accesses of 16 bytes: 2 pJ * sqrt(256) * 128/64 each */
    cr_assert(near(cost("stream_reads", QM_C_stream_reads, row).total.nominal_pj, 62.5 * 2 * 16 * 2));
    static const char sums[] = "    component: accumulator\n    unit: pJ/access\n    memory: accumulator\n    access: sums\n    "
                               "kb_exponent: 0.5\n    bits_exponent: 1\n";
    /* 1000 words are 62.5 rows of 64 bytes; 64 KiB */
    cr_assert(near(cost("acc_reads", QM_C_acc_reads, sums).total.nominal_pj, 62.5 * 2 * 8 * 8));
}

Test(energy, every_named_table_loads_and_prices_every_event) {
    static const char *const names[] = {
        "bitfusion45",   "bitfusion45+lpddr5", "cmos45",          "cmos45+ddr4", "cmos45+gated", "cmos45+hbm2+gated+high_performance",
        "cmos45+lpddr5", "horowitz45",         "horowitz45+ddr4", "jouppi7",     "jouppi7+hbm2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct qm_energy_table *table;
        struct qm_energy_sum sum = {0};
        struct qm_counters counters = {0};
        cr_assert(qm_energy_load(names[i], arena, &table, &diag) == QM_OK, "%s", diag.text);
        for (int c = 0; c < QM_COUNTERS; c++) counters.value[c] = 10;
        qm_energy_of(table, &machine, &counters, &sum);
        cr_assert(sum.total.low_pj > 0 && sum.total.low_pj < sum.total.nominal_pj && sum.total.nominal_pj < sum.total.high_pj);
        double parts = 0;
        for (int c = 0; c < QM_COMPONENTS; c++) parts += sum.components[c].nominal_pj;
        cr_assert(near(parts, sum.total.nominal_pj));
    }
}

/* CACTI 7 itself, 45 nm, low-standby cells: 64 KiB, 128 bits. */
Test(energy, a_run_of_cacti_lies_within_the_range_of_the_law) {
    struct qm_energy_table *table;
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    machine.scratchpad_bytes = 65536;
    struct qm_counters counters = {0};
    counters.value[QM_C_stream_reads] = 16;
    struct qm_energy_sum sum = {0};
    qm_energy_of(table, &machine, &counters, &sum);
    cr_assert(sum.total.low_pj < 39.332 && 39.332 < sum.total.high_pj, "%g .. %g pJ", sum.total.low_pj, sum.total.high_pj);
}

Test(energy, bad_rows_are_refused_with_their_line) {
    static const struct {
        const char *counter, *row, *words;
    } cases[] = {
        {"mac", "    component: array\n    unit: pJ/product\n" PRICE, ":5: unknown counter 'mac'"},
        {"macs", "    component: core\n    unit: pJ/product\n" PRICE, ":6: 'component' must be one of array, "},
        {"macs", "    component: array\n    unit: pJ/byte\n" PRICE, ":7: unit 'pJ/byte' does not fit counter macs"},
        {"macs", "    component: array\n    unit: nJ/product\n" PRICE, ":7: unit"},
        {"macs", "    component: array\n    unit: uW/cell\n" PRICE, ":7: unit"},
        {"macs", "    component: array\n    unit: pJ/product\n    colour: red\n" PRICE, ":8: unknown key 'colour'"},
        {"macs", "    component: array\n    unit: pJ/product\n    memory: scratchpad\n" PRICE, ":8: 'memory' has no place"},
        {"macs",
         "    component: array\n    unit: pJ/product\n    value: 1\n    low: 2\n    high: 3\n    node_nm: 45\n    status: assumed\n    "
         "source: s\n",
         "low <= value <= high"},
        {"macs",
         "    component: array\n    unit: pJ/product\n    value: -1\n    low: 2\n    high: 3\n    node_nm: 45\n    status: assumed\n    "
         "source: s\n",
         ":8: 'value' must be a number"},
        {"macs",
         "    component: array\n    unit: pJ/product\n    value: 1\n    low: 1\n    high: 3\n    node_nm: 7\n    status: assumed\n    "
         "source: s\n",
         ":11: the row is of 7 nm"},
        {"macs",
         "    component: array\n    unit: pJ/product\n    value: 1\n    low: 1\n    high: 3\n    node_nm: 45\n    status: assumed\n",
         "has no 'source'"},
        {"macs",
         "    component: array\n    unit: pJ/product\n    value: 1\n    low: 1\n    high: 3\n    node_nm: 45\n    status: guess\n    "
         "source: s\n",
         "'status' must be one of"},
        {"stream_reads", "    component: scratchpad\n    unit: pJ/access\n    memory: scratchpad\n" PRICE, "has no 'access'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_energy_table *table;
        cr_assert(load_row(cases[i].counter, cases[i].row, &table) == QM_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(diag.text, cases[i].words) != NULL, "case %zu: %s", i, diag.text);
    }
}

Test(energy, nothing_is_free_by_accident) {
    struct qm_energy_table *table;
    static const char row[] =
        "about: a\nnode_nm: 45\nrows:\n  r:\n    counter: macs\n    component: array\n    unit: pJ/product\n" PRICE CLOCK;
    cr_assert(eq(int, load_text(row, &table), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "counter cycles has no row") != NULL, "%s", diag.text);
    cr_assert(load_row("macs", "    component: array\n    unit: pJ/product\n    cell: fixed8\n" PRICE, &table) == QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "counter macs has no row for one kind of cells") != NULL, "%s", diag.text);
    cr_assert(eq(int, qm_energy_load("cmos7", arena, &table, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "bitfusion45, cmos45") != NULL, "%s", diag.text);
}

Test(energy, a_clock_above_the_table_is_refused) {
    struct qm_energy_table *table;
    cr_assert(load_row("macs", "    component: array\n    unit: pJ/product\n" PRICE, &table) == QM_OK, "%s", diag.text);
    machine.clock_mhz = 400;
    cr_assert(eq(int, qm_energy_check(table, &machine, &diag), QM_OK));
    machine.clock_mhz = 401;
    cr_assert(eq(int, qm_energy_check(table, &machine, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "clock_mhz=401: energy table ") != NULL && strstr(diag.text, "up to 400 MHz") != NULL, "%s", diag.text);
    static const char row[] =
        "about: a\nnode_nm: 45\nvolts: 1\ncell_class: low_standby\nrows:\n  r:\n    counter: macs\n    component: array\n"
        "    unit: pJ/product\n" PRICE;
    cr_assert(eq(int, load_text(row, &table), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "no 'clock_mhz_most'") != NULL, "%s", diag.text);
}

/* A table of three rows, of 3 to 7, 8 to 13 and 0 to 2 pJ about 4, 10 and 1, by the origins that are given; and what counters cost. */
static struct qm_energy_sum cost_of_three(const char *const *origins, uint64_t macs, uint64_t reads, uint64_t cycles) {
    static const char rows[] = "about: a\nnode_nm: 45\n" CLOCK "rows:\n"
                               "  a: {counter: macs, component: array, unit: pJ/product, value: 4, low: 3, high: 7, node_nm: 45, "
                               "status: assumed, source: s, origin: %s}\n"
                               "  b: {counter: stream_reads, component: array, unit: pJ/byte, value: 10, low: 8, high: 13, node_nm: 45, "
                               "status: assumed, source: s, origin: %s}\n"
                               "  c: {counter: cycles, component: control, unit: pJ/cycle, value: 1, low: 0, high: 2, node_nm: 45, "
                               "status: assumed, source: s, origin: %s}\nnot_priced:\n";
    char text[4000];
    struct qm_energy_table *table;
    int used = snprintf(text, sizeof text, rows, origins[0], origins[1], origins[2]);
    for (int i = 0; i < QM_COUNTERS; i++)
        if (qm_counter_infos[i].group == NULL && i != QM_C_macs && i != QM_C_stream_reads && i != QM_C_cycles)
            used += snprintf(text + used, sizeof text - (size_t)used, "  %s: x\n", qm_counter_infos[i].name);
    cr_assert(load_text(text, &table) == QM_OK, "%s", diag.text);
    struct qm_counters counters = {0};
    struct qm_energy_sum sum;
    counters.value[QM_C_macs] = macs;
    counters.value[QM_C_stream_reads] = reads;
    counters.value[QM_C_cycles] = cycles;
    qm_energy_of(table, &machine, &counters, &sum);
    return sum;
}

Test(energy, prices_of_an_origin_move_together_and_those_of_two_do_not) {
    static const char *const all_one[] = {"x", "x", "x"}, *const apart[] = {"x", "y", "x"};
    struct qm_energy_sum one = cost_of_three(all_one, 10, 10, 10), two = cost_of_three(apart, 10, 10, 10);
    cr_assert(near(one.total.nominal_pj, 150) && near(one.total.low_pj, 110) && near(one.total.high_pj, 220));
    cr_assert(near(two.total.nominal_pj, 150));
    cr_assert(near(two.total.low_pj, 150 - sqrt(20 * 20 + 20 * 20)) && near(two.total.high_pj, 150 + sqrt(40 * 40 + 30 * 30)));
    const struct qm_energy *array = &two.components[QM_COMPONENT_ARRAY], *control = &two.components[QM_COMPONENT_CONTROL];
    cr_assert(near(array->low_pj, 140 - sqrt(10 * 10 + 20 * 20)) && near(array->high_pj, 140 + sqrt(30 * 30 + 30 * 30)));
    cr_assert(near(control->nominal_pj, 10) && near(control->low_pj, 0) && near(control->high_pj, 20));
}

Test(energy, a_ratio_is_as_certain_as_the_prices_in_which_two_sums_differ) {
    static const char *const origins[] = {"x", "y", "z"};
    struct qm_energy_sum a = cost_of_three(origins, 10, 10, 0), twice = cost_of_three(origins, 20, 20, 0);
    struct qm_energy_ratio same = qm_energy_compare(&twice, &a);
    cr_assert(near(same.low, 2) && near(same.high, 2));
    /* 40 of x, 30 to 70, against 30 of y, 24 to 39: each end alone, in logarithms. */
    struct qm_energy_sum x = cost_of_three(origins, 10, 0, 0), y = cost_of_three(origins, 0, 3, 0);
    struct qm_energy_ratio ratio = qm_energy_compare(&x, &y);
    double nominal = log(40.0 / 30), down = hypot(log(30.0 / 40), log(30.0 / 39)), up = hypot(log(70.0 / 40), log(30.0 / 24));
    cr_assert(near(ratio.low, exp(nominal - down)) && near(ratio.high, exp(nominal + up)));
    struct qm_energy_ratio inverse = qm_energy_compare(&y, &x);
    cr_assert(near(inverse.low, 1 / ratio.high) && near(inverse.high, 1 / ratio.low));
}

/* The laws of cmos45 are of 1 KiB to 2 MiB, and 32 to 256 bits. */
Test(energy, memories_beyond_what_a_law_was_fitted_to_are_told) {
    struct qm_energy_table *table;
    char text[400];
    cr_assert(qm_energy_load("cmos45", arena, &table, &diag) == QM_OK, "%s", diag.text);
    machine.cols = 8;
    cr_assert(qm_energy_is_outside_fit(table, &machine, text, sizeof text) == false, "%s", text);
    machine.cols = 9;
    cr_assert(qm_energy_is_outside_fit(table, &machine, text, sizeof text));
    cr_assert(eq(str, text, "accumulator row 288 bits (32 to 256)"));
    machine.cols = 3;
    machine.scratchpad_bytes = 4 << 20;
    cr_assert(qm_energy_is_outside_fit(table, &machine, text, sizeof text));
    cr_assert(eq(str, text, "scratchpad 4096 KiB (1 to 2048), access of cols 24 bits (32 to 256)"));
    cr_assert(load_row("macs", "    component: array\n    unit: pJ/product\n" PRICE, &table) == QM_OK, "%s", diag.text);
    cr_assert(qm_energy_is_outside_fit(table, &machine, text, sizeof text) == false);
    static const char access[] = "    component: scratchpad\n    unit: pJ/access\n    memory: scratchpad\n    access: rows\n"
                                 "    kb_exponent: 0\n    bits_exponent: 0\n" PRICE;
    cr_assert(load_row("stream_reads", access, &table) == QM_OK, "%s", diag.text);
    cr_assert(strlen(qm_energy_table_digest(table)->text) == 64);
}
