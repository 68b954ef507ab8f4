/* area.c - which part of a map a block of windows touches, and the same windows over that part alone.
 *
 * A window that leaves the map reads the pad value. Cutting the map to what a block touches must not change that: the cut is at the
 * map's edge or beyond the last touched byte, so that a byte outside the part is outside the map.
 */
#include "compiler/passes/passes.h"

/* First and one past the last coordinate that windows touch along one axis; may lie outside the map. */
struct span {
    int64_t first, last;
};

static struct span touched_rows(const struct plan_window *w, const struct block *b) {
    int64_t first = w->y_start + (int64_t)b->y * w->y_stride;
    return (struct span){first, first + (int64_t)(b->h - 1) * w->y_stride + (int64_t)(w->kernel_h - 1) * w->y_dilation + 1};
}

static struct span touched_bytes(const struct plan_window *w, const struct block *b) {
    int64_t first = w->x_start + (int64_t)b->x * w->x_stride;
    return (struct span){first, first + (int64_t)(b->w - 1) * w->x_stride + (int64_t)(w->kernel_w - 1) * w->x_dilation + w->run_bytes};
}

/* The part of a span inside 0 .. size; one element when there is none. */
static struct span inside(struct span span, int64_t size) {
    int64_t first = span.first < 0 ? 0 : span.first >= size ? size - 1 : span.first;
    int64_t last = span.last > size ? size : span.last;
    return (struct span){first, last > first ? last : first + 1};
}

struct area area_of_block(const struct plan_window *window, const struct block *block) {
    struct span rows = inside(touched_rows(window, block), window->in_rows);
    struct span bytes = inside(touched_bytes(window, block), window->in_row_bytes);
    return (struct area){
        .row = (uint32_t)rows.first,
        .rows = (uint32_t)(rows.last - rows.first),
        .byte = (uint32_t)bytes.first,
        .bytes = (uint32_t)(bytes.last - bytes.first),
        .buffer = PLAN_NONE,
    };
}

uint64_t area_bytes_at_most(const struct plan_window *w, uint32_t block_h, uint32_t block_w, uint32_t *row_bytes) {
    uint64_t rows = (uint64_t)(block_h - 1) * w->y_stride + (uint64_t)(w->kernel_h - 1) * w->y_dilation + 1;
    uint64_t bytes = (uint64_t)(block_w - 1) * w->x_stride + (uint64_t)(w->kernel_w - 1) * w->x_dilation + w->run_bytes;
    if (rows > w->in_rows) rows = w->in_rows;
    if (bytes > w->in_row_bytes) bytes = w->in_row_bytes;
    *row_bytes = (uint32_t)bytes;
    return rows * bytes;
}

void area_set_window(struct qm_insn *insn, const struct plan_window *window, const struct block *block, const struct area *area) {
    struct area part = area_of_block(window, block);
    insn->in_addr = (int64_t)(part.row - area->row) * area->pitch + part.byte - area->byte;
    insn->in_pitch = part.rows > 1 ? area->pitch : part.bytes;
    insn->in_rows = part.rows;
    insn->in_row_bytes = part.bytes;
    insn->kernel_h = window->kernel_h;
    insn->kernel_w = window->kernel_w;
    insn->run_bytes = window->run_bytes;
    insn->y_start = touched_rows(window, block).first - part.row;
    insn->x_start = touched_bytes(window, block).first - part.byte;
    insn->y_stride = window->y_stride;
    insn->y_dilation = window->kernel_h > 1 ? window->y_dilation : 0;
    insn->x_stride = block->w > 1 ? window->x_stride : 0;
    insn->x_dilation = window->kernel_w > 1 ? window->x_dilation : 0;
    insn->out_h = block->h;
    insn->out_w = block->w;
}
