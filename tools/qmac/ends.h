/* ends.h - the inputs and outputs of a network that is not compiled, as those of a program that has nothing else. */
#ifndef QM_TOOLS_ENDS_H
#define QM_TOOLS_ENDS_H

#include "common/program.h"

/* To destroy. */
struct qm_program *cli_ends_of(const struct qm_graph *graph);

#endif
