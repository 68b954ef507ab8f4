/* host_graph.h - what the host computes in a stage of its own. */
#ifndef QM_DRIVER_HOST_GRAPH_H
#define QM_DRIVER_HOST_GRAPH_H

#include <stdbool.h>

#include "common/graph.h"

/* Runs the operators of a host stage, which have one output. Inputs and output as stored, row-major. False: they cannot be run, or not
 * with these numbers. */
bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output);

#endif
