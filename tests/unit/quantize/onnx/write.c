/* write.c - random networks are read, written and read again: they compute the same, on integers of 8, 4 and 2 bits, too. */
#include "quantize/onnx/write.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compiler.h"
#include "evaluate/evaluate.h"
#include "quantize/qdq.h"
#include "tests/support/onnx_draw.h"

static struct qm_arena *arena;
static struct qm_diag diag;

static void setup(void) {
    arena = qm_arena_create();
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_write, .init = setup, .fini = teardown);

static struct qm_graph *parsed(const uint8_t *bytes, size_t size) {
    struct qm_graph *graph;
    const struct qm_model_bytes model = {.bytes = bytes, .size = size, .name = "model"};
    cr_assert(qm_model_parse(&model, NULL, arena, &graph, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, graph->problems.count, 0));
    return graph;
}

/* The graph that a file of the graph has. */
static struct qm_graph *again(const struct qm_graph *graph) {
    const uint8_t *bytes;
    size_t size;
    cr_assert(qm_onnx_pack(graph, arena, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    return parsed(bytes, size);
}

enum { OUTPUTS_BYTES_MAX = 1 << 22 };

/* The bytes of all outputs, one after another. */
static uint8_t *run(const struct qm_graph *graph, const void *const *inputs, size_t *size) {
    void *outputs[ONNX_DRAW_FLOWS_MAX];
    uint8_t *bytes = qm_arena_alloc(arena, OUTPUTS_BYTES_MAX);
    *size = 0;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        const struct qm_graph_tensor *tensor = &graph->tensors[graph->outputs[i]];
        outputs[i] = bytes + *size;
        *size += (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype);
    }
    cr_assert(le(sz, *size, OUTPUTS_BYTES_MAX));
    cr_assert(evaluate_check_graph(graph) == NULL, "%s", evaluate_check_graph(graph));
    cr_assert(evaluate_graph(graph, inputs, outputs));
    return bytes;
}

static const void **inputs_of(const struct qm_graph *graph, const struct onnx_draw *d) {
    const void **inputs = QM_ARENA_NEW(arena, const void *, graph->input_count);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct qm_graph_tensor *tensor = &graph->tensors[graph->inputs[i]];
        void *data = QM_ARENA_NEW(arena, double, d->inputs[i].count);
        cr_assert(evaluate_store(tensor->dtype, d->inputs[i].values, d->inputs[i].count, data));
        inputs[i] = data;
    }
    return inputs;
}

static void compare_ends(const struct qm_graph *a, const struct qm_graph *b, uint32_t count, const uint32_t *of_a, const uint32_t *of_b) {
    for (uint32_t i = 0; i < count; i++) {
        cr_assert(eq(str, (char *)a->tensors[of_a[i]].name, (char *)b->tensors[of_b[i]].name));
        cr_assert(eq(int, a->tensors[of_a[i]].dtype, b->tensors[of_b[i]].dtype));
    }
}

/* Files have no constants of doubles: rounds them as the writer does. */
static void round_doubles(struct qm_graph *graph) {
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        struct qm_graph_tensor *tensor = &graph->tensors[t];
        if (tensor->dtype != QM_F64 || tensor->data == NULL) continue;
        size_t count = (size_t)qm_graph_elements(tensor);
        double *rounded = QM_ARENA_NEW(arena, double, count);
        for (size_t i = 0; i < count; i++) rounded[i] = (double)(float)evaluate_stored(tensor, i);
        tensor->data = rounded;
    }
}

