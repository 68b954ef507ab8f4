/* network.c - networks as tables, whose layers are connected by the names of their rows:
 *
 *     name, op, inputs, window, stride, pad, channels
 *
 *     parameter      a number that dimensions below may use by the row's name: its value stands under inputs, and --size changes it
 *     input          a tensor: its dimensions, HxWxC of a map, HEADSxROWSxDEPTH of matrices, ROWSxDEPTH
 *     conv, dwconv   a convolution, of all channels or of each: window KHxKW, stride, pad (elements on each side, or `same`), channels
 *     maxpool, avgpool, mean      by windows, and over the whole map
 *     dense          a product with a matrix of so many columns (channels), of rows or of a map as one row
 *     add            of two inputs of one shape, parted by a blank
 *     heads          ROWSx(HEADS DEPTH) to HEADSxROWSxDEPTH, with HEADS under channels; merge is the way back
 *     matmul, matmul_t      of two computed operands: [m][k] by [k][n], or by [n][k]
 *     softmax, gelu
 *
 * Clamps, which cost nothing, are left out.
 */
#include <ctype.h>
#include <string.h>

#include "compiler/frontend/shapes/shapes.h"

enum { NAME, OP, INPUTS, WINDOW, STRIDE, PAD, CHANNELS, COLUMNS };
static const char *const titles[COLUMNS] = {"name", "op", "inputs", "window", "stride", "pad", "channels"};
enum { DIMS_MAX = 3, PARAMETERS_MAX = 8, WINDOW_MAX = 255 };

struct network {
    struct shapes_reader *r;
    struct {
        const char *name;
        uint32_t value;
    } parameters[PARAMETERS_MAX];
    uint32_t parameter_count;
    uint32_t in, second; /* of the row */
};

bool shapes_is_network(const struct shapes_row *row) {
    for (uint32_t i = 0; i < COLUMNS; i++)
        if (strcmp(row->cells[i], titles[i]) != 0) return false;
    return row->count == COLUMNS;
}

/* ---- cells ---- */

static const char *cell(const struct network *n, uint32_t column) {
    return n->r->row.cells[column];
}

static enum qm_status read_size(struct network *n, const char *text, const char *what, uint32_t *number) {
    for (uint32_t i = 0; i < n->parameter_count; i++) {
        *number = n->parameters[i].value;
        if (strcmp(n->parameters[i].name, text) == 0) return QM_OK;
    }
    return shapes_number(n->r, text, what, number);
}

/* Reads AxBxC. */
static enum qm_status read_sizes(struct network *n, uint32_t column, uint32_t most, uint32_t *sizes, uint32_t *count) {
    char *rest = qm_arena_strdup(n->r->maker.arena, cell(n, column));
    *count = 0;
    for (char *size = strsep(&rest, "x"); size != NULL; size = strsep(&rest, "x")) {
        if (*count == most) return shapes_refuse(n->r, "%s are more than %u", cell(n, column), most);
        QM_TRY(read_size(n, size, titles[column], &sizes[(*count)++]));
    }
    return QM_OK;
}

static struct qm_shape shape_of(const struct network *n, uint32_t tensor) {
    return qm_graph_shape(&n->r->maker.graph->tensors[tensor]);
}

static enum qm_status find_tensor(struct network *n, const char *name, uint32_t *tensor) {
    const struct qm_graph *graph = n->r->maker.graph;
    for (*tensor = 0; *tensor < graph->tensor_count; ++*tensor)
        if (strcmp(graph->tensors[*tensor].name, name) == 0) return QM_OK;
    return shapes_refuse(n->r, "no row above is called '%.60s'", name);
}

