/* machine.c - machine files and knobs, good ones and bad ones. */
#include "common/machine.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(machine);

static struct qm_diag diag;

/* Writes text as a machine file and loads it; path must not be used afterwards. */
static enum qm_status load_text(const char *text, struct qm_machine *machine) {
    char path[] = "/tmp/qmac-machine-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
    enum qm_status status = qm_machine_load(path, machine, &diag);
    unlink(path);
    return status;
}

Test(machine, the_default_is_what_the_knob_table_says) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    cr_assert(eq(u32, machine.rows, 16));
    cr_assert(eq(u32, machine.scratchpad_bytes, 262144));
    cr_assert(eq(int, qm_machine_check(&machine, &diag), QM_OK));
}

Test(machine, every_named_machine_loads) {
    static const char *const names[] = {"edge", "tiny", "one", "m3x5", "m8x8", "m8x16", "m16x8", "m32x32", "fixed8", "acc20"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct qm_machine machine;
        cr_assert(qm_machine_load(names[i], &machine, &diag) == QM_OK, "%s", diag.text);
        cr_assert(eq(str, machine.name, (char *)names[i]));
        cr_assert(qm_machine_check(&machine, &diag) == QM_OK, "%s", diag.text);
    }
}

Test(machine, a_file_sets_its_knobs_and_leaves_the_others) {
    struct qm_machine machine;
    cr_assert(load_text("# small\nrows: 3\ncols: 5\n", &machine) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, machine.rows, 3));
    cr_assert(eq(u32, machine.cols, 5));
    cr_assert(eq(u32, machine.queue_depth, 8));
}

Test(machine, bad_files_are_refused_with_their_line) {
    static const struct {
        const char *text, *line, *words;
    } cases[] = {
        {"rows: 4\nrosw: 4\n", ":2:", "unknown knob 'rosw'"},
        {"rows: 4\ncols: 4\nrows: 5\n", ":3:", "given twice"},
        {"rows: four\n", ":1:", "not a whole number"},
        {"rows: 4.5\n", ":1:", "not a whole number"},
        {"rows: -4\n", ":1:", "not a whole number"},
        {"rows: 99999999999999999999999\n", ":1:", "not a whole number"},
        {"rows: 0\n", ":1:", "not between 1 and 256"},
        {"rows: 257\n", ":1:", "not between 1 and 256"},
        {"\nscratchpad_bytes: 5000\n", ":2:", "power of two"},
        {"rows: [4]\n", ":1:", "key: value"},
        {"rows: {a: 4}\n", ":1:", "must be a number"},
        {"- rows\n", ":1:", "expected"},
        {"", ":1:", "empty"},
        {"rows: 4\n---\ncols: 4\n", ":2:", "one document"},
        {"rows: \"4\n", ":", "not YAML"},
        {"axi_bytes: 8\n", "", "more than axi_bytes = 8"},
        {"cols: 256\nscratchpad_bytes: 2048\n", "", "2304 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_machine machine;
        cr_assert(load_text(cases[i].text, &machine) == QM_BAD_INPUT, "case %zu", i);
        cr_assert(strstr(diag.text, cases[i].line) && strstr(diag.text, cases[i].words), "case %zu: %s", i, diag.text);
    }
}

Test(machine, an_unknown_name_lists_the_names) {
    struct qm_machine machine;
    cr_assert(eq(int, qm_machine_load("egde", &machine, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "edge, fixed8, m16x8") != NULL, "%s", diag.text);
    cr_assert(eq(int, qm_machine_load("", &machine, &diag), QM_BAD_INPUT));
    cr_assert(eq(int, qm_machine_load("/nonexistent/x.yaml", &machine, &diag), QM_BAD_INPUT));
}

Test(machine, a_knob_with_names_is_read_and_written_by_name) {
    const struct qm_param *cell = qm_param_find("cell"), *rows = qm_param_find("rows");
    struct qm_machine machine;
    cr_assert(eq(int, load_text("cell: fixed8\n", &machine), QM_OK));
    cr_assert(eq(u32, machine.cell, QM_cell_fixed8));
    cr_assert(eq(str, qm_param_text(cell, machine.cell).text, (char *)"fixed8"));
    cr_assert(eq(str, qm_param_text(rows, 8).text, (char *)"8"));
    cr_assert(eq(int, load_text("cell: wide\n", &machine), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, ":1: cell = 'wide' is none of its values: fixed8, fusible") != NULL, "%s", diag.text);
}

Test(machine, set_changes_one_knob_and_says_so_in_the_name) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    cr_assert(eq(int, qm_machine_set(&machine, "rows=32", &diag), QM_OK));
    cr_assert(eq(u32, machine.rows, 32));
    cr_assert(eq(str, machine.name, "default,rows=32"));
    static const char *const bad[] = {"rows",       "rows=",  "=4", "rwos=4", "rows=0", "rows=4x", "scratchpad_bytes=3000",
                                      "cell=fixed", "cell=2", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert(qm_machine_set(&machine, bad[i], &diag) == QM_BAD_INPUT, "%s", bad[i]);
}

Test(machine, the_fingerprint_depends_on_what_the_rtl_sees_and_on_nothing_else) {
    struct qm_machine machine, other;
    qm_machine_init(&machine);
    other = machine;
    snprintf(other.name, sizeof other.name, "other");
    other.dram_latency = 7;
    other.clock_mhz = 1000;
    cr_assert(eq(u32, qm_machine_fingerprint(&machine), qm_machine_fingerprint(&other)));
    for (size_t i = 0; i < qm_param_count; i++) {
        other = machine;
        uint32_t *value = (uint32_t *)((char *)&other + qm_params[i].offset);
        *value += 1;
        bool same = qm_machine_fingerprint(&machine) == qm_machine_fingerprint(&other);
        cr_assert(same == (qm_params[i].verilog == NULL), "%s", qm_params[i].name);
    }
}