/* Whether all operators of a network have a form; the file is compared then. */
static bool compare(uint64_t seed) {
    struct onnx_draw *d = QM_ARENA_NEW(arena, struct onnx_draw, 1);
    const uint8_t *bytes;
    size_t size, sizes[2];
    onnx_draw(d, seed, arena);
    struct file_bytes file = onnx_build_pack(&d->b);
    struct qm_graph *graph = parsed(file.data, file.size);
    if (qm_onnx_pack(graph, arena, &bytes, &size, &diag) != QM_OK) {
        cr_assert(strstr(diag.text, "has no form in ONNX here") != NULL, "%s", diag.text);
        return false;
    }
    struct qm_graph *written = parsed(bytes, size);
    round_doubles(graph);
    const void **inputs = inputs_of(graph, d);
    compare_ends(graph, written, graph->input_count, graph->inputs, written->inputs);
    compare_ends(graph, written, graph->output_count, graph->outputs, written->outputs);
    const uint8_t *want = run(graph, inputs, &sizes[0]), *got = run(written, inputs, &sizes[1]);
    cr_assert(eq(sz, sizes[0], sizes[1]));
    cr_assert(memcmp(want, got, sizes[0]) == 0, "seed %lu", (unsigned long)seed);
    return true;
}

Test(onnx_write, what_is_read_is_written_and_read_again) {
    enum { SEEDS = 400 };
    uint32_t written = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) written += compare(seed);
    cr_assert(ge(u32, written, SEEDS * 8 / 10)); /* but those of QLinearConv with a bias, and of Quant */
}

/* ---- networks of encodings ---- */

enum { CHANNELS = 3, ACROSS = 4, FILTER = CHANNELS * 2 * 3 * 3, COLUMNS = 5, FEATURES = CHANNELS * ACROSS * ACROSS };

/* x, a convolution with bias, a clip, rows, a product: y. */
struct small_network {
    struct qm_graph graph;
    uint32_t x, filter, bias, map, clipped, rows, matrix, y;
};

static uint32_t constant(struct qm_graph_maker *maker, const char *name, const struct qm_shape *shape) {
    float *numbers = QM_ARENA_NEW(arena, float, qm_shape_elements(shape));
    for (uint32_t i = 0; i < qm_shape_elements(shape); i++) numbers[i] = (float)((int)(i * 37 % 23) - 11) / 16;
    return qm_graph_add_constant(maker, name, QM_F32, shape, numbers);
}

static struct small_network *small(void) {
    struct small_network *n = QM_ARENA_NEW(arena, struct small_network, 1);
    struct qm_graph_maker maker = {.arena = arena, .graph = &n->graph};
    const struct qm_shape map = {4, {1, CHANNELS, ACROSS, ACROSS}}, rows = {2, {1, FEATURES}};
    n->graph.file = "small";
    n->graph.is_real = true;
    n->x = qm_graph_add_tensor(&maker, "x", QM_F32, &(struct qm_shape){4, {1, 2, ACROSS, ACROSS}});
    n->filter = constant(&maker, "filter", &(struct qm_shape){4, {CHANNELS, 2, 3, 3}});
    n->bias = constant(&maker, "bias", &(struct qm_shape){1, {CHANNELS}});
    n->matrix = constant(&maker, "filter", &(struct qm_shape){2, {FEATURES, COLUMNS}}); /* a name that there is */
    n->map = qm_graph_add_tensor(&maker, "map", QM_F32, &map);
    n->clipped = qm_graph_add_tensor(&maker, "", QM_F32, &map);
    n->rows = qm_graph_add_tensor(&maker, NULL, QM_F32, &rows);
    n->y = qm_graph_add_tensor(&maker, "y", QM_F32, &(struct qm_shape){2, {1, COLUMNS}});
    struct qm_graph_op *op = qm_graph_add_op(&maker, QM_OP_CONV_2D, n->x, n->map);
    op->kernel_h = op->kernel_w = 3;
    op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->groups = 1;
    op->pad_top = op->pad_left = op->pad_bottom = op->pad_right = 1;
    op->channels_first = true;
    op->input_count = 3;
    op->inputs[1] = n->filter;
    op->inputs[2] = n->bias;
    op = qm_graph_add_op(&maker, QM_OP_CLIP, n->map, n->clipped);
    op->high = 6;
    qm_graph_add_op(&maker, QM_OP_RESHAPE, n->clipped, n->rows);
    op = qm_graph_add_op(&maker, QM_OP_MATMUL, n->rows, n->y);
    op->inputs[1] = n->matrix;
    op->input_count = 2;
    qm_graph_set_ends(&maker, 1, &n->x, n->y);
    return n;
}

