/* operator.c - what all readers of operators need: operands, the fused activation, and one way to refuse. */
#include <stdarg.h>
#include <stdio.h>

#include "compiler/frontend/tflite/tflite.h"

void tflite_refuse(const struct tflite_operator *o, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fb_fail(&o->r->fb, o->at, "operator %u %s: %s", o->op->index, qm_graph_op_name(o->op->kind), text);
}

const struct qm_graph_tensor *tflite_input(const struct tflite_operator *o, uint32_t i) {
    return &o->r->graph->tensors[o->op->inputs[i]];
}

const struct qm_graph_tensor *tflite_output(const struct tflite_operator *o, uint32_t i) {
    return &o->r->graph->tensors[o->op->outputs[i]];
}

void tflite_read_activation(const struct tflite_operator *o, uint32_t slot) {
    static const enum qm_activation known[] = {QM_ACT_NONE, QM_ACT_RELU, QM_ACT_RELU_N1_TO_1, QM_ACT_RELU6};
    uint8_t code = fb_u8(&o->r->fb, &o->options, slot, 0);
    if (code >= sizeof known / sizeof *known) {
        tflite_refuse(o, "fused activation %u is not supported; NONE, RELU, RELU6 and RELU_N1_TO_1 are", code);
        return;
    }
    o->op->activation = known[code];
}
