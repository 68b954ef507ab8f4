/* reshape.c - operators that only change a shape or an order.
 *
 * A flattened map stays channels last as long as nobody but a matrix product reads it, which then orders its weights instead.
 */
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* Makes output 0 a flattened map that stays channels last. False, with nothing named: it is none, or has its bytes in the other order. */
static bool keep_order(const struct real_node *n, const struct real_value *in) {
    const struct qm_shape *shape = &n->outputs[0]->shape;
    uint32_t rank = in->shape.rank;
    if (in->tensors[REAL_CHANNELS_LAST] == QM_NO_TENSOR || in->tensors[REAL_PLAIN] != QM_NO_TENSOR || rank < 3 || rank > 4) return false;
    struct real_map *map = QM_ARENA_NEW(n->r->arena, struct real_map, 1);
    if (!real_map_of(n, &in->shape, map) || map->c == 1 || map->h * map->w == 1) return false;
    if (map->n != 1 || shape->rank != 2 || shape->dims[0] != 1) return false;
    real_put(n, in, REAL_CHANNELS_LAST, in->tensors[REAL_CHANNELS_LAST]);
    n->outputs[0]->map = map;
    return true;
}

bool real_reshape(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    uint32_t tensor;
    if (in->state == REAL_INPUT && !real_input_is_made(in)) {
        real_put(n, in, REAL_PLAIN, QM_NO_TENSOR);
        return true;
    }
    if (!real_materialize(n, in)) return false;
    if (keep_order(n, in)) return true;
    if (!real_tensor(n, in, REAL_PLAIN, &tensor)) return false;
    real_put(n, in, REAL_PLAIN, real_add_reshape(n, tensor, &n->outputs[0]->shape));
    return true;
}

bool real_transpose(const struct real_node *n) {
    static const uint32_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};
    struct real_value *in = n->inputs[0];
    uint32_t tensor, rank = in->shape.rank;
    if (!real_materialize(n, in)) return false;
    if (rank == 4 && memcmp(n->op->permutation, to_last, sizeof to_last) == 0 && in->tensors[REAL_CHANNELS_LAST] != QM_NO_TENSOR) {
        real_put(n, in, REAL_PLAIN, in->tensors[REAL_CHANNELS_LAST]);
        return true;
    }
    if (!real_tensor(n, in, REAL_PLAIN, &tensor)) return false;
    if (rank == 4 && memcmp(n->op->permutation, to_first, sizeof to_first) == 0) {
        real_put(n, in, REAL_CHANNELS_LAST, tensor);
        return true;
    }
    uint32_t result = real_add_like(n, tensor, &n->outputs[0]->shape);
    struct qm_graph_op *op = real_add_op(n, QM_OP_TRANSPOSE, tensor, result);
    memcpy(op->permutation, n->op->permutation, sizeof op->permutation);
    real_put(n, in, REAL_PLAIN, result);
    return true;
}
