/* windows.c - the limits of the fields of spec/isa.def in which instructions have windows. */
#include "compiler/ir/windows.h"

#include <stdarg.h>
#include <stdio.h>

#include "compiler/ir/layer.h"

/* Always false, for the callers to return. */
static bool fails(struct qm_windows_reason *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fails(struct qm_windows_reason *why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

/* Distances that are not gone do not count. */
static uint64_t stride(const struct qm_window_axis *axis) {
    return axis->out > 1 ? axis->stride : 0;
}

static uint64_t dilation(const struct qm_window_axis *axis) {
    return axis->kernel > 1 ? axis->dilation : 0;
}

/* How far behind the last element the last window begins. */
static int64_t behind(const struct qm_window_axis *axis) {
    return (int64_t)((axis->out - 1) * stride(axis)) - axis->before - ((int64_t)axis->in - 1);
}

static bool rows_fit(const struct qm_window_axis *rows, struct qm_windows_reason *why) {
    if (stride(rows) > QM_WINDOW_MAX)
        return fails(why, "its windows are %u rows apart; at most %d are supported", rows->stride, QM_WINDOW_MAX);
    if (dilation(rows) > QM_WINDOW_MAX)
        return fails(why, "the rows of its windows are %u apart; at most %d are supported", rows->dilation, QM_WINDOW_MAX);
    if (rows->before > -INT16_MIN || behind(rows) > INT16_MAX)
        return fails(why, "its windows begin more than %d rows outside of the map", INT16_MAX);
    return true;
}

/* Whether one tap after the other, or a row of taps at once, fits. */
static bool taps_fit(const struct qm_windows *w, struct qm_windows_reason *why) {
    const struct qm_window_axis *columns = &w->columns;
    uint64_t bytes = w->position_bytes, reach = ((columns->kernel - 1) * dilation(columns) + 1) * bytes, row = columns->in * bytes;
    if (w->in_runs && (columns->kernel == 1 || columns->dilation == 1) && columns->kernel * bytes <= QM_ROW_BYTES_MAX) return true;
    if (columns->kernel > QM_WINDOW_MAX)
        return fails(why, "its window of %ux%u is larger than %d", w->rows.kernel, columns->kernel, QM_WINDOW_MAX);
    if (dilation(columns) * bytes > QM_ROW_BYTES_MAX || (reach > QM_ROW_BYTES_MAX && row > QM_ROW_BYTES_MAX))
        return fails(why, "a row of its window reaches over %llu bytes; at most %d are supported", (unsigned long long)reach,
                     QM_ROW_BYTES_MAX);
    return true;
}

static bool columns_fit(const struct qm_windows *w, struct qm_windows_reason *why) {
    const struct qm_window_axis *columns = &w->columns;
    int64_t bytes = w->position_bytes;
    if ((int64_t)stride(columns) * bytes > QM_ROW_BYTES_MAX)
        return fails(why, "its windows are %lld bytes apart; at most %d are supported", (long long)stride(columns) * (long long)bytes,
                     QM_ROW_BYTES_MAX);
    if (columns->before * bytes > -INT16_MIN || (behind(columns) + 1) * bytes - 1 > INT16_MAX)
        return fails(why, "its windows begin more than %d bytes outside of a row of the map", INT16_MAX);
    return true;
}

bool qm_windows_fit(const struct qm_windows *w, struct qm_windows_reason *why) {
    if (w->rows.kernel > QM_WINDOW_MAX)
        return fails(why, "its window of %ux%u is larger than %d", w->rows.kernel, w->columns.kernel, QM_WINDOW_MAX);
    return taps_fit(w, why) && rows_fit(&w->rows, why) && columns_fit(w, why);
}

struct qm_windows qm_pool_windows(const struct qm_graph_op *op, const struct qm_shape *in, const struct qm_shape *out) {
    return (struct qm_windows){
        .rows = {in->dims[1], out->dims[1], op->kernel_h, op->stride_h, op->dilation_h, op->pad_top},
        .columns = {in->dims[2], out->dims[2], op->kernel_w, op->stride_w, op->dilation_w, op->pad_left},
        .position_bytes = 1,
    };
}
