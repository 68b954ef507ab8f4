/* node.c - a node's operands and attributes, each checked before it is used.
 *
 * What a node asks for and does not get is named once, with the node's index, operator and name, in the one message about the file.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { ATTRIBUTE_MAX = 65535 };

bool onnx_refuse(const struct onnx_node *n, const char *format, ...) {
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *name = n->source->name != NULL ? n->source->name : "";
    problems_add(&n->r->graph->problems, n->index, "%.40s%s%.60s%s %s", n->source->op_type, name[0] != '\0' ? " (" : "", name,
                 name[0] != '\0' ? ")" : "", text);
    return false;
}

/* ---- operands ---- */

uint32_t onnx_operand(const struct onnx_node *n, uint32_t i) {
    return i < n->source->n_input ? n->inputs[i] : QM_NO_TENSOR;
}

const struct qm_graph_tensor *onnx_input(const struct onnx_node *n, uint32_t i) {
    return &n->r->graph->tensors[n->inputs[i]];
}

struct qm_shape onnx_shape(const struct onnx_node *n, uint32_t i) {
    return qm_graph_shape(onnx_input(n, i));
}

bool onnx_broadcast(const struct onnx_node *n, const struct qm_shape *a, const struct qm_shape *b, struct qm_shape *out) {
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t d = 0; d < out->rank; d++) {
        uint32_t x = d + a->rank >= out->rank ? a->dims[d + a->rank - out->rank] : 1;
        uint32_t y = d + b->rank >= out->rank ? b->dims[d + b->rank - out->rank] : 1;
        if (x != y && x != 1 && y != 1) return onnx_refuse(n, "has operands whose shapes do not fit");
        out->dims[d] = x == 1 ? y : x;
    }
    return true;
}

uint32_t onnx_input_count(const struct onnx_node *n) {
    uint32_t count = (uint32_t)n->source->n_input;
    while (count > 0 && n->inputs[count - 1] == QM_NO_TENSOR) count--;
    return count;
}

bool onnx_constant(const struct onnx_node *n, uint32_t i, const struct qm_graph_tensor **constant) {
    *constant = NULL;
    if (n->inputs[i] == QM_NO_TENSOR) return onnx_refuse(n, "lacks input %u", i);
    *constant = onnx_input(n, i);
    return (*constant)->data != NULL || onnx_refuse(n, "needs %.60s to be a constant", (*constant)->name);
}

bool onnx_number(const struct onnx_node *n, uint32_t i, double *number) {
    const struct qm_graph_tensor *constant;
    if (!onnx_constant(n, i, &constant)) return false;
    if (qm_graph_elements(constant) != 1) return onnx_refuse(n, "needs one number in %.60s", constant->name);
    *number = evaluate_numbers(constant, n->r->arena)[0];
    return true;
}

/* ---- attributes, whose types schema.c has checked; a number that is not there is 0 ---- */

const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->source->n_attribute; i++)
        if (n->source->attribute[i]->name != NULL && strcmp(n->source->attribute[i]->name, name) == 0) return n->source->attribute[i];
    return NULL;
}

int64_t onnx_int(const struct onnx_node *n, const char *name, int64_t fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    return attribute != NULL ? attribute->i : fallback;
}

float onnx_float(const struct onnx_node *n, const char *name, float fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    if (attribute == NULL) return fallback;
    return attribute->has_i ? (float)attribute->i : attribute->f;
}

/* The first 60 bytes, which is more than any word of the schema has, as a C string. */
const char *onnx_text(const struct onnx_node *n, const char *name, const char *fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    if (attribute == NULL) return fallback;
    return qm_arena_printf(n->r->arena, "%.*s", (int)(attribute->s.len < 60 ? attribute->s.len : 60), (const char *)attribute->s.data);
}

bool onnx_ints(const struct onnx_node *n, const char *name, uint32_t count, const uint32_t limits[2], uint32_t *out) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    for (uint32_t i = 0; i < count; i++) out[i] = limits[1];
    if (attribute == NULL || attribute->n_ints == 0) return true;
    if (attribute->n_ints != count) return onnx_refuse(n, "has %zu numbers in %s; there must be %u", attribute->n_ints, name, count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t number = attribute->ints[i];
        if (number < (int64_t)limits[0] || number > ATTRIBUTE_MAX)
            return onnx_refuse(n, "has %lld in %s; it must be %u to %d", (long long)number, name, limits[0], ATTRIBUTE_MAX);
        out[i] = (uint32_t)number;
    }
    return true;
}

bool onnx_axis(const struct onnx_node *n, int64_t axis, uint32_t rank, uint32_t *out) {
    int64_t from_front = axis < 0 ? axis + (int64_t)rank : axis;
    if (from_front < 0 || from_front >= (int64_t)rank) return onnx_refuse(n, "has axis %lld on %u dimensions", (long long)axis, rank);
    *out = (uint32_t)from_front;
    return true;
}

bool onnx_axis_once(const struct onnx_node *n, int64_t axis, uint32_t rank, uint32_t *seen, uint32_t *out) {
    if (!onnx_axis(n, axis, rank, out)) return false;
    if ((*seen >> *out & 1) != 0) return onnx_refuse(n, "names one axis twice");
    *seen |= 1U << *out;
    return true;
}

bool onnx_list(const struct onnx_node *n, uint32_t i, const char *name, struct onnx_list *list) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    const struct qm_graph_tensor *constant = NULL;
    if (attribute == NULL && n->inputs[i] != QM_NO_TENSOR && !onnx_constant(n, i, &constant)) return false;
    uint64_t count = attribute != NULL ? attribute->n_ints : constant != NULL ? qm_graph_elements(constant) : 0;
    list->length = (uint32_t)count;
    list->numbers = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t d = 0; d < count; d++) list->numbers[d] = attribute != NULL ? (double)attribute->ints[d] : evaluate_stored(constant, d);
    return true;
}
