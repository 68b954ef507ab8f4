/* windows.h - windows over a map, and whether an instruction has the fields for them, whatever the machine and the blocks.
 *
 * A field too narrow for a row count or a distance in bytes is no matter of the scratchpad: the operator is the host's, or refused.
 */
#ifndef QM_COMPILER_IR_WINDOWS_H
#define QM_COMPILER_IR_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/graph.h"

/* The direction of rows or of columns, in rows or columns. */
struct qm_window_axis {
    uint32_t in, out; /* of the maps */
    uint32_t kernel, stride, dilation, before;
};

struct qm_windows {
    struct qm_window_axis rows, columns;
    uint32_t position_bytes; /* of the map, that are read at once: those of all its channels, or 1 of what works on some of them */
    bool in_runs;            /* a row of taps that touch may be read as one */
};

/* Those of a pool over a map [n][h][w][c], of which an instruction can take one channel. */
struct qm_windows qm_pool_windows(const struct qm_graph_op *op, const struct qm_shape *in, const struct qm_shape *out);

/* Whether instructions can say it. If not, `why` has the reason, "its ...". */
struct qm_windows_reason {
    char text[128];
};
bool qm_windows_fit(const struct qm_windows *windows, struct qm_windows_reason *why);

#endif
