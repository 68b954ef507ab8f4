/* operator.c - what all readers of operators need: operands, open shapes, the fused activation, and one way to refuse. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "evaluate/evaluate.h"
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

bool tflite_read_integers(const struct tflite_operator *o, uint32_t i, uint32_t count, int32_t *to) {
    const struct qm_graph_tensor *tensor = tflite_input(o, i);
    bool integers = tensor->dtype == QM_I32 || tensor->dtype == QM_I64;
    bool fits = integers && tensor->data != NULL && qm_graph_elements(tensor) == count;
    for (uint32_t e = 0; e < count && fits; e++) {
        int64_t value = evaluate_integer(tensor, e);
        fits = value >= INT32_MIN && value <= INT32_MAX;
        to[e] = (int32_t)value;
    }
    if (!fits) tflite_refuse(o, "operand %u (%s) must be a constant of %u int32 numbers", i, tensor->name, count);
    return fits;
}

void tflite_keep_inputs(const struct tflite_operator *o, uint32_t count) {
    for (uint32_t i = count; i < o->op->input_count; i++) o->op->inputs[i] = QM_NO_TENSOR;
    o->op->input_count = count;
}

bool tflite_resolve_axis(const struct tflite_operator *o, int32_t axis, uint32_t rank, uint32_t *to) {
    int32_t resolved = axis < 0 ? axis + (int32_t)rank : axis;
    if (resolved < 0 || resolved >= (int32_t)rank) {
        tflite_refuse(o, "axis %d of %u dimensions", axis, rank);
        return false;
    }
    *to = (uint32_t)resolved;
    return true;
}

void tflite_refuse_shape(const struct tflite_operator *o) {
    tflite_refuse(o, "the output's shape is not what the operator gives");
}

uint32_t tflite_times(const struct tflite_operator *o, uint32_t extent, uint32_t times) {
    uint64_t product = (uint64_t)extent * times;
    if (product <= INT32_MAX) return (uint32_t)product;
    tflite_refuse(o, "%u times %u elements are more than a tensor has", times, extent);
    return 0;
}

void tflite_open_shape(const struct tflite_operator *o, uint32_t i, uint32_t rank, const uint32_t *dims) {
    uint32_t tensor = o->op->outputs[i], open = o->r->open[tensor];
    const struct qm_graph_tensor *out = tflite_output(o, i);
    bool fits = rank == out->rank;
    if (open == 0 || o->r->fb.status != QM_OK) return;
    for (uint32_t d = 0; d < rank && fits; d++) fits = (open >> d & 1) != 0 || dims[d] == out->dims[d];
    if (fits)
        tflite_set_shape(o->r, tensor, rank, dims);
    else
        tflite_refuse_shape(o);
}

void tflite_check_shape(const struct tflite_operator *o, uint32_t i, uint32_t rank, const uint32_t *dims) {
    tflite_open_shape(o, i, rank, dims);
    const struct qm_graph_tensor *out = tflite_output(o, i);
    if (out->rank != rank || memcmp(out->dims, dims, rank * sizeof *dims) != 0) tflite_refuse_shape(o);
}

void tflite_open_batch(const struct tflite_operator *o, uint32_t i, uint32_t batch) {
    const struct qm_graph_tensor *out = tflite_output(o, i);
    uint32_t dims[QM_MAX_RANK];
    if ((o->r->open[o->op->outputs[i]] & 1) == 0) return;
    memcpy(dims, out->dims, sizeof dims);
    dims[0] = batch;
    tflite_set_shape(o->r, o->op->outputs[i], out->rank, dims);
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
