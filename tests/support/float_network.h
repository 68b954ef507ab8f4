/* float_network.h - the float networks of the data folder, with the examples of their int8 twins, of which the input scale makes floats. */
#ifndef QM_TESTS_SUPPORT_FLOAT_NETWORK_H
#define QM_TESTS_SUPPORT_FLOAT_NETWORK_H

#include "common/arena.h"
#include "common/graph.h"

struct float_network {
    struct qm_arena *arena;
    struct qm_graph *graph; /* of real numbers */
    uint64_t examples;
    const float *inputs;   /* [examples][elements] */
    const int64_t *labels; /* [examples]; NULL: there are none */
    size_t elements, results;
};

enum { FLOAT_NETWORKS = 3 };
extern const char *const float_network_names[FLOAT_NETWORKS]; /* as their files are called */

/* Opens one; its arena is the caller's to destroy. Ends the process with a line when it cannot. */
void float_network_open(struct float_network *network, int which);
/* Ends the process with the line of diag, unless status is QM_OK. */
void float_network_need(enum qm_status status, const struct qm_diag *diag);

#endif
