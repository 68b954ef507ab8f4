/* resize.c - Resize and Upsample: repeated elements, elements at computed places, and straight lines between them.
 *
 * What repeats every element a whole number of times is an operator of its own. Else each axis is gathered at the places that the modes
 * say; a line is two gathers, each times its weight. Coordinates are computed in doubles.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* What the node says, of each axis. */
struct resizing {
    const char *coordinates, *nearest;
    bool linear;
    struct qm_shape in, out;
    double scale[QM_MAX_RANK];
    bool shortens_up; /* before version 11: nearest is the next one in front, but the next behind where the axis becomes shorter */
};

static bool read_modes(const struct onnx_node *n, struct resizing *r) {
    const char *mode = onnx_text(n, "mode", "nearest");
    bool old = onnx_input_count(n) == 2; /* Upsample, and Resize of version 10 */
    r->linear = strcmp(mode, "linear") == 0;
    r->coordinates = onnx_text(n, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
    r->nearest = onnx_text(n, "nearest_mode", old ? "floor" : "round_prefer_floor");
    r->shortens_up = old;
    if (!r->linear && strcmp(mode, "nearest") != 0) return onnx_refuse(n, "has the mode %s; nearest and linear are supported", mode);
    if (onnx_int(n, "antialias", 0) != 0) return onnx_refuse(n, "has antialias, which is not supported");
    if (onnx_int(n, "exclude_outside", 0) != 0) return onnx_refuse(n, "has exclude_outside, which is not supported");
    if (strcmp(onnx_text(n, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
        return onnx_refuse(n, "keeps an aspect ratio, which is not supported");
    static const char *const known[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    bool found = false, rounds = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found = found || strcmp(r->coordinates, known[i]) == 0;
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++) rounds = rounds || strcmp(r->nearest, roundings[i]) == 0;
    if (!found) return onnx_refuse(n, "has coordinate_transformation_mode %s, which is not supported", r->coordinates);
    return rounds || onnx_refuse(n, "has nearest_mode %s, which is not known", r->nearest);
}

/* Scales are input 1 of two inputs, else 2; sizes are input 3. They are of all axes, or of those that are named. */
static bool read_sizes(const struct onnx_node *n, struct resizing *r) {
    bool old = onnx_input_count(n) == 2, sized = !old && n->inputs[3] != QM_NO_TENSOR;
    const Onnx__AttributeProto *named = onnx_attribute(n, "axes");
    const struct qm_graph_tensor *list;
    if (!onnx_constant(n, old ? 1 : sized ? 3 : 2, &list)) return false;
    uint64_t count = qm_graph_elements(list), wanted = named != NULL ? named->n_ints : r->in.rank;
    if (count != wanted) return onnx_refuse(n, "has %llu numbers for %llu axes", (unsigned long long)count, (unsigned long long)wanted);
    r->out = r->in;
    uint32_t seen = 0;
    for (uint32_t d = 0; d < r->in.rank; d++) r->scale[d] = 1;
    for (uint32_t i = 0; i < count; i++) {
        double number = evaluate_stored(list, i), size;
        uint32_t axis = i;
        if (named != NULL && !onnx_axis_once(n, named->ints[i], r->in.rank, &seen, &axis)) return false;
        size = sized ? number : floor(r->in.dims[axis] * number);
        if (!(size >= 1 && size <= EVALUATE_ELEMENTS_MAX)) return onnx_refuse(n, "resizes axis %u to %g elements", axis, size);
        r->out.dims[axis] = (uint32_t)size;
        r->scale[axis] = sized ? size / r->in.dims[axis] : number;
    }
    return true;
}

/* Where element i of the result is in the input, as doubles compute it. */
static double rounded_coordinate(const struct resizing *r, uint32_t axis, uint32_t i) {
    double in = r->in.dims[axis], out = r->out.dims[axis], scale = r->scale[axis];
    if (strcmp(r->coordinates, "align_corners") == 0) return out == 1 ? 0 : i * (in - 1) / (out - 1);
    if (strcmp(r->coordinates, "asymmetric") == 0) return i / scale;
    if (strcmp(r->coordinates, "pytorch_half_pixel") == 0 && out == 1) return 0;
    double place = (i + 0.5) / scale - 0.5;
    if (strcmp(r->coordinates, "half_pixel_symmetric") == 0) place += in / 2 * (1 - out / (scale * in));
    return place;
}

/* Where it is. Scales are float32, and so it is a fraction whose denominator is below 2^26: what is next to a half of an element is one. */
static double coordinate(const struct resizing *r, uint32_t axis, uint32_t i) {
    double place = rounded_coordinate(r, axis, i), half = nearbyint(2 * place) / 2;
    return fabs(place - half) < 1e-9 ? half : place;
}

static int64_t cut(double place, uint32_t extent) {
    return (int64_t)fmin(fmax(place, 0), extent - 1.0);
}

static int64_t nearest(const struct resizing *r, uint32_t axis, double place) {
    uint32_t extent = r->in.dims[axis];
    if (strcmp(r->nearest, "ceil") == 0 || (r->shortens_up && r->scale[axis] < 1)) return cut(ceil(place), extent);
    if (strcmp(r->nearest, "floor") == 0) return cut(floor(place), extent);
    return cut(strcmp(r->nearest, "round_prefer_ceil") == 0 ? floor(place + 0.5) : ceil(place - 0.5), extent);
}

static uint32_t gather_nearest(const struct onnx_node *n, const struct resizing *r, uint32_t in, uint32_t axis) {
    uint32_t count = r->out.dims[axis];
    int64_t *places = QM_ARENA_NEW(n->r->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) places[i] = nearest(r, axis, coordinate(r, axis, i));
    return onnx_emit_places(n, in, axis, count, places);
}

static uint32_t draw_lines(const struct onnx_node *n, const struct resizing *r, uint32_t in, uint32_t axis) {
    uint32_t count = r->out.dims[axis], sides[2];
    for (uint32_t side = 0; side < 2; side++) {
        int64_t *places = QM_ARENA_NEW(n->r->arena, int64_t, count);
        double *weights = QM_ARENA_NEW(n->r->arena, double, count);
        for (uint32_t i = 0; i < count; i++) {
            double place = coordinate(r, axis, i), behind = place - floor(place);
            places[i] = cut(floor(place) + side, r->in.dims[axis]);
            weights[i] = side == 0 ? 1 - behind : behind;
        }
        sides[side] = onnx_emit_with(n, QM_OP_MUL, onnx_emit_places(n, in, axis, count, places), count, weights, axis);
    }
    return onnx_emit_two(n, QM_OP_ADD, sides[0], sides[1]);
}

/* Whether element i of the result is element i / factor of the input, for every whole factor: two combinations of modes say so, of maps. */
static bool repeats(const struct resizing *r) {
    bool plain = strcmp(r->coordinates, "asymmetric") == 0 && strcmp(r->nearest, "floor") == 0;
    bool centred = strcmp(r->coordinates, "half_pixel") == 0 && strncmp(r->nearest, "round_prefer_", 13) == 0;
    bool whole = r->in.rank == 4 && r->in.dims[0] == r->out.dims[0] && r->in.dims[1] == r->out.dims[1];
    for (uint32_t d = 0; d < r->in.rank; d++)
        whole = whole && r->out.dims[d] % r->in.dims[d] == 0 && r->scale[d] == r->out.dims[d] / r->in.dims[d];
    return !r->linear && (plain || centred) && whole;
}

bool onnx_resize(const struct onnx_node *n) {
    struct resizing r = {.in = onnx_shape(n, 0)};
    uint32_t result = n->inputs[0];
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    enum qm_dtype in_type = in->quant.count > 0 ? QM_F32 : in->dtype;
    struct qm_graph_op op = onnx_op(n, QM_OP_RESIZE_NEAREST_NEIGHBOR, result);
    op.channels_first = true;
    if (!read_modes(n, &r) || !read_sizes(n, &r)) return false;
    if (repeats(&r)) return onnx_put(n, onnx_emit(n, &op, &(struct onnx_element){.dtype = in->dtype, .bits = in->bits}, &r.out));
    for (uint32_t d = 0; d < r.in.rank && result != QM_NO_TENSOR; d++)
        if (r.in.dims[d] != r.out.dims[d] || r.scale[d] != 1) result = (r.linear ? draw_lines : gather_nearest)(n, &r, result, d);
    if (!r.linear || in_type == QM_F32 || result == n->inputs[0]) return onnx_put(n, result);
    struct qm_graph_op rounding = onnx_op(n, QM_OP_TRUNCATE, result); /* integers stay integers, as the reference implementation casts */
    return onnx_put(n, onnx_emit(n, &rounding, &(struct onnx_element){.dtype = in_type}, &r.out));
}
