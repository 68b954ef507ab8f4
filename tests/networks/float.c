/* float.c - the float networks of the data folder: outputs of infer/ against the same graph in doubles, and how many examples are right,
 * which TFLite's own runtime counts the same.
 *
 * Examples are those of the networks' int8 twins, whose input scale makes floats of them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/npy.h"
#include "compiler/compiler.h"
#include "evaluate/evaluate.h"
#include "infer/infer.h"
#include "tests/support/data.h"

enum { EXACT_EXAMPLES = 2 };
#define NEAR 1e-5 /* an output may be so far off, in units of the largest */

static const struct subject {
    const char *network, *golden;
    int right; /* examples; -1: they have no labels */
} subjects[] = {{"resnet8_cifar10", "resnet8_cifar10", 85},
                {"mobilenet_v1_025_96_vww", "vww_mobilenet", 129},
                {"autoencoder_ad01", "ad_autoencoder", -1}};

struct run {
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct infer *infer;
    struct qm_npy examples, labels;
    float *inputs; /* [examples][elements] */
    size_t elements, results;
};

static void need(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return;
    fprintf(stderr, "float_networks: %s\n", diag->text);
    exit(1);
}

static void open_run(struct run *run, const struct subject *subject) {
    struct qm_diag diag;
    struct qm_graph *file, *twin;
    *run = (struct run){.arena = qm_arena_create()};
    need(qm_model_read(data_path(run->arena, "mlcommons-tiny/models/%s_float32.tflite", subject->network), NULL, run->arena, &file, &diag),
         &diag);
    need(qm_model_read(data_path(run->arena, "mlcommons-tiny/models/%s_int8.tflite", subject->network), NULL, run->arena, &twin, &diag),
         &diag);
    need(qm_reals(file, run->arena, &run->graph, &diag), &diag);
    need(infer_create(run->graph, &run->infer, &diag), &diag);
    need(qm_npy_read(data_path(run->arena, "golden/%s/input.npy", subject->golden), &run->examples, &diag), &diag);
    if (subject->right >= 0) need(qm_npy_read(data_path(run->arena, "golden/%s/labels.npy", subject->golden), &run->labels, &diag), &diag);
    const struct qm_quant *quant = &twin->tensors[twin->inputs[0]].quant;
    run->inputs = QM_ARENA_NEW(run->arena, float, run->examples.count);
    for (size_t i = 0; i < run->examples.count; i++)
        run->inputs[i] = (float)(qm_npy_integer(&run->examples, i) - quant->zero_point[0]) * quant->scale[0];
    run->elements = (size_t)qm_graph_elements(&run->graph->tensors[run->graph->inputs[0]]);
    run->results = (size_t)qm_graph_elements(&run->graph->tensors[run->graph->outputs[0]]);
}

static const float *run_example(const struct run *run, size_t example) {
    if (!infer_run(run->infer, (const float *const[]){run->inputs + example * run->elements})) exit(1);
    return infer_numbers(run->infer, run->graph->outputs[0]);
}

/* The largest difference of the first examples, in units of their largest output. */
static double compare(const struct run *run) {
    float *exact = QM_ARENA_NEW(run->arena, float, run->results);
    double off = 0, largest = 0;
    for (size_t e = 0; e < EXACT_EXAMPLES; e++) {
        const float *got = run_example(run, e);
        if (!evaluate_graph(run->graph, (const void *const[]){run->inputs + e * run->elements}, (void *const[]){exact})) exit(1);
        for (size_t i = 0; i < run->results; i++) {
            off = fmax(off, fabs((double)got[i] - (double)exact[i]));
            largest = fmax(largest, fabs((double)exact[i]));
        }
    }
    return off / largest;
}

static int count_right(const struct run *run) {
    int right = 0;
    for (size_t e = 0; e < run->labels.count; e++) {
        const float *got = run_example(run, e);
        size_t best = 0;
        for (size_t i = 1; i < run->results; i++)
            if (got[i] > got[best]) best = i;
        right += (int64_t)best == qm_npy_integer(&run->labels, e);
    }
    return right;
}

int main(void) {
    int status = 0;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        struct run run;
        open_run(&run, &subjects[i]);
        double off = compare(&run);
        int right = subjects[i].right >= 0 ? count_right(&run) : -1;
        bool fits = off <= NEAR && right == subjects[i].right;
        printf("%-24s off by %.1e of the largest output, %d right%s\n", subjects[i].network, off, right, fits ? "" : ": WRONG");
        if (!fits) status = 1;
        infer_destroy(run.infer);
        qm_npy_free(&run.examples);
        qm_npy_free(&run.labels);
        qm_arena_destroy(run.arena);
    }
    return status;
}
