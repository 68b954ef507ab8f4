/* parameters.c - the RTL's parameters of one machine, for tools that take them by name. */
#include "tools/specgen/parameters.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/machine.h"

enum qm_status print_parameters(int count, char **words, struct qm_diag *diag) {
    struct qm_machine machine;
    if (count == 0) return qm_fail(diag, QM_BAD_INPUT, "specgen parameters: say a machine");
    QM_TRY(qm_machine_load(words[0], &machine, diag));
    for (int i = 1; i < count; i++) QM_TRY(qm_machine_set(&machine, words[i], diag));
    QM_TRY(qm_machine_check(&machine, diag));
    for (size_t i = 0; i < qm_param_count; i++)
        if (qm_params[i].verilog != NULL) printf("%s %" PRIu32 "\n", qm_params[i].verilog, qm_machine_knob(&machine, &qm_params[i]));
    return QM_OK;
}
