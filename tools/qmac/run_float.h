/* run_float.h - qmac run --engine float: a float network on infer/, without a machine. */
#ifndef QM_TOOLS_RUN_FLOAT_H
#define QM_TOOLS_RUN_FLOAT_H

#include "tools/qmac/cli.h"

struct cli_float_run {
    const char *file;
    const struct qm_model_options *model;
    const struct cli_list *inputs;      /* .npy files; none: one example of random numbers */
    const char *output, *labels, *json; /* NULL: not asked for */
    uint64_t seed;
};

/* Runs all examples, writes what is asked for and prints the report. Bad options, files and networks are found before the first one. */
QM_MUST_USE enum qm_status cli_run_float(const struct cli_float_run *options, struct qm_arena *arena, struct qm_diag *diag);

#endif
