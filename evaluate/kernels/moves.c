/* moves.c - floats that go elsewhere, as evaluate/moves.c puts them, and repeated ones. */
#include "evaluate/evaluate.h"
#include "evaluate/kernels/kernel.h"

/* All operands are floats. */
const char *kernel_check_move(const struct kernel *k) {
    const char *problem = evaluate_check(k->graph, k->op);
    for (uint32_t i = 0; i < k->op->input_count && problem == NULL; i++)
        if (kernel_input(k, i)->dtype != kernel_output(k)->dtype) problem = "its operands have different types";
    return problem;
}

bool kernel_run_move(const struct kernel *k) {
    float padding = (float)k->op->low;
    return evaluate_move(&(struct evaluate_moving){k->graph, k->op, sizeof padding, k->inputs, NULL, &padding, k->outputs[0]});
}

/* ---- TILE and BROADCAST_TO: each dimension, counted from the last, a whole number of times ---- */

const char *kernel_check_repeat(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    bool fits = in->rank <= out->rank;
    for (uint32_t d = 0; d < in->rank && fits; d++) fits = out->dims[out->rank - 1 - d] % in->dims[in->rank - 1 - d] == 0;
    return fits ? NULL : "the output's shape is not what the operator gives";
}

bool kernel_run_repeat(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    for (size_t i = 0; i < (size_t)qm_graph_elements(out); i++) {
        size_t rest = i, from = 0, stride = 1;
        for (uint32_t d = 0; d < in->rank; d++) {
            uint32_t own = in->dims[in->rank - 1 - d], whole = out->dims[out->rank - 1 - d];
            from += rest % whole % own * stride;
            rest /= whole;
            stride *= own;
        }
        kernel_set_float(k->outputs[0], i, kernel_float(k->inputs[0], from));
    }
    return true;
}
