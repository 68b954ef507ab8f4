/* slices.c - STRIDED_SLICE, SLICE and REVERSE_V2: which elements of each dimension are taken.
 *
 * All three become a STRIDED_SLICE with a begin, a step and a count for each dimension of the input.
 */
#include "compiler/frontend/tflite/tflite.h"

/* ---- strided slice ---- */

/* One dimension: begin, end and step as the file has them; masks say that an end is open or that one element is taken. */
struct slice {
    int32_t begin, end, step;
    bool open_begin, open_end, one;
};

/* What a STRIDED_SLICE says, entry by entry. */
struct slices {
    uint32_t named; /* entries */
    int32_t begin[2 * QM_MAX_RANK], end[2 * QM_MAX_RANK], step[2 * QM_MAX_RANK];
    uint32_t masks[5]; /* by slice_slot */
};

static int32_t clamp_index(int64_t index, int32_t size, int32_t low, int32_t high) {
    if (index < 0) index += size;
    return index < low ? low : index > high ? high : (int32_t)index;
}

/* As TFLite counts: a step down may begin at the last and end before the first element. False when nothing is taken. */
static bool resolve_slice(const struct slice *slice, int32_t size, int32_t *begin, uint32_t *count) {
    bool up = slice->step > 0;
    int32_t low = up ? 0 : -1, high = up ? size : size - 1;
    *begin = slice->open_begin ? (up ? 0 : size - 1) : clamp_index(slice->begin, size, low, high);
    int32_t end = slice->open_end ? (up ? size : -1) : clamp_index(slice->end, size, low, high);
    if (slice->one) end = *begin + (up ? 1 : -1);
    int64_t span = up ? (int64_t)end - *begin : (int64_t)*begin - end, step = up ? slice->step : -(int64_t)slice->step;
    *count = span > 0 ? (uint32_t)((span + step - 1) / step) : 0;
    return *count > 0 && *begin >= 0 && *begin < size;
}

static bool has(const struct slices *s, enum slice_slot mask, uint32_t i) {
    return (s->masks[mask] >> i & 1) != 0;
}

/* A new axis in an entry that is no ellipsis. */
static bool is_new_axis(const struct slices *s, uint32_t i) {
    return has(s, SLICE_NEW_AXIS_MASK, i) && !has(s, SLICE_ELLIPSIS_MASK, i);
}

/* Entries that speak of a dimension of the input. */
static uint32_t spoken_of(const struct slices *s) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->named; i++) count += !is_new_axis(s, i) && !has(s, SLICE_ELLIPSIS_MASK, i);
    return count;
}

static uint32_t ellipses(const struct slices *s) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->named; i++) count += has(s, SLICE_ELLIPSIS_MASK, i);
    return count;
}

/* False: refused. */
static bool read_slices(const struct tflite_operator *o, struct slices *s) {
    uint32_t rank = tflite_input(o, 0)->rank;
    int32_t *const numbers[] = {s->begin, s->end, s->step};
    *s = (struct slices){.named = (uint32_t)qm_graph_elements(tflite_input(o, 1))};
    if (s->named > 2 * QM_MAX_RANK) {
        tflite_refuse(o, "slices of %u dimensions, but the input has %u", s->named, rank);
        return false;
    }
    for (uint32_t i = 0; i < 3; i++)
        if (!tflite_read_integers(o, i + 1, s->named, numbers[i])) return false;
    for (uint32_t i = 0; i < 5; i++) s->masks[i] = fb_u32(&o->r->fb, &o->options, i, 0);
    if (fb_u8(&o->r->fb, &o->options, SLICE_OFFSET, 0) != 0) tflite_refuse(o, "offsets are not supported");
    if (spoken_of(s) > rank || ellipses(s) > 1)
        tflite_refuse(o, "slices of %u dimensions and %u ellipses, but the input has %u", spoken_of(s), ellipses(s), rank);
    if (ellipses(s) == 1 && spoken_of(s) == rank)
        tflite_refuse(o, "an ellipsis that stands for no dimension is not supported; TFLite's kernel would take one");
    return o->r->fb.status == QM_OK;
}

static struct slice slice_of(const struct slices *s, uint32_t i) {
    return (struct slice){
        s->begin[i], s->end[i], s->step[i], has(s, SLICE_BEGIN_MASK, i), has(s, SLICE_END_MASK, i), has(s, SLICE_SHRINK_MASK, i)};
}

