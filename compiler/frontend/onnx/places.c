/* places.c - nodes whose result elements are input elements at places that are known: Tile, Expand, Pad by reflection, DepthToSpace.
 *
 * Along an axis, elements are gathered at constant indices.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

uint32_t onnx_emit_places(const struct onnx_node *n, uint32_t in, uint32_t axis, uint32_t count, const int64_t *places) {
    if (in == QM_NO_TENSOR) return in;
    const struct qm_graph_tensor *x = &n->r->graph->tensors[in];
    struct onnx_element element = {.dtype = x->dtype, .bits = x->bits};
    struct qm_shape shape = qm_graph_shape(x);
    struct qm_graph_op op = onnx_op(n, QM_OP_GATHER, in);
    op.axis = axis;
    op.inputs[1] = qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_I64, &(struct qm_shape){1, {count}}, places);
    op.input_count = 2;
    shape.dims[axis] = count;
    return onnx_emit(n, &op, &element, &shape);
}

/* Element i of an axis is element i % extent of the input's. */
static uint32_t repeated(const struct onnx_node *n, uint32_t in, uint32_t axis, uint32_t times) {
    if (in == QM_NO_TENSOR || times == 1) return in;
    uint32_t extent = n->r->graph->tensors[in].dims[axis], count = times * extent;
    int64_t *places = QM_ARENA_NEW(n->r->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) places[i] = i % extent;
    return onnx_emit_places(n, in, axis, count, places);
}

/* Before any list of places is made. */
static bool check_elements(const struct onnx_node *n, double elements) {
    return elements <= EVALUATE_ELEMENTS_MAX ||
           onnx_refuse(n, "makes %.0f elements; at most %d can be made", elements, EVALUATE_ELEMENTS_MAX);
}

bool onnx_tile(const struct onnx_node *n) {
    uint32_t rank = onnx_input(n, 0)->rank, result = n->inputs[0];
    double elements = (double)qm_graph_elements(onnx_input(n, 0));
    struct onnx_list times;
    if (!onnx_list(n, 1, "", &times)) return false;
    if (times.length != rank) return onnx_refuse(n, "has %u repeats for %u dimensions", times.length, rank);
    for (uint32_t d = 0; d < rank; d++) {
        if (!(times.numbers[d] >= 1)) return onnx_refuse(n, "repeats axis %u %g times; it must be once or more", d, times.numbers[d]);
        elements *= times.numbers[d];
    }
    if (!check_elements(n, elements)) return false;
    for (uint32_t d = 0; d < rank; d++) result = repeated(n, result, d, (uint32_t)times.numbers[d]);
    return onnx_put(n, result);
}

/* Dimensions of one element become those of a shape, with more in front when it has more. */
bool onnx_expand(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), wanted = {.rank = 0}, out, front;
    struct onnx_list list;
    if (!onnx_list(n, 1, "", &list)) return false;
    if (list.length > QM_MAX_RANK) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    for (; wanted.rank < list.length; wanted.rank++) {
        if (!(list.numbers[wanted.rank] >= 1 && list.numbers[wanted.rank] <= EVALUATE_ELEMENTS_MAX))
            return onnx_refuse(n, "has the dimension %g", list.numbers[wanted.rank]);
        wanted.dims[wanted.rank] = (uint32_t)list.numbers[wanted.rank];
    }
    if (!onnx_broadcast(n, &in, &wanted, &out)) return false;
    double elements = 1;
    for (uint32_t d = 0; d < out.rank; d++) elements *= out.dims[d];
    if (!check_elements(n, elements)) return false;
    front = out;
    for (uint32_t d = 0; d < out.rank; d++) front.dims[d] = d + in.rank >= out.rank ? in.dims[d + in.rank - out.rank] : 1;
    uint32_t result = onnx_emit_reshape(n, n->inputs[0], &front);
    for (uint32_t d = 0; d < out.rank; d++) result = repeated(n, result, d, out.dims[d] / front.dims[d]);
    return onnx_put(n, result);
}

/* ---- padding with elements ---- */