/* Reads the names of one input or of two. */
static enum qm_status read_inputs(struct network *n, uint32_t count) {
    char *rest = qm_arena_strdup(n->r->maker.arena, cell(n, INPUTS)), *first = strsep(&rest, " ");
    bool has_second = rest != NULL;
    if (has_second != (count == 2)) return shapes_refuse(n->r, "%s takes %u input%s", cell(n, OP), count, count == 1 ? "" : "s");
    QM_TRY(find_tensor(n, first, &n->in));
    return has_second ? find_tensor(n, rest, &n->second) : QM_OK;
}

static enum qm_status check_rank(struct network *n, uint32_t rank) {
    if (shape_of(n, n->in).rank == rank) return QM_OK;
    return shapes_refuse(n->r, "%s takes %s", cell(n, OP), rank == 2 ? "rows" : "a map or matrices, of three dimensions");
}

/* ---- windows ---- */

static enum qm_status pad_axis(struct network *n, uint32_t in, uint32_t kernel, uint32_t stride, uint32_t *before, uint32_t *after) {
    uint32_t out = (in + stride - 1) / stride, needed = (out - 1) * stride + kernel, missing = needed > in ? needed - in : 0;
    *before = missing / 2;
    *after = missing - missing / 2;
    if (strcmp(cell(n, PAD), "same") == 0) return QM_OK;
    *before = 0;
    if (strcmp(cell(n, PAD), "0") != 0) QM_TRY(read_size(n, cell(n, PAD), "pad", before));
    *after = *before;
    if (*before < kernel && in + *before + *after >= kernel) return QM_OK;
    return shapes_refuse(n->r, "a window of %u does not fit %u elements with %u on each side", kernel, in, *before);
}

static enum qm_status read_window(struct network *n, struct shapes_window *window) {
    uint32_t sizes[2], count;
    QM_TRY(read_inputs(n, 1));
    QM_TRY(check_rank(n, 4));
    QM_TRY(read_sizes(n, WINDOW, 2, sizes, &count));
    if (count != 2 || sizes[0] > WINDOW_MAX || sizes[1] > WINDOW_MAX)
        return shapes_refuse(n->r, "the window '%.20s' is not two numbers up to %d, as 3x3", cell(n, WINDOW), WINDOW_MAX);
    *window = (struct shapes_window){.kernel_h = sizes[0], .kernel_w = sizes[1]};
    QM_TRY(read_size(n, cell(n, STRIDE), "stride", &window->stride));
    struct qm_shape map = shape_of(n, n->in);
    QM_TRY(pad_axis(n, map.dims[1], window->kernel_h, window->stride, &window->before_h, &window->after_h));
    return pad_axis(n, map.dims[2], window->kernel_w, window->stride, &window->before_w, &window->after_w);
}

/* ---- rows ---- */

static enum qm_status add_parameter(struct network *n) {
    const struct qm_model_options *options = n->r->file->options;
    const char *name = cell(n, NAME), *value = cell(n, INPUTS);
    if (n->parameter_count == PARAMETERS_MAX) return shapes_refuse(n->r, "more than %d parameters", PARAMETERS_MAX);
    if (strchr(name, 'x') != NULL || isdigit((unsigned char)name[0]))
        return shapes_refuse(n->r, "the parameter '%.60s' has an x, or begins with a digit: dimensions could not use it", name);
    size_t length = strlen(name);
    for (uint32_t i = 0; i < n->parameter_count; i++)
        if (strcmp(n->parameters[i].name, name) == 0) return shapes_refuse(n->r, "a parameter above is called '%.60s', too", name);
    for (uint32_t i = 0; i < options->size_count; i++)
        if (strncmp(options->sizes[i], name, length) == 0 && options->sizes[i][length] == '=') value = options->sizes[i] + length + 1;
    n->parameters[n->parameter_count].name = name;
    QM_TRY(shapes_number(n->r, value, name, &n->parameters[n->parameter_count].value));
    n->parameter_count++;
    return QM_OK;
}

