/* float.c - the float networks of the data folder: outputs of infer/ against the same graph in doubles, and how many examples are right,
 * which TFLite's own runtime counts the same.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "evaluate/evaluate.h"
#include "infer/infer.h"
#include "tests/support/float_network.h"

enum { EXACT_EXAMPLES = 2 };
#define NEAR 1e-5 /* an output may be so far off, in units of the largest */

static const int examples_right[FLOAT_NETWORKS] = {85, 129, 0};

static const float *run_example(const struct float_network *network, struct infer *infer, size_t example) {
    if (!infer_run(infer, (const float *const[]){network->inputs + example * network->elements})) exit(1);
    return infer_numbers(infer, network->graph->outputs[0]);
}

/* The largest difference of the first examples, in units of their largest output. */
static double compare(const struct float_network *network, struct infer *infer) {
    float *exact = QM_ARENA_NEW(network->arena, float, network->results);
    double off = 0, largest = 0;
    for (size_t e = 0; e < EXACT_EXAMPLES; e++) {
        const float *got = run_example(network, infer, e);
        if (!evaluate_graph(network->graph, (const void *const[]){network->inputs + e * network->elements}, (void *const[]){exact}))
            exit(1);
        for (size_t i = 0; i < network->results; i++) {
            off = fmax(off, fabs((double)got[i] - (double)exact[i]));
            largest = fmax(largest, fabs((double)exact[i]));
        }
    }
    return off / largest;
}

static int count_right(const struct float_network *network, struct infer *infer) {
    int right = 0;
    for (size_t e = 0; e < network->examples && network->labels != NULL; e++) {
        const float *got = run_example(network, infer, e);
        size_t best = 0;
        for (size_t i = 1; i < network->results; i++)
            if (got[i] > got[best]) best = i;
        right += (int64_t)best == network->labels[e];
    }
    return right;
}

int main(void) {
    int status = 0;
    for (int i = 0; i < FLOAT_NETWORKS; i++) {
        struct float_network network;
        struct infer *infer;
        struct qm_diag diag;
        float_network_open(&network, i);
        float_network_need(infer_create(network.graph, &infer, &diag), &diag);
        double off = compare(&network, infer);
        int right = count_right(&network, infer);
        bool fits = off <= NEAR && right == examples_right[i];
        printf("%-24s off by %.1e of the largest output, %d right%s\n", float_network_names[i], off, right, fits ? "" : ": WRONG");
        if (!fits) status = 1;
        infer_destroy(infer);
        qm_arena_destroy(network.arena);
    }
    return status;
}
