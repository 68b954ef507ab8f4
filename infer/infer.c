/* infer.c - the graph as a whole: what can be run, the numbers of all tensors, and the operators one after another. */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"
#include "infer/parts.h"

/* Below it a float holds every integer. */
#define EXACT 0x1p24F

struct infer {
    const struct qm_graph *graph;
    struct qm_blas blas;
    float **numbers; /* [tensor_count], row-major */
    float *columns;  /* for the largest convolution */
};

/* ---- what can be run ---- */

static const struct qm_graph_tensor *output_of(const struct qm_graph *graph, const struct qm_graph_op *op) {
    return &graph->tensors[op->outputs[0]];
}

static bool is_float(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_F32 || tensor->dtype == QM_F64;
}

/* A kernel reads and writes what its tensors store, which is what they are here when all of them are float32. */
static const char *check_kernel(const struct qm_graph *graph, const struct qm_graph_op *op) {
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != QM_NO_TENSOR && graph->tensors[op->inputs[i]].dtype != QM_F32) return "its operands are not all float32";
    for (uint32_t i = 0; i < op->output_count; i++)
        if (graph->tensors[op->outputs[i]].dtype != QM_F32) return "its outputs are not all float32";
    return kernel_check(graph, op);
}

/* Integers are put somewhere else, or made of real numbers; with others nothing is computed, for a float may not hold the result. */
static bool computes_integers(const struct qm_graph *graph, const struct qm_graph_op *op) {
    bool makes = op->kind == QM_OP_QUANTIZE || op->kind == QM_OP_ARG_MAX || op->kind == QM_OP_ARG_MIN;
    return !is_float(output_of(graph, op)) && !makes && !evaluate_is_move(op->kind);
}

static void check_operator(const struct qm_graph *graph, const struct qm_graph_op *op, struct problems *problems) {
    const char *name = op->name != NULL ? op->name : qm_graph_op_name(op->kind);
    if (!evaluate_has_meaning(op->kind)) {
        const char *problem = check_kernel(graph, op);
        if (problem != NULL) problems_add(problems, op->index, "%.60s cannot be computed: %s", name, problem);
        return;
    }
    const char *problem = evaluate_check(graph, op);
    if (problem == NULL && computes_integers(graph, op)) problem = "computes with integers, which are not taken in a float network";
    if (problem != NULL) problems_add(problems, op->index, "%.60s %s", name, problem);
}

static enum qm_status check_tensors(const struct qm_graph *graph, struct qm_diag *diag) {
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (qm_graph_elements(&graph->tensors[i]) > EVALUATE_ELEMENTS_MAX)
            return qm_fail(diag, QM_BAD_INPUT, "%s: tensor %.60s has more than %d elements", graph->file, graph->tensors[i].name,
                           EVALUATE_ELEMENTS_MAX);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct qm_graph_tensor *input = &graph->tensors[graph->inputs[i]];
        if (input->dtype != QM_F32)
            return qm_fail(diag, QM_BAD_INPUT, "%s: input %.60s is %s; a float network takes float32", graph->file, input->name,
                           qm_dtype_name(input->dtype));
    }
    return QM_OK;
}

static enum qm_status check_graph(const struct qm_graph *graph, struct qm_diag *diag) {
    struct problems problems = {0};
    QM_TRY(check_tensors(graph, diag));
    for (uint32_t i = 0; i < graph->op_count; i++) check_operator(graph, &graph->ops[i], &problems);
    return problems_report(&problems, graph->file, "docs/operators.md lists what can be run", diag);
}

/* ---- numbers ---- */

static float *floats(size_t count) {
    return qm_alloc((count + 1) * sizeof(float));
}

static size_t elements_of(const struct qm_graph *graph, uint32_t tensor) {
    return (size_t)qm_graph_elements(&graph->tensors[tensor]);
}

static enum qm_status open_constant(struct infer *infer, uint32_t index, struct qm_diag *diag) {
    const struct qm_graph_tensor *tensor = &infer->graph->tensors[index];
    size_t elements = elements_of(infer->graph, index);
    double *exact = qm_alloc((elements + 1) * sizeof *exact);
    bool fits = true;
    evaluate_numbers_to(tensor, exact);
    for (size_t i = 0; i < elements; i++) {
        infer->numbers[index][i] = (float)exact[i];
        fits = fits && (is_float(tensor) || tensor->quant.count > 0 || fabs(exact[i]) <= (double)EXACT);
    }
    free(exact);
    if (fits) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: constant %.60s has integers beyond 2^24, which float32 does not hold", infer->graph->file,
                   tensor->name);
}

static enum qm_status open_numbers(struct infer *infer, struct qm_diag *diag) {
    const struct qm_graph *graph = infer->graph;
    size_t columns = 0;
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        if (graph->tensors[i].dtype == QM_ANY_DTYPES) continue; /* no operator uses it */
        infer->numbers[i] = floats(elements_of(graph, i));
        if (graph->tensors[i].data != NULL) QM_TRY(open_constant(infer, i, diag));
    }
    for (uint32_t i = 0; i < graph->op_count; i++) {
        size_t needed = infer_column_elements(graph, &graph->ops[i]);
        if (needed > columns) columns = needed;
    }
    infer->columns = floats(columns);
    return QM_OK;
}