/* Where element i of a padded axis comes from: i counts from the first of the input. */
static int64_t mirrored(int64_t i, int64_t extent, const char *mode) {
    int64_t period = 2 * (extent - 1);
    if (strcmp(mode, "edge") == 0) return i < 0 ? 0 : i < extent ? i : extent - 1;
    if (strcmp(mode, "wrap") == 0) return (i % extent + extent) % extent;
    i = period > 0 ? (i % period + period) % period : 0;
    return i < extent ? i : period - i;
}

uint32_t onnx_emit_mirrored(const struct onnx_node *n, const struct qm_graph_op *pad, const char *mode) {
    uint32_t result = pad->inputs[0], rank = n->r->graph->tensors[result].rank;
    if (strcmp(mode, "reflect") != 0 && strcmp(mode, "edge") != 0 && strcmp(mode, "wrap") != 0)
        return onnx_refuse(n, "pads in the mode %s", mode), QM_NO_TENSOR;
    for (uint32_t d = 0; d < rank && result != QM_NO_TENSOR; d++) {
        uint32_t extent = n->r->graph->tensors[result].dims[d], count = pad->pads[d].before + extent + pad->pads[d].after;
        if (count == extent) continue;
        int64_t *places = QM_ARENA_NEW(n->r->arena, int64_t, count);
        for (uint32_t i = 0; i < count; i++) places[i] = mirrored((int64_t)i - pad->pads[d].before, extent, mode);
        result = onnx_emit_places(n, result, d, count, places);
    }
    return result;
}

/* ---- blocks of channels and positions ---- */

static bool read_block(const struct onnx_node *n, uint32_t *block) {
    int64_t size = onnx_int(n, "blocksize", 0);
    if (onnx_input(n, 0)->rank != 4) return onnx_refuse(n, "works on %u dimensions; 4 are supported", onnx_input(n, 0)->rank);
    if (size < 1 || size > UINT16_MAX) return onnx_refuse(n, "has blocksize %lld", (long long)size);
    *block = (uint32_t)size;
    return true;
}

bool onnx_depth_to_space(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0);
    const char *mode = onnx_text(n, "mode", "DCR");
    bool channels_first = strcmp(mode, "CRD") == 0;
    uint32_t b;
    if (!channels_first && strcmp(mode, "DCR") != 0) return onnx_refuse(n, "has the mode %s", mode);
    if (!read_block(n, &b)) return false;
    const uint32_t *d = in.dims;
    if ((uint64_t)d[1] % ((uint64_t)b * b) != 0) return onnx_refuse(n, "has %u channels for blocks of %u", d[1], b);
    uint32_t channels = d[1] / (b * b);
    struct qm_shape split = {6, {d[0], channels_first ? channels : b, b, channels_first ? b : channels, d[2], d[3]}};
    static const uint32_t by_depth[] = {0, 3, 4, 1, 5, 2}, by_channels[] = {0, 1, 4, 2, 5, 3};
    uint32_t moved = onnx_emit_transpose(n, onnx_emit_reshape(n, n->inputs[0], &split), channels_first ? by_channels : by_depth);
    return onnx_put(n, onnx_emit_reshape(n, moved, &(struct qm_shape){4, {d[0], channels, d[2] * b, d[3] * b}}));
}

bool onnx_space_to_depth(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0);
    uint32_t b;
    if (!read_block(n, &b)) return false;
    const uint32_t *d = in.dims;
    if (d[2] % b != 0 || d[3] % b != 0) return onnx_refuse(n, "has %ux%u positions for blocks of %u", d[2], d[3], b);
    struct qm_shape split = {6, {d[0], d[1], d[2] / b, b, d[3] / b, b}};
    uint32_t moved = onnx_emit_transpose(n, onnx_emit_reshape(n, n->inputs[0], &split), (const uint32_t[]){0, 3, 5, 1, 2, 4});
    return onnx_put(n, onnx_emit_reshape(n, moved, &(struct qm_shape){4, {d[0], d[1] * b * b, d[2] / b, d[3] / b}}));
}
