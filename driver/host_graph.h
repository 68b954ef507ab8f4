/* host_graph.h - what the host computes in a stage of its own. */
#ifndef QM_DRIVER_HOST_GRAPH_H
#define QM_DRIVER_HOST_GRAPH_H

#include <stdbool.h>

#include "common/graph.h"

/* NULL: the operators of a host stage, each of which reads only what is known before it, can be run without reading or writing outside of
 * any array, whatever numbers they get. Else what is wrong with them. */
const char *qm_host_check(const struct qm_graph *graph);

/* Runs the operators of a host stage that has been checked, which have one output. Inputs and output as stored, row-major. False: they have
 * no result with these numbers. */
bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output);

#endif