static void encode(struct qm_tensor_encoding *tensor, const struct qm_format *format, uint32_t count, struct qm_range range) {
    struct qm_encoding *encodings = QM_ARENA_NEW(arena, struct qm_encoding, count);
    for (uint32_t c = 0; c < count; c++) encodings[c] = qm_encoding_of(format, (struct qm_range){range.low, range.high * (1 + 0.1 * c)});
    qm_tensor_encoding_set(tensor, format, encodings, count);
}

static void encode_constant(struct qm_tensor_encoding *tensor, const struct qm_graph_tensor *of, const struct qm_format *format,
                            uint32_t axis) {
    int32_t *integers = QM_ARENA_NEW(arena, int32_t, qm_graph_elements(of));
    struct qm_channels shape = {1, of->dims[axis], 1};
    for (uint32_t d = 0; d < of->rank; d++) *(d < axis ? &shape.outer : &shape.inner) *= d == axis ? 1 : of->dims[d];
    encode(tensor, format, of->dims[axis], (struct qm_range){-0.7, 0.7});
    tensor->axis = axis;
    qm_quantize_all(tensor->encodings, &shape, of->data, integers);
    tensor->integers = integers;
}

static struct qm_tensor_encoding *encodings_of(const struct small_network *n, uint32_t weight_bits, uint32_t map_bits) {
    struct qm_tensor_encoding *e = QM_ARENA_NEW(arena, struct qm_tensor_encoding, n->graph.tensor_count);
    const struct qm_format weights = {weight_bits, true, true, false, false}, maps = {map_bits, false, false, false, false},
                           input = {8, true, false, false, false};
    encode(&e[n->x], &input, 1, (struct qm_range){-2, 2});
    encode(&e[n->clipped], &maps, 1, (struct qm_range){0, 6});
    encode(&e[n->y], &input, 1, (struct qm_range){-30, 30});
    encode_constant(&e[n->filter], &n->graph.tensors[n->filter], &weights, 0);
    encode_constant(&e[n->matrix], &n->graph.tensors[n->matrix], &weights, 1);
    struct qm_encoding *of_bias = QM_ARENA_NEW(arena, struct qm_encoding, CHANNELS);
    int32_t *biases = QM_ARENA_NEW(arena, int32_t, CHANNELS);
    for (uint32_t c = 0; c < CHANNELS; c++) {
        of_bias[c] = qm_encoding_of_bias(e[n->x].encodings[0].scale, e[n->filter].encodings[c].scale);
        biases[c] = qm_quantize(&of_bias[c], ((const float *)n->graph.tensors[n->bias].data)[c]);
    }
    e[n->bias] = (struct qm_tensor_encoding){.count = CHANNELS, .encodings = of_bias, .dtype = QM_I32, .integers = biases};
    return e;
}

/* The constant of a name has the integers, the bits and the scales of an encoding. */
static void compare_constant(const struct qm_graph *graph, const char *name, const struct qm_tensor_encoding *want) {
    uint32_t i = 0;
    while (i < graph->tensor_count && (graph->tensors[i].data == NULL || strcmp(graph->tensors[i].name, name) != 0)) i++;
    cr_assert(lt(u32, i, graph->tensor_count), "%s", name);
    const struct qm_graph_tensor *got = &graph->tensors[i];
    cr_assert(eq(u32, got->bits, want->bits));
    cr_assert(eq(u32, got->quant.count, want->count));
    cr_assert(eq(u32, got->quant.axis, want->axis));
    for (uint32_t c = 0; c < want->count; c++) {
        cr_assert(eq(flt, got->quant.scale[c], want->encodings[c].scale));
        cr_assert(eq(i64, got->quant.zero_point[c], want->encodings[c].zero));
    }
    for (size_t e = 0; e < (size_t)qm_graph_elements(got); e++) cr_assert(eq(i64, evaluate_integer(got, e), want->integers[e]));
}

