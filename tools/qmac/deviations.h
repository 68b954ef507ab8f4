/* deviations.h - how far the layers of a program that are not exact are from what the model means, on examples. */
#ifndef QM_TOOLS_DEVIATIONS_H
#define QM_TOOLS_DEVIATIONS_H

#include "report/report.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/tensors.h"

struct cli_deviations {
    uint32_t count;
    struct qm_deviation *items; /* [count], one for each layer that is_inexact */
};

/* Runs the program's comparison, if it has one, with all examples on the functional engine. */
QM_MUST_USE enum qm_status cli_deviations_measure(const struct cli_program *opened, const struct cli_inputs *inputs, struct qm_arena *arena,
                                                  struct cli_deviations *deviations, struct qm_diag *diag);

#endif