static enum qm_status add_input(struct network *n) {
    uint32_t sizes[DIMS_MAX], count;
    QM_TRY(read_sizes(n, INPUTS, DIMS_MAX, sizes, &count));
    if (count < 2) return shapes_refuse(n->r, "an input has two dimensions or three");
    struct qm_shape shape = {2, {sizes[0], sizes[1]}};
    if (count == 3) shape = (struct qm_shape){4, {1, sizes[0], sizes[1], sizes[2]}};
    if ((uint64_t)sizes[0] * sizes[1] > INT32_MAX) return shapes_refuse(n->r, "the input has 2^31 elements or more");
    shapes_add_map(n->r, cell(n, NAME), &shape, 1.0F / 16);
    return QM_OK;
}

static enum qm_status add_conv(struct network *n) {
    struct shapes_window window;
    uint32_t channels;
    bool depthwise = strcmp(cell(n, OP), "dwconv") == 0;
    QM_TRY(read_window(n, &window));
    QM_TRY(read_size(n, cell(n, CHANNELS), "channels", &channels));
    if (depthwise && channels % shape_of(n, n->in).dims[3] != 0)
        return shapes_refuse(n->r, "%u channels are no multiple of the %u of the input", channels, shape_of(n, n->in).dims[3]);
    uint32_t depth = shape_of(n, n->in).dims[3];
    shapes_add_convolution(n->r, n->in, &window, channels, depthwise);
    if (depthwise) n->r->maker.graph->ops[n->r->maker.graph->op_count - 1].depth_multiplier = channels / depth;
    return QM_OK;
}

static enum qm_status add_pool(struct network *n) {
    struct shapes_window window;
    QM_TRY(read_window(n, &window));
    struct qm_shape out = shape_of(n, n->in);
    out.dims[1] = (out.dims[1] + window.before_h + window.after_h - window.kernel_h) / window.stride + 1;
    out.dims[2] = (out.dims[2] + window.before_w + window.after_w - window.kernel_w) / window.stride + 1;
    bool of_most = strcmp(cell(n, OP), "maxpool") == 0;
    struct qm_graph_op *op = shapes_add_op(n->r, of_most ? QM_OP_MAX_POOL_2D : QM_OP_AVERAGE_POOL_2D, n->in, &out);
    shapes_set_window(op, &window);
    return QM_OK;
}

static enum qm_status add_mean(struct network *n) {
    QM_TRY(read_inputs(n, 1));
    QM_TRY(check_rank(n, 4));
    struct qm_shape in = shape_of(n, n->in);
    struct qm_graph_op *op = shapes_add_op(n->r, QM_OP_MEAN, n->in, &(struct qm_shape){2, {1, in.dims[3]}});
    op->axes = 1U << 1 | 1U << 2;
    return QM_OK;
}

static enum qm_status add_dense(struct network *n) {
    uint32_t columns;
    QM_TRY(read_inputs(n, 1));
    QM_TRY(read_size(n, cell(n, CHANNELS), "channels", &columns));
    struct qm_shape in = shape_of(n, n->in);
    shapes_add_dense(n->r, n->in, in.rank == 2 ? in.dims[1] : (uint32_t)qm_shape_elements(&in), columns);
    return QM_OK;
}

static enum qm_status add_sum(struct network *n) {
    QM_TRY(read_inputs(n, 2));
    struct qm_shape a = shape_of(n, n->in), b = shape_of(n, n->second);
    if (!qm_shape_same(&a, &b)) return shapes_refuse(n->r, "the inputs %s have two shapes", cell(n, INPUTS));
    shapes_add_second(shapes_add_op(n->r, QM_OP_ADD, n->in, &a), n->second);
    return QM_OK;
}

static enum qm_status add_elementwise(struct network *n) {
    bool is_softmax = strcmp(cell(n, OP), "softmax") == 0;
    QM_TRY(read_inputs(n, 1));
    struct qm_shape shape = shape_of(n, n->in);
    struct qm_graph_op *op = shapes_add_op(n->r, is_softmax ? QM_OP_SOFTMAX : QM_OP_GELU, n->in, &shape);
    op->beta = 1;
    if (is_softmax) qm_graph_set_quant(&n->r->maker, op->outputs[0], 1.0F / 256, INT8_MIN); /* TFLite's */
    return QM_OK;
}

