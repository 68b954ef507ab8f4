/* check_windows.c - whether convolutions and pools over maps with channels first are what is evaluated: filters, channels, positions. */
#include "evaluate/check.h"

/* One axis of a window. */
struct window_axis {
    uint64_t in, out, kernel, stride, dilation, before, after;
};

static uint32_t height(const struct qm_graph_tensor *map) {
    return map->rank == 4 ? map->dims[2] : 1;
}

static void find_window(const struct evaluate_site *s, struct window_axis axis[2]) {
    const struct qm_graph_op *op = s->op;
    axis[0] = (struct window_axis){height(s->in), height(s->out), op->kernel_h, op->stride_h, op->dilation_h, op->pad_top, op->pad_bottom};
    axis[1] = (struct window_axis){s->in->dims[s->in->rank - 1],
                                   s->out->dims[s->out->rank - 1],
                                   op->kernel_w,
                                   op->stride_w,
                                   op->dilation_w,
                                   op->pad_left,
                                   op->pad_right};
}

/* Maps of one or two dimensions, and numbers of a window of which none is 0. */
static const char *open_window(const struct evaluate_site *s, struct window_axis axis[2]) {
    if (s->in->rank != 3 && s->in->rank != 4) return "works on maps of other than one or two dimensions";
    if (s->out->rank != s->in->rank || s->out->dims[0] != s->in->dims[0]) return evaluate_other_result;
    if (!s->op->channels_first) return "has channels last, which real numbers have not";
    find_window(s, axis);
    if (axis[0].kernel * axis[1].kernel > INT32_MAX) return "has a window of 2^31 elements or more";
    for (uint32_t i = 0; i < 2; i++)
        if (axis[i].kernel == 0 || axis[i].stride == 0 || axis[i].dilation == 0) return "has a window of nothing";
    return NULL;
}

static uint64_t span(const struct window_axis *a) {
    return (a->kernel - 1) * a->dilation + 1;
}

static const char *check_positions(const struct window_axis axis[2]) {
    for (uint32_t i = 0; i < 2; i++) {
        const struct window_axis *a = &axis[i];
        uint64_t padded = a->in + a->before + a->after;
        if (span(a) > padded || (padded - span(a)) / a->stride + 1 != a->out) return evaluate_other_result;
    }
    return NULL;
}

/* The filter is [first][second] and the window, with channels of the map in `groups` groups; a bias has a number a channel. */
static const char *check_filter(const struct evaluate_site *s, uint64_t first, uint64_t second) {
    const struct qm_graph_tensor *filter = s->second;
    uint32_t channels = s->out->dims[1];
    bool fits = filter->rank == s->in->rank && filter->dims[0] == first && filter->dims[1] == second && height(filter) == s->op->kernel_h &&
                filter->dims[filter->rank - 1] == s->op->kernel_w;
    if (!fits) return "has a filter that does not fit its maps";
    return s->third == NULL || qm_graph_elements(s->third) == channels ? NULL : "has not as many biases as channels";
}

static bool divides(uint32_t groups, const struct evaluate_site *s) {
    return groups != 0 && s->in->dims[1] % groups == 0 && s->out->dims[1] % groups == 0;
}

const char *evaluate_check_conv(const struct evaluate_site *s) {
    struct window_axis axis[2];
    uint32_t groups = s->op->groups;
    const char *problem = open_window(s, axis);
    if (problem == NULL && !divides(groups, s)) return "has channels that do not come in its groups";
    if (problem == NULL) problem = check_filter(s, s->out->dims[1], s->in->dims[1] / groups);
    return problem != NULL ? problem : check_positions(axis);
}

/* Positions behind the last one that the input reaches hold the bias only. */
const char *evaluate_check_transposed(const struct evaluate_site *s) {
    struct window_axis axis[2];
    uint32_t groups = s->op->groups;
    const char *problem = open_window(s, axis);
    if (problem == NULL && !divides(groups, s)) return "has channels that do not come in its groups";
    if (problem == NULL) problem = check_filter(s, s->in->dims[1], s->out->dims[1] / groups);
    for (uint32_t i = 0; i < 2 && problem == NULL; i++)
        if ((axis[i].in - 1) * axis[i].stride + span(&axis[i]) > axis[i].out + axis[i].before + axis[i].after)
            problem = evaluate_other_result;
    return problem;
}

/* Whether every window meets an element. Of windows that begin in front of the map, the first is the furthest in front; when taps are no
 * further from each other than the map is wide, it says it for all of these. Of the others the last does. */
static bool meets_elements(const struct window_axis *a) {
    uint64_t windows = a->dilation > a->in ? a->out : 1;
    for (uint64_t i = 0; i < windows && i * a->stride < a->before; i++) {
        uint64_t at = i * a->stride, skipped = (a->before - at + a->dilation - 1) / a->dilation;
        if (skipped >= a->kernel || at + skipped * a->dilation - a->before >= a->in) return false;
    }
    return (a->out - 1) * a->stride < a->before + a->in;
}

const char *evaluate_check_pool(const struct evaluate_site *s) {
    struct window_axis axis[2];
    const char *problem = open_window(s, axis);
    if (problem == NULL && s->out->dims[1] != s->in->dims[1]) return evaluate_other_result;
    if (problem == NULL) problem = check_positions(axis);
    if (problem == NULL && !(meets_elements(&axis[0]) && meets_elements(&axis[1]))) return "has a window with nothing but padding in it";
    return problem;
}
