/* topology.c - SCALE-Sim's topologies: a convolution a row, or a product of matrices a row.
 *
 *     Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides [, Batch Size] [, Sparsity]
 *     Layer, M, N, K [, Sparsity]
 *
 * The rows are not connected: each reads its map from memory and writes its output there. A convolution has no padding but what SCALE-Sim
 * counts: ceil((in - filter) / stride) + 1 positions, of which the last may reach beyond the map. Where the map is its windows one behind
 * the other, it is a product of matrices. The machine has no zeros to skip: weights that a row calls sparse are dense here, and its
 * layer's name says so. A row that has a name alone is a title.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "compiler/frontend/shapes/shapes.h"

static const char *const of_convolutions[] = {"layer", "ifmap", "ifmap", "filter h", "filter w", "channel", "num filter", "stride"},
                         *const of_products[] = {"l", "m", "n", "k"};
enum { CONVOLUTION_CELLS = 8, PRODUCT_CELLS = 4 };

static bool begins_with(const struct shapes_row *row, const char *const *titles, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!shapes_begins(row->cells[i], titles[i])) return false;
    return row->count >= count;
}

static bool is_of_products(const struct shapes_row *row) {
    return begins_with(row, of_products, PRODUCT_CELLS) && strlen(row->cells[1]) == 1;
}

bool shapes_is_topology(const struct shapes_row *row) {
    return begins_with(row, of_convolutions, CONVOLUTION_CELLS) || is_of_products(row);
}

/* Where the optional columns are; 0: not there. */
struct columns {
    bool of_products;
    uint32_t batch, sparsity;
};

static enum qm_status read_head(struct shapes_reader *r, struct columns *columns) {
    *columns = (struct columns){.of_products = is_of_products(&r->row)};
    for (uint32_t i = columns->of_products ? PRODUCT_CELLS : CONVOLUTION_CELLS; i < r->row.count; i++) {
        const char *title = r->row.cells[i];
        if (shapes_begins(title, "batch"))
            columns->batch = i;
        else if (shapes_begins(title, "sparsity"))
            columns->sparsity = i;
        else if (title[0] != '\0')
            return shapes_refuse(r, "the column '%.60s' is unknown; behind the strides there may be Batch Size and Sparsity", title);
    }
    return QM_OK;
}

static enum qm_status read_numbers(struct shapes_reader *r, uint32_t count, uint32_t *numbers) {
    static const char *const names[] = {"",         "the map's height", "the map's width", "the filter's height", "the filter's width",
                                        "channels", "filters",          "the stride"};
    for (uint32_t i = 1; i < count; i++)
        QM_TRY(shapes_number(r, r->row.cells[i], count == PRODUCT_CELLS ? of_products[i] : names[i], &numbers[i]));
    return QM_OK;
}

/* A tensor that the row reads. */
static uint32_t add_input(struct shapes_reader *r, const struct qm_shape *shape) {
    return shapes_add_map(r, qm_arena_printf(r->maker.arena, "%s of line %u", r->row.cells[0], r->row.line), shape, 1.0F / 16);
}

/* Whether a tensor of a by b elements is more than a graph may have. */
static bool are_too_many(uint64_t a, uint64_t b) {
    return a > INT32_MAX / b;
}

static enum qm_status add_product(struct shapes_reader *r, uint64_t m, uint64_t n, uint64_t k) {
    if (are_too_many(m, k) || are_too_many(n, k) || are_too_many(m, n))
        return shapes_refuse(r, "a product of %llu by %llu by %llu has a matrix of 2^31 elements or more, which no network may have",
                             (unsigned long long)m, (unsigned long long)n, (unsigned long long)k);
    shapes_add_dense(r, add_input(r, &(struct qm_shape){2, {(uint32_t)m, (uint32_t)k}}), (uint32_t)k, (uint32_t)n);
    return QM_OK;
}

static uint32_t positions(uint32_t in, uint32_t filter, uint32_t stride) {
    return (in - filter + stride - 1) / stride + 1;
}

static enum qm_status add_convolution(struct shapes_reader *r, const uint32_t *row, uint32_t batch) {
    uint32_t in_h = row[1], in_w = row[2], filter_h = row[3], filter_w = row[4], channels = row[5], filters = row[6], stride = row[7];
    if (filter_h > in_h || filter_w > in_w)
        return shapes_refuse(r, "the filter %ux%u is larger than the map %ux%u", filter_h, filter_w, in_h, in_w);
    if (are_too_many(in_h, in_w)) return shapes_refuse(r, "the map %ux%u has 2^31 elements or more, which no network may have", in_h, in_w);
    uint32_t out_h = positions(in_h, filter_h, stride), out_w = positions(in_w, filter_w, stride);
    uint64_t k = (uint64_t)filter_h * filter_w * channels, m = (uint64_t)out_h * out_w * batch;
    bool by_pixel = filter_h == 1 && filter_w == 1 && stride == 1, by_row = filter_h == 1 && out_w == 1 && (stride == 1 || in_h == 1);
    if (by_pixel || by_row || (out_h == 1 && out_w == 1)) return add_product(r, m, filters, k);
    if (are_too_many((uint64_t)in_h * in_w * channels, batch) || are_too_many(k, filters) || are_too_many(m, filters))
        return shapes_refuse(r, "a map or the filters have 2^31 elements or more, which no network may have");
    struct shapes_window window = {.kernel_h = filter_h,
                                   .kernel_w = filter_w,
                                   .stride = stride,
                                   .after_h = (out_h - 1) * stride + filter_h - in_h,
                                   .after_w = (out_w - 1) * stride + filter_w - in_w};
    shapes_add_convolution(r, add_input(r, &(struct qm_shape){4, {batch, in_h, in_w, channels}}), &window, filters, false);
    return QM_OK;
}

static enum qm_status read_row(struct shapes_reader *r, const struct columns *columns) {
    uint32_t numbers[CONVOLUTION_CELLS], batch = 1;
    if (columns->batch != 0) QM_TRY(shapes_number(r, r->row.cells[columns->batch], "the batch size", &batch));
    if (columns->sparsity != 0 && r->row.cells[columns->sparsity][0] != '\0')
        r->row.cells[0] = qm_arena_printf(r->maker.arena, "%s (%s not used)", r->row.cells[0], r->row.cells[columns->sparsity]);
    QM_TRY(read_numbers(r, columns->of_products ? PRODUCT_CELLS : CONVOLUTION_CELLS, numbers));
    return columns->of_products ? add_product(r, (uint64_t)numbers[1] * batch, numbers[2], numbers[3]) : add_convolution(r, numbers, batch);
}

static bool is_title(const struct shapes_row *row) {
    for (uint32_t i = 1; i < row->count; i++)
        if (row->cells[i][0] != '\0') return false;
    return true;
}

enum qm_status shapes_read_topology(struct shapes_reader *r) {
    struct columns columns;
    QM_TRY(read_head(r, &columns));
    while (shapes_next_row(r)) {
        if (is_title(&r->row)) continue;
        if (shapes_is_topology(&r->row))
            QM_TRY(read_head(r, &columns));
        else
            QM_TRY(read_row(r, &columns));
    }
    return QM_OK;
}