/* Adds what takes the row's input to another order of its dimensions, between two ways to see the same bytes; the last has the row's
 * name. */
static void add_moved(struct network *n, const struct qm_shape *seen, const uint32_t *order, const struct qm_shape *out) {
    struct shapes_reader *r = n->r;
    const char *name = r->row.cells[NAME];
    struct qm_shape moved = {4, {seen->dims[order[0]], seen->dims[order[1]], seen->dims[order[2]], seen->dims[order[3]]}};
    r->row.cells[NAME] = qm_arena_printf(r->maker.arena, "%s as heads", name);
    uint32_t as_seen = shapes_add_op(r, QM_OP_RESHAPE, n->in, seen)->outputs[0];
    r->row.cells[NAME] = qm_arena_printf(r->maker.arena, "%s moved", name);
    struct qm_graph_op *move = shapes_add_op(r, QM_OP_TRANSPOSE, as_seen, &moved);
    memcpy(move->permutation, order, 4 * sizeof *order);
    uint32_t in = move->outputs[0];
    r->row.cells[NAME] = name;
    shapes_add_op(r, QM_OP_RESHAPE, in, out);
}

static enum qm_status add_heads(struct network *n) {
    uint32_t heads;
    QM_TRY(read_inputs(n, 1));
    QM_TRY(check_rank(n, 2));
    QM_TRY(read_size(n, cell(n, CHANNELS), "channels", &heads));
    struct qm_shape in = shape_of(n, n->in);
    if (in.dims[1] % heads != 0) return shapes_refuse(n->r, "%u heads do not part %u features", heads, in.dims[1]);
    uint32_t depth = in.dims[1] / heads;
    add_moved(n, &(struct qm_shape){4, {1, in.dims[0], heads, depth}}, (const uint32_t[]){0, 2, 1, 3},
              &(struct qm_shape){4, {1, heads, in.dims[0], depth}});
    return QM_OK;
}

static enum qm_status add_merge(struct network *n) {
    QM_TRY(read_inputs(n, 1));
    QM_TRY(check_rank(n, 4));
    struct qm_shape in = shape_of(n, n->in);
    add_moved(n, &in, (const uint32_t[]){0, 2, 1, 3}, &(struct qm_shape){2, {in.dims[2], in.dims[1] * in.dims[3]}});
    return QM_OK;
}

static enum qm_status add_product(struct network *n) {
    struct qm_graph_tensor *tensors;
    bool transposed = strcmp(cell(n, OP), "matmul_t") == 0;
    QM_TRY(read_inputs(n, 2));
    QM_TRY(check_rank(n, 4));
    struct qm_shape a = shape_of(n, n->in), b = shape_of(n, n->second), out = a;
    if (b.rank != 4 || a.dims[1] != b.dims[1] || a.dims[3] != b.dims[transposed ? 3 : 2])
        return shapes_refuse(n->r, "the matrices %s do not fit together", cell(n, INPUTS));
    out.dims[3] = b.dims[transposed ? 2 : 3];
    struct qm_graph_op *op = shapes_add_op(n->r, QM_OP_BATCH_MATMUL, n->in, &out);
    shapes_add_second(op, n->second);
    op->transposed = transposed;
    tensors = n->r->maker.graph->tensors;
    float scale = tensors[n->in].quant.scale[0] * tensors[n->second].quant.scale[0] / shapes_spread(a.dims[3]);
    qm_graph_set_quant(&n->r->maker, op->outputs[0], scale, 0);
    return QM_OK;
}

enum { WINDOWED = 1 << WINDOW | 1 << STRIDE | 1 << PAD, WITH_CHANNELS = 1 << CHANNELS };