/* The results of both graphs for an input. */
static void compare_results(const struct qm_graph *a, const struct qm_graph *b) {
    float x[2 * ACROSS * ACROSS];
    size_t sizes[2];
    for (int i = 0; i < 2 * ACROSS * ACROSS; i++) x[i] = (float)(i * 29 % 31 - 15) / 7;
    const void *const inputs[] = {x};
    const uint8_t *want = run(a, inputs, &sizes[0]), *got = run(b, inputs, &sizes[1]);
    cr_assert(eq(sz, sizes[0], COLUMNS * sizeof(float)));
    cr_assert(eq(int, memcmp(want, got, sizes[0]), 0));
}

/* Opset of a file. */
static int64_t opset_of(const struct qm_graph *graph) {
    const uint8_t *bytes;
    size_t size;
    cr_assert(qm_onnx_pack(graph, arena, &bytes, &size, &diag) == QM_OK, "%s", diag.text);
    Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, size, bytes);
    int64_t opset = model->opset_import[0]->version;
    onnx__model_proto__free_unpacked(model, NULL);
    return opset;
}

static void compare_bits(uint32_t weight_bits, uint32_t map_bits, int64_t opset) {
    const struct small_network *n = small();
    const struct qm_tensor_encoding *e = encodings_of(n, weight_bits, map_bits);
    struct qm_graph *graph = qm_qdq_graph(&n->graph, e, arena), *read = again(graph), *integers;
    compare_constant(read, "filter", &e[n->filter]);
    compare_constant(read, "filter_2", &e[n->matrix]);
    compare_constant(read, "bias", &e[n->bias]);
    compare_results(graph, read);
    cr_assert(eq(i64, opset_of(graph), opset));
    cr_assert(eq(str, (char *)read->tensors[read->inputs[0]].name, "x"));
    cr_assert(eq(str, (char *)read->tensors[read->outputs[0]].name, "y"));
    cr_assert(qm_integers(read, NULL, arena, &integers, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(int, integers->is_real, false));
}

Test(onnx_write, integers_of_all_bits_are_read_as_they_were_written) {
    compare_bits(8, 8, 13);
    compare_bits(4, 8, 21);
    compare_bits(4, 4, 21);
    compare_bits(2, 8, 25);
}

Test(onnx_write, a_network_without_encodings_stays_float) {
    const struct small_network *n = small();
    const struct qm_tensor_encoding *none = QM_ARENA_NEW(arena, struct qm_tensor_encoding, n->graph.tensor_count);
    const struct qm_graph *graph = qm_qdq_graph(&n->graph, none, arena), *read = again(graph);
    cr_assert(eq(u32, read->op_count, n->graph.op_count));
    compare_results(&n->graph, read);
}

Test(onnx_write, what_has_no_form_is_named_and_no_file_is_left) {
    struct small_network *n = small();
    char file[] = "/tmp/qmac-write-XXXXXX";
    int descriptor = mkstemp(file);
    cr_assert(ge(int, descriptor, 0));
    close(descriptor);
    unlink(file);
    n->graph.ops[1].kind = QM_OP_SIN;
    n->graph.ops[1].index = 7;
    cr_assert(eq(int, qm_onnx_write(&n->graph, file, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "small: operator 7 SIN has no form in ONNX here") != NULL, "%s", diag.text);
    cr_assert(ne(int, access(file, F_OK), 0));
    cr_assert(eq(int, qm_onnx_write(&small()->graph, "/nowhere/y.onnx", &diag), QM_BAD_INPUT));
}
