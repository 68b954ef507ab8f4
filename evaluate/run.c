/* run.c - a graph of real numbers from its inputs to its outputs. The numbers of a tensor are kept until its last reader has run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "evaluate/evaluate.h"

static bool move_numbers(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const void **from = qm_alloc(op->input_count * sizeof *from);
    for (uint32_t i = 0; i < op->input_count; i++) from[i] = inputs[i];
    bool done = evaluate_move(&(struct evaluate_moving){graph, op, sizeof(double), from, inputs[1], &op->low, to});
    free(from);
    return done;
}

bool evaluate_operator(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *const *outputs) {
    if (evaluate_is_move(op->kind)) return move_numbers(graph, op, inputs, outputs[0]);
    return evaluate_elementwise(graph, op, inputs, outputs[0]) || evaluate_sums(graph, op, inputs, outputs[0]) ||
           evaluate_rows(graph, op, inputs, outputs[0]);
}

struct run {
    const struct qm_graph *graph;
    double **numbers;  /* [tensor_count] NULL: not computed yet, or not needed any more */
    uint32_t *readers; /* [tensor_count] operators and ends that are still to read it */
    bool finite;       /* all numbers that come in are */
};

static double *numbers_of(const struct qm_graph_tensor *tensor) {
    return qm_alloc(((size_t)qm_graph_elements(tensor) + 1) * sizeof(double));
}

static void count_readers(const struct run *run) {
    const struct qm_graph *graph = run->graph;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] != QM_NO_TENSOR) run->readers[graph->ops[i].inputs[j]]++;
    for (uint32_t i = 0; i < graph->output_count; i++) run->readers[graph->outputs[i]]++;
}

/* Numbers of an input or a constant. */
static void open_tensor(const struct run *run, uint32_t index, const void *data) {
    struct qm_graph_tensor tensor = run->graph->tensors[index];
    tensor.data = data;
    run->numbers[index] = numbers_of(&tensor);
    evaluate_numbers_to(&tensor, run->numbers[index]);
}

static bool are_finite(const struct run *run) {
    bool finite = true;
    for (uint32_t i = 0; i < run->graph->input_count; i++) {
        uint32_t tensor = run->graph->inputs[i];
        size_t elements = (size_t)qm_graph_elements(&run->graph->tensors[tensor]);
        for (size_t e = 0; finite && e < elements; e++) finite = isfinite(run->numbers[tensor][e]);
    }
    return finite;
}

/* Whether a QUANTIZE has an integer for all that it reads: NaN has none, unless somebody has given such numbers. */
static bool has_integers(const struct run *run, const struct qm_graph_op *op, const double *x) {
    size_t elements = op->kind == QM_OP_QUANTIZE && run->finite ? (size_t)qm_graph_elements(&run->graph->tensors[op->inputs[0]]) : 0;
    for (size_t e = 0; e < elements; e++)
        if (isnan(x[e])) return false;
    return true;
}

static void close_tensor(const struct run *run, uint32_t index) {
    if (index == QM_NO_TENSOR || --run->readers[index] > 0) return;
    free(run->numbers[index]);
    run->numbers[index] = NULL;
}

/* Whether integers wrap as in processors: cast to integers, and in sums, differences and products. */
static bool wraps(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    double low, high;
    if (op->kind == QM_OP_CAST) return evaluate_range(in, &low, &high) && in->quant.count == 0;
    return op->kind == QM_OP_ADD || op->kind == QM_OP_SUB || op->kind == QM_OP_MUL;
}

/* Wraps integers below 2^53, which are exact, into a type. False: it does not hold a number. */
static bool check_integers(const struct qm_graph *graph, const struct qm_graph_op *op, double *const *outputs) {
    bool fits = true;
    for (uint32_t i = 0; i < op->output_count; i++) {
        const struct qm_graph_tensor *out = &graph->tensors[op->outputs[i]];
        size_t elements = (size_t)qm_graph_elements(out);
        double low, high, *to = outputs[i];
        bool wrap = evaluate_range(out, &low, &high) && wraps(graph, op);
        for (size_t e = 0; wrap && e < elements; e++)
            if (fabs(to[e]) < EVALUATE_EXACT) to[e] -= (high - low + 1) * floor((to[e] - low) / (high - low + 1));
        fits = fits && evaluate_fits(out->dtype, to, elements);
    }
    return fits;
}

/* The operands' numbers; NULL: absent. */
static double **open_operands(const struct run *run, const struct qm_graph_op *op) {
    double **inputs = qm_alloc_zeroed(qm_graph_operand_room(op->input_count), sizeof *inputs);
    for (uint32_t i = 0; i < op->input_count; i++) {
        uint32_t tensor = op->inputs[i];
        if (tensor == QM_NO_TENSOR) continue;
        if (run->numbers[tensor] == NULL) open_tensor(run, tensor, run->graph->tensors[tensor].data);
        inputs[i] = run->numbers[tensor];
    }
    return inputs;
}

static bool run_operator(const struct run *run, const struct qm_graph_op *op) {
    const struct qm_graph *graph = run->graph;
    double **inputs = open_operands(run, op), **outputs = qm_alloc(op->output_count * sizeof *outputs);
    for (uint32_t i = 0; i < op->output_count; i++) outputs[i] = run->numbers[op->outputs[i]] = numbers_of(&graph->tensors[op->outputs[i]]);
    bool done = has_integers(run, op, inputs[0]) && evaluate_operator(graph, op, (const double *const *)inputs, outputs);
    for (uint32_t i = 0; i < op->input_count; i++) close_tensor(run, op->inputs[i]);
    done = done && check_integers(graph, op, outputs);
    free(inputs);
    free(outputs);
    return done;
}

bool evaluate_graph(const struct qm_graph *graph, const void *const *inputs, void *const *outputs) {
    struct run run = {.graph = graph,
                      .numbers = qm_alloc(graph->tensor_count * sizeof *run.numbers),
                      .readers = qm_alloc(graph->tensor_count * sizeof *run.readers)};
    bool done = true;
    memset(run.numbers, 0, graph->tensor_count * sizeof *run.numbers);
    memset(run.readers, 0, graph->tensor_count * sizeof *run.readers);
    count_readers(&run);
    for (uint32_t i = 0; i < graph->input_count; i++) open_tensor(&run, graph->inputs[i], inputs[i]);
    run.finite = are_finite(&run);
    for (uint32_t i = 0; i < graph->op_count && done; i++) done = run_operator(&run, &graph->ops[i]);
    for (uint32_t i = 0; i < graph->output_count && done; i++) {
        const struct qm_graph_tensor *out = &graph->tensors[graph->outputs[i]];
        if (run.numbers[graph->outputs[i]] == NULL) open_tensor(&run, graph->outputs[i], out->data);
        done = evaluate_store(out->dtype, run.numbers[graph->outputs[i]], (size_t)qm_graph_elements(out), outputs[i]);
    }
    for (uint32_t i = 0; i < graph->tensor_count; i++) free(run.numbers[i]);
    free(run.numbers);
    free(run.readers);
    return done;
}