static const struct {
    const char *name;
    enum qm_status (*add)(struct network *n);
    unsigned cells; /* that it has besides its inputs */
} kinds[] = {
    /* clang-format off */
    {"parameter", add_parameter,   0},
    {"input",     add_input,       0},
    {"conv",      add_conv,        WINDOWED | WITH_CHANNELS},
    {"dwconv",    add_conv,        WINDOWED | WITH_CHANNELS},
    {"maxpool",   add_pool,        WINDOWED},
    {"avgpool",   add_pool,        WINDOWED},
    {"mean",      add_mean,        0},
    {"dense",     add_dense,       WITH_CHANNELS},
    {"add",       add_sum,         0},
    {"softmax",   add_elementwise, 0},
    {"gelu",      add_elementwise, 0},
    {"heads",     add_heads,       WITH_CHANNELS},
    {"merge",     add_merge,       0},
    {"matmul",    add_product,     0},
    {"matmul_t",  add_product,     0},
    /* clang-format on */
};

/* A cell that says what the operator does not know could only mislead. */
static enum qm_status check_cells(struct network *n, unsigned cells) {
    for (uint32_t i = WINDOW; i < COLUMNS; i++)
        if ((cells >> i & 1) == 0 && cell(n, i)[0] != '\0') return shapes_refuse(n->r, "%s has no %s", cell(n, OP), titles[i]);
    return QM_OK;
}

/* No tensor of the row, from that index on, is larger than a graph may have. */
static enum qm_status check_tensors(struct network *n, uint32_t first) {
    const struct qm_graph *graph = n->r->maker.graph;
    for (uint32_t i = first; i < graph->tensor_count; i++)
        if (qm_graph_elements(&graph->tensors[i]) > INT32_MAX)
            return shapes_refuse(n->r, "%s has 2^31 elements or more, which no network may have", graph->tensors[i].name);
    return QM_OK;
}

static enum qm_status read_row(struct network *n) {
    uint32_t same_name, first = n->r->maker.graph->tensor_count;
    if (n->r->row.count > COLUMNS) return shapes_refuse(n->r, "more than %d columns", COLUMNS);
    if (find_tensor(n, cell(n, NAME), &same_name) == QM_OK) return shapes_refuse(n->r, "a row above is called '%.60s', too", cell(n, NAME));
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, cell(n, OP)) == 0) {
            QM_TRY(check_cells(n, kinds[i].cells));
            QM_TRY(kinds[i].add(n));
            return check_tensors(n, first);
        }
    return shapes_refuse(n->r, "there is no op '%.60s': docs/how-to/shapes-without-weights.md has those there are", cell(n, OP));
}

/* Every --size must be of a parameter, and one of each. */
static enum qm_status check_sizes(struct network *n) {
    const struct qm_model_options *options = n->r->file->options;
    for (uint32_t i = 0; i < options->size_count; i++) {
        bool is_known = false, is_repeated = false;
        size_t name = strcspn(options->sizes[i], "=") + 1;
        for (uint32_t j = 0; j < i; j++) is_repeated |= strncmp(options->sizes[i], options->sizes[j], name) == 0;
        if (is_repeated) return qm_fail(n->r->diag, QM_BAD_INPUT, "--size %.100s: the parameter is given twice", options->sizes[i]);
        for (uint32_t j = 0; j < n->parameter_count; j++) {
            size_t length = strlen(n->parameters[j].name);
            is_known |= strncmp(options->sizes[i], n->parameters[j].name, length) == 0 && options->sizes[i][length] == '=';
        }
        if (!is_known)
            return qm_fail(n->r->diag, QM_BAD_INPUT, "--size %.100s: %s has no such parameter", options->sizes[i], n->r->file->name);
    }
    return QM_OK;
}

enum qm_status shapes_read_network(struct shapes_reader *r) {
    struct network n = {.r = r};
    while (shapes_next_row(r)) QM_TRY(read_row(&n));
    return check_sizes(&n);
}
