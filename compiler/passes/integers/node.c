/* node.c - an operator's operands, and how it is refused. */
#include <stdarg.h>
#include <stdio.h>

#include "compiler/passes/integers/integers.h"

bool real_refuse(const struct real_node *n, const char *format, ...) {
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problems_add(&n->r->problems, n->op->index, "%s %s", n->op->name, text);
    return false;
}

struct qm_graph_tensor *real_tensors(const struct real_node *n) {
    return n->r->maker.graph->tensors;
}

bool real_map_of(const struct real_node *n, const struct qm_shape *shape, struct real_map *map) {
    if (shape->rank != 3 && shape->rank != 4) return real_refuse(n, "works on %u dimensions; 3 and 4 are supported", shape->rank);
    *map = (struct real_map){shape->dims[0], shape->dims[1], shape->rank == 4 ? shape->dims[2] : 1, shape->dims[shape->rank - 1]};
    return true;
}

const double *real_numbers(const struct real_node *n, const struct real_value *constant) {
    return evaluate_numbers(constant->constant, n->r->arena);
}

/* Front ends have checked that both are constants, and how many. */
bool real_read_scales(const struct real_node *n, struct real_scales *scales) {
    const struct qm_graph_tensor *scale = n->inputs[1]->constant, *zero = n->inputs[2] != NULL ? n->inputs[2]->constant : NULL;
    uint64_t count = qm_graph_elements(scale), zeros = zero != NULL ? qm_graph_elements(zero) : 1;
    scales->count = count > zeros ? (uint32_t)count : (uint32_t)zeros;
    scales->scale = QM_ARENA_NEW(n->r->arena, double, scales->count);
    scales->zero = QM_ARENA_NEW(n->r->arena, double, scales->count);
    for (uint32_t c = 0; c < scales->count; c++) {
        scales->scale[c] = evaluate_stored(scale, count > 1 ? c : 0);
        scales->zero[c] = zero != NULL ? evaluate_stored(zero, zeros > 1 ? c : 0) : 0;
    }
    return scales->count == 1 || real_refuse(n, "has a scale for each channel; activations must have one");
}

struct real_deferred real_deferred_copy(const struct real_node *n, const struct real_deferred *deferred) {
    struct real_deferred copy = *deferred;
    qm_graph_own_operands(&copy.op, n->r->arena);
    return copy;
}
