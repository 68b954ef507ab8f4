/* node.c - a node's attributes and constant operands, each checked before it is used.
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
    problems_add(&n->r->problems, n->index, "%.40s%s%.60s%s %s", n->source->op_type, name[0] != '\0' ? " (" : "", name,
                 name[0] != '\0' ? ")" : "", text);
    return false;
}

/* ---- shapes ---- */

bool onnx_broadcast(const struct onnx_node *n, const struct onnx_shape *a, const struct onnx_shape *b, struct onnx_shape *out) {
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t d = 0; d < out->rank; d++) {
        uint32_t x = d + a->rank >= out->rank ? a->dims[d + a->rank - out->rank] : 1;
        uint32_t y = d + b->rank >= out->rank ? b->dims[d + b->rank - out->rank] : 1;
        if (x != y && x != 1 && y != 1) return onnx_refuse(n, "has operands whose shapes do not fit");
        out->dims[d] = x == 1 ? y : x;
    }
    return true;
}

bool onnx_map_of(const struct onnx_node *n, const struct onnx_shape *shape, struct onnx_map *map) {
    if (shape->rank != 3 && shape->rank != 4) return onnx_refuse(n, "works on %u dimensions; 3 and 4 are supported", shape->rank);
    *map = (struct onnx_map){shape->dims[0], shape->dims[1], shape->rank == 4 ? shape->dims[2] : 1, shape->dims[shape->rank - 1]};
    return true;
}

/* ---- attributes ---- */

const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->source->n_attribute; i++)
        if (n->source->attribute[i]->name != NULL && strcmp(n->source->attribute[i]->name, name) == 0) return n->source->attribute[i];
    return NULL;
}

int64_t onnx_int(const struct onnx_node *n, const char *name, int64_t fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    return attribute != NULL && attribute->has_i ? attribute->i : fallback;
}

float onnx_float(const struct onnx_node *n, const char *name, float fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    return attribute != NULL && attribute->has_f ? attribute->f : fallback;
}

/* The first 60 bytes, which is more than any word of the schema has, as a C string. */
const char *onnx_text(const struct onnx_node *n, const char *name, const char *fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    if (attribute == NULL || !attribute->has_s) return fallback;
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

/* ---- constant operands ---- */

bool onnx_constant(const struct onnx_node *n, uint32_t i, const struct onnx_value **value) {
    *value = n->inputs[i];
    if (*value == NULL) return onnx_refuse(n, "lacks input %u", i);
    if ((*value)->state != ONNX_CONSTANT) return onnx_refuse(n, "needs %.60s to be a constant", (*value)->name);
    if ((*value)->numbers == NULL) return onnx_refuse(n, "uses %.60s, which %s", (*value)->name, (*value)->unreadable);
    return true;
}

bool onnx_number(const struct onnx_node *n, uint32_t i, double *number) {
    const struct onnx_value *value;
    if (!onnx_constant(n, i, &value)) return false;
    if (onnx_elements(&value->shape) != 1) return onnx_refuse(n, "needs one number in %.60s", value->name);
    *number = value->numbers[0];
    return true;
}

bool onnx_attribute_constant(const struct onnx_node *n, const Onnx__AttributeProto *attribute, struct onnx_value *value) {
    struct qm_diag diag; /* the node is named, not the file */
    struct onnx_reader reader = *n->r;
    reader.diag = &diag;
    return onnx_read_constant(&reader, attribute->t, value) == QM_OK;
}

bool onnx_scales(const struct onnx_node *n, uint32_t first, uint32_t channels, struct onnx_scales *scales) {
    const struct onnx_value *scale, *zero = NULL;
    if (!onnx_constant(n, first, &scale)) return false;
    if (first + 1 < ONNX_INPUTS_MAX && n->inputs[first + 1] != NULL && !onnx_constant(n, first + 1, &zero)) return false;
    uint64_t count = onnx_elements(&scale->shape), zeros = zero != NULL ? onnx_elements(&zero->shape) : 1;
    if ((count != 1 && count != channels) || (zeros != 1 && zeros != channels))
        return onnx_refuse(n, "has %llu scales and %llu zero points for %u channels; blocks are not supported", (unsigned long long)count,
                           (unsigned long long)zeros, channels);
    scales->count = count > zeros ? (uint32_t)count : (uint32_t)zeros;
    scales->scale = QM_ARENA_NEW(n->r->arena, double, scales->count);
    scales->zero = QM_ARENA_NEW(n->r->arena, double, scales->count);
    for (uint32_t c = 0; c < scales->count; c++) {
        scales->scale[c] = scale->numbers[count > 1 ? c : 0];
        scales->zero[c] = zero != NULL ? zero->numbers[zeros > 1 ? c : 0] : 0;
        if (!(scales->scale[c] > 0) || !isfinite(scales->scale[c]))
            return onnx_refuse(n, "has the scale %g in %.60s; it must be above 0", scales->scale[c], scale->name);
        if (scales->zero[c] != floor(scales->zero[c]) || fabs(scales->zero[c]) > INT32_MAX)
            return onnx_refuse(n, "has the zero point %g in %.60s", scales->zero[c], zero->name);
    }
    return true;
}
