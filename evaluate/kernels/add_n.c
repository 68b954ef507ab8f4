/* add_n.c - sums of any number of floats, from 0 on in the order of the operands. */
#include "evaluate/kernels/kernel.h"

const char *kernel_check_add_n(const struct kernel *k) {
    struct qm_shape out = qm_graph_shape(kernel_output(k));
    for (uint32_t i = 0; i < k->op->input_count; i++) {
        struct qm_shape in = qm_graph_shape(kernel_input(k, i));
        if (kernel_input(k, i)->dtype != QM_F32) return "its operands have different types";
        if (!qm_shape_same(&in, &out)) return "its operands have different shapes";
    }
    return NULL;
}

bool kernel_run_add_n(const struct kernel *k) {
    for (size_t e = 0; e < (size_t)qm_graph_elements(kernel_output(k)); e++) {
        float sum = 0;
        for (uint32_t i = 0; i < k->op->input_count; i++) sum += kernel_float(k->inputs[i], e);
        kernel_set_float(k->outputs[0], e, sum);
    }
    return true;
}
