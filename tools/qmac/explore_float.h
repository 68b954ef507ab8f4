/* explore_float.h - networks for qmac explore that are made of a float one: each precision quantized once, and judged once. */
#ifndef QM_TOOLS_EXPLORE_FLOAT_H
#define QM_TOOLS_EXPLORE_FLOAT_H

#include "explore/explore.h"
#include "tools/qmac/options.h"

/* The options of it. Zeroed, networks are quantized already. */
struct explore_examples {
    struct cli_list calibration, inputs; /* .npy files, one for each input; no inputs: the calibration judges */
    const char *labels;                  /* of what judges; NULL: none */
};

/* Fills networks and qualities of the only model, [precision_count], as qmac quantize and a reader of its file would have them. options:
 * how the float file and the networks are read. QM_BAD_INPUT as of qmac quantize. */
QM_MUST_USE enum qm_status explore_quantize(const struct explore_examples *wanted, const struct qm_compile_options *options,
                                            struct exploration *exploration, struct qm_arena *arena, struct qm_diag *diag);

#endif