enum qm_status infer_create(const struct qm_graph *graph, struct infer **infer, struct qm_diag *diag) {
    struct qm_blas blas;
    *infer = NULL;
    QM_TRY(check_graph(graph, diag));
    QM_TRY(qm_blas_open(&blas, diag));
    struct infer *made = qm_alloc_zeroed(1, sizeof *made);
    made->graph = graph;
    made->blas = blas;
    made->numbers = qm_alloc_zeroed(graph->tensor_count + 1, sizeof *made->numbers);
    enum qm_status status = open_numbers(made, diag);
    if (status == QM_OK)
        *infer = made;
    else
        infer_destroy(made);
    return status;
}

void infer_destroy(struct infer *infer) {
    if (infer == NULL) return;
    for (uint32_t i = 0; i < infer->graph->tensor_count; i++) free(infer->numbers[i]);
    free(infer->numbers);
    free(infer->columns);
    free(infer);
}

const float *infer_numbers(const struct infer *infer, uint32_t tensor) {
    return infer->numbers[tensor];
}

void infer_set_numbers(struct infer *infer, uint32_t tensor, const float *numbers) {
    memcpy(infer->numbers[tensor], numbers, elements_of(infer->graph, tensor) * sizeof *numbers);
}

bool infer_store(const struct infer *infer, uint32_t tensor, void *data) {
    size_t elements = elements_of(infer->graph, tensor);
    double *exact = qm_alloc((elements + 1) * sizeof *exact);
    for (size_t i = 0; i < elements; i++) exact[i] = (double)infer->numbers[tensor][i];
    bool fits = evaluate_store(infer->graph->tensors[tensor].dtype, exact, elements, data);
    free(exact);
    return fits;
}

/* ---- operators ---- */

/* By its definition in doubles, rounded. */
static bool evaluate_in_doubles(const struct infer_site *s) {
    uint32_t room = qm_graph_operand_room(s->op->input_count);
    double **inputs = qm_alloc_zeroed(room, sizeof *inputs);
    size_t results = elements_of(s->graph, s->op->outputs[0]);
    double *to = qm_alloc((results + 1) * sizeof *to);
    for (uint32_t i = 0; i < s->op->input_count; i++) {
        if (s->inputs[i] == NULL) continue;
        size_t elements = elements_of(s->graph, s->op->inputs[i]);
        inputs[i] = qm_alloc((elements + 1) * sizeof *to);
        for (size_t e = 0; e < elements; e++) inputs[i][e] = (double)s->inputs[i][e];
    }
    bool done = evaluate_operator(s->graph, s->op, (const double *const *)inputs, &to);
    for (size_t e = 0; done && e < results; e++) s->to[e] = (float)to[e];
    for (uint32_t i = 0; i < room; i++) free(inputs[i]);
    free(inputs);
    free(to);
    return done;
}

static bool move(const struct infer_site *s) {
    size_t places = s->op->kind == QM_OP_GATHER ? elements_of(s->graph, s->op->inputs[1]) : 0;
    double *indices = qm_alloc((places + 1) * sizeof *indices);
    float padding = (float)s->op->low;
    for (size_t i = 0; i < places; i++) indices[i] = (double)s->inputs[1][i];
    bool done = evaluate_move(&(struct evaluate_moving){.graph = s->graph,
                                                        .op = s->op,
                                                        .size = sizeof(float),
                                                        .from = (const void *const *)s->inputs,
                                                        .indices = indices,
                                                        .padding = &padding,
                                                        .to = s->to});
    free(indices);
    return done;
}

bool infer_operator(struct infer *infer, const struct qm_graph_op *op, const float *const *inputs, float *const *outputs) {
    const struct infer_site site = {&infer->blas, infer->graph, op, inputs, outputs[0], infer->columns};
    if (!evaluate_has_meaning(op->kind)) return kernel_run(infer->graph, op, (const void *const *)inputs, (void *const *)outputs);
    if (evaluate_is_move(op->kind)) return move(&site);
    if (op->kind == QM_OP_CONV_2D)
        infer_convolve(&site);
    else if (op->kind == QM_OP_MATMUL)
        infer_multiply(&site);
    else if (infer_has_elements(infer->graph, op))
        infer_elements(&site);
    else
        return evaluate_in_doubles(&site);
    return true;
}

static bool run_operator(struct infer *infer, const struct qm_graph_op *op) {
    const float **inputs = qm_alloc_zeroed(qm_graph_operand_room(op->input_count), sizeof *inputs);
    float **outputs = qm_alloc((op->output_count + 1) * sizeof *outputs);
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != QM_NO_TENSOR) inputs[i] = infer->numbers[op->inputs[i]];
    for (uint32_t i = 0; i < op->output_count; i++) outputs[i] = infer->numbers[op->outputs[i]];
    bool done = infer_operator(infer, op, inputs, outputs);
    free(inputs);
    free(outputs);
    return done;
}

void infer_set_inputs(struct infer *infer, const float *const *inputs) {
    for (uint32_t i = 0; i < infer->graph->input_count; i++) infer_set_numbers(infer, infer->graph->inputs[i], inputs[i]);
}

bool infer_run_part(struct infer *infer, uint32_t from, uint32_t to) {
    bool done = true;
    for (uint32_t i = from; i < to && done; i++) done = run_operator(infer, &infer->graph->ops[i]);
    return done;
}

bool infer_run(struct infer *infer, const float *const *inputs) {
    infer_set_inputs(infer, inputs);
    return infer_run_part(infer, 0, infer->graph->op_count);
}
