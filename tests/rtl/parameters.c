/* parameters.c - the values of the RTL's parameters that tests/rtl/parameters.sh tries, a line each, made from spec/hw_params.def:
 *
 *   base Rows=1 Cols=1 ...          the others, when one is tried
 *   legal Rows Rows=256             the parameter that is tried, and what is set for it
 *   refused AxiBytes AxiBytes=128
 *
 * Each bound, one below and one above; of powers of two half the smallest, twice the largest, and numbers between that are none. One
 * parameter at a time is illegal. The C side must judge alike (qm_machine_check): exit status 1 when it does not.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/machine.h"

enum { PARAM_RECORD_BYTES = 9 };

struct trial {
    struct qm_machine base;
    int differences;
};

static uint32_t *knob(struct qm_machine *machine, const struct qm_param *param) {
    return (uint32_t *)((char *)machine + param->offset);
}

/* The smallest machine whose scratchpad allows any number of columns. */
static struct qm_machine smallest(void) {
    struct qm_machine machine;
    uint32_t cols = 0;
    qm_machine_init(&machine);
    for (size_t i = 0; i < qm_param_count; i++) {
        *knob(&machine, &qm_params[i]) = qm_params[i].minimum;
        if (qm_params[i].offset == offsetof(struct qm_machine, cols)) cols = qm_params[i].maximum;
    }
    while (machine.scratchpad_bytes < PARAM_RECORD_BYTES * cols) machine.scratchpad_bytes *= 2;
    return machine;
}

static void judge(struct trial *trial, const struct qm_machine *machine, const char *what, bool legal) {
    struct qm_diag diag;
    if ((qm_machine_check(machine, &diag) == QM_OK) == legal) return;
    fprintf(stderr, "parameters: %s must be %s, and qm_machine_check thinks otherwise\n", what, legal ? "legal" : "refused");
    trial->differences++;
}

static void try_value(struct trial *trial, const struct qm_param *param, int64_t value, bool legal) {
    struct qm_machine machine = trial->base;
    *knob(&machine, param) = (uint32_t)value;
    judge(trial, &machine, param->name, legal);
    printf("%s %s %s=%" PRId64 "\n", legal ? "legal" : "refused", param->verilog, param->verilog, value);
}

static void try_param(struct trial *trial, const struct qm_param *param) {
    int64_t low = param->minimum, high = param->maximum;
    try_value(trial, param, low, true);
    try_value(trial, param, high, true);
    try_value(trial, param, low - 1, false);
    try_value(trial, param, high + 1, false);
    if (!param->power_of_two) return;
    if (low / 2 < low - 1) try_value(trial, param, low / 2, false);
    try_value(trial, param, high * 2, false);
    try_value(trial, param, low + 1, false);
    try_value(trial, param, low * 3, false);
    try_value(trial, param, high - 1, false);
}

/* The parameters of a tile of channels must fit the scratchpad. */
static void try_together(struct trial *trial) {
    struct qm_machine machine = trial->base;
    machine.scratchpad_bytes /= 2; /* too few for all columns */
    machine.cols = machine.scratchpad_bytes / PARAM_RECORD_BYTES;
    judge(trial, &machine, "cols with scratchpad_bytes", true);
    printf("legal SpadBytes SpadBytes=%" PRIu32 " Cols=%" PRIu32 "\n", machine.scratchpad_bytes, machine.cols);
    machine.cols++;
    judge(trial, &machine, "cols with scratchpad_bytes", false);
    printf("refused SpadBytes SpadBytes=%" PRIu32 " Cols=%" PRIu32 "\n", machine.scratchpad_bytes, machine.cols);
}

int main(void) {
    struct trial trial = {.base = smallest()};
    judge(&trial, &trial.base, "the smallest machine", true);
    printf("base");
    for (size_t i = 0; i < qm_param_count; i++)
        if (qm_params[i].verilog != NULL) printf(" %s=%" PRIu32, qm_params[i].verilog, qm_machine_knob(&trial.base, &qm_params[i]));
    printf("\n");
    for (size_t i = 0; i < qm_param_count; i++)
        if (qm_params[i].verilog != NULL) try_param(&trial, &qm_params[i]);
    try_together(&trial);
    return trial.differences != 0;
}
