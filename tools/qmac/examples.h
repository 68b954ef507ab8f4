/* examples.h - examples of a float network, from files: what is learned of, and what judges. */
#ifndef QM_TOOLS_EXAMPLES_H
#define QM_TOOLS_EXAMPLES_H

#include "quantize/network/network.h"
#include "tools/qmac/options.h"
#include "tools/qmac/tensors.h"

struct cli_examples {
    struct cli_inputs inputs;
    struct qm_npy labels;
    struct qm_examples view; /* of both */
};

/* Reads one file for each input of the ends of a float network (tools/qmac/ends.h), as cli_inputs_read does. Zeroed, there are none. */
QM_MUST_USE enum qm_status cli_examples_read(const struct qm_program *ends, const struct cli_list *files, struct qm_arena *arena,
                                             struct cli_examples *examples, struct qm_diag *diag);
/* Reads their labels; NULL: there are none. */
QM_MUST_USE enum qm_status cli_examples_label(const struct qm_program *ends, const char *file, struct qm_arena *arena,
                                              struct cli_examples *examples, struct qm_diag *diag);
void cli_examples_free(struct cli_examples *examples);

#endif