/* The output's dimensions as they come about. */
struct sliced {
    uint32_t dims[3 * QM_MAX_RANK], rank;
};

/* Takes elements of the next dimension of the input. False: none is taken. */
static bool take_dimension(const struct tflite_operator *o, uint32_t d, const struct slice *slice, struct sliced *out) {
    struct qm_graph_op *op = o->op;
    if (slice->step == 0 || !resolve_slice(slice, (int32_t)tflite_input(o, 0)->dims[d], &op->begin[d], &op->slice_dims[d])) return false;
    op->step[d] = slice->step;
    if (!slice->one) out->dims[out->rank++] = op->slice_dims[d];
    return true;
}

static uint64_t taken_elements(const struct tflite_operator *o) {
    uint64_t elements = 1;
    for (uint32_t d = 0; d < tflite_input(o, 0)->rank; d++) elements *= o->op->slice_dims[d];
    return elements;
}

/* An ellipsis stands for the dimensions that no entry speaks of; without one they are the last. All of them are taken whole. */
void tflite_read_strided_slice(const struct tflite_operator *o) {
    static const struct slice whole = {.step = 1, .open_begin = true, .open_end = true};
    struct slices s;
    struct sliced out = {.rank = 0};
    if (!read_slices(o, &s)) return;
    uint32_t rank = tflite_input(o, 0)->rank, left = rank - spoken_of(&s), d = 0;
    bool fits = true;
    for (uint32_t i = 0; i < s.named && fits; i++) {
        const struct slice slice = slice_of(&s, i);
        if (has(&s, SLICE_ELLIPSIS_MASK, i))
            for (; left > 0 && fits; left--) fits = take_dimension(o, d++, &whole, &out);
        else if (is_new_axis(&s, i))
            out.dims[out.rank++] = 1;
        else
            fits = take_dimension(o, d++, &slice, &out);
    }
    while (d < rank && fits) fits = take_dimension(o, d++, &whole, &out);
    if (fits && out.rank <= QM_MAX_RANK) tflite_open_shape(o, 0, out.rank, out.dims);
    if (!fits || taken_elements(o) != qm_graph_elements(tflite_output(o, 0))) tflite_refuse_shape(o);
    tflite_keep_inputs(o, 1);
}

/* ---- slice and reverse ---- */

/* The file's operands are the input, where each dimension begins, and how many elements are taken of it; -1: all that are left. */
void tflite_read_slice(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t begin[QM_MAX_RANK], size[QM_MAX_RANK];
    if (!tflite_read_integers(o, 1, in->rank, begin) || !tflite_read_integers(o, 2, in->rank, size)) return;
    for (uint32_t d = 0; d < in->rank; d++) {
        int64_t left = (int64_t)in->dims[d] - begin[d], count = size[d] == -1 ? left : size[d];
        if (begin[d] < 0 || count < 1 || count > left) {
            tflite_refuse(o, "%d elements from %d on, of %u", size[d], begin[d], in->dims[d]);
            return;
        }
        o->op->begin[d] = begin[d];
        o->op->step[d] = 1;
        o->op->slice_dims[d] = (uint32_t)count;
    }
    tflite_check_shape(o, 0, in->rank, o->op->slice_dims);
    tflite_keep_inputs(o, 1);
}

/* Some dimensions from the last element to the first. */
void tflite_read_reverse(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t axes[QM_MAX_RANK];
    uint32_t count = (uint32_t)qm_graph_elements(tflite_input(o, 1)), axis;
    if (count > in->rank) {
        tflite_refuse(o, "%u axes of %u dimensions", count, in->rank);
        return;
    }
    if (!tflite_read_integers(o, 1, count, axes)) return;
    for (uint32_t d = 0; d < in->rank; d++) {
        o->op->step[d] = 1;
        o->op->slice_dims[d] = in->dims[d];
    }
    for (uint32_t i = 0; i < count && tflite_resolve_axis(o, axes[i], in->rank, &axis); i++) {
        o->op->begin[axis] = (int32_t)in->dims[axis] - 1;
        o->op->step[axis] = -1;
    }
    tflite_check_shape(o, 0, in->rank, in->dims);
    tflite_keep_inputs(o, 1);
}
