/* cmsis.c - the int8 cases, with weights of 8 and 4 bits, of CMSIS-NN's own tests,
 * as compiled programs on the functional and the cycle model.
 *
 * A case gives multipliers, not scales, so a graph with arbitrary scales is legalized and its last layer gets the case's numbers. A table
 * says which cases are taken and why others are not.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/data.h"
#include "tests/support/vectors.h"

enum { TENSORS_MAX = 5 };

/* A case on its way: the graph of one operator, and one example after the other. */
struct trial {
    struct qm_arena *arena;
    const struct vectors *v;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[TENSORS_MAX];
    struct qm_graph_op op;
    uint32_t ends[2][2];
    uint32_t examples;
    const char *inputs[2], *output; /* names of arrays */
    void (*set_numbers)(struct trial *t, struct qm_layer *layer);
};

static uint32_t number(const struct trial *t, const char *name) {
    int64_t value = vectors_number(t->v, name, -1);
    cr_assert(value >= 0, "%s has no %s", t->v->name, name);
    return (uint32_t)value;
}

/* The first of two names that the case has an array of. */
static const char *either(const struct trial *t, const char *name, const char *other) {
    return vectors_array(t->v, name, NULL) != NULL ? name : other;
}

/* Minus the offset that a case adds. */
static int64_t zero_point(const struct trial *t, const char *offset) {
    return -vectors_number(t->v, offset, 0);
}

static uint32_t add_tensor(struct trial *t, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims, int64_t zero) {
    struct qm_graph_tensor *tensor = &t->tensors[t->graph.tensor_count];
    float *scale = QM_ARENA_NEW(t->arena, float, 1);
    int64_t *zeros = QM_ARENA_NEW(t->arena, int64_t, 1);
    *scale = 0.1F;
    *zeros = zero;
    *tensor = (struct qm_graph_tensor){.name = "map", .dtype = dtype, .rank = rank};
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->size_bytes = qm_graph_elements(tensor) * qm_dtype_bytes(dtype);
    tensor->quant = (struct qm_quant){.count = 1, .scale = scale, .zero_point = zeros};
    return t->graph.tensor_count++;
}

static void add_input(struct trial *t, uint32_t rank, const uint32_t *dims, int64_t zero, const char *array) {
    t->inputs[t->graph.input_count] = array;
    uint32_t tensor = add_tensor(t, QM_I8, rank, dims, zero);
    t->op.inputs[t->op.input_count++] = t->ends[0][t->graph.input_count++] = tensor;
}

static void add_output(struct trial *t, uint32_t rank, const uint32_t *dims, int64_t zero, const char *array) {
    t->output = array;
    t->op.outputs[t->op.output_count++] = t->ends[1][t->graph.output_count++] = add_tensor(t, QM_I8, rank, dims, zero);
}

static bool is_narrow(const struct trial *t) {
    return strstr(t->v->kernels, "_s4") != NULL;
}

/* One 4-bit weight a byte from two, the low half first. */
static int8_t *unpack_weights(struct trial *t, const char *array, size_t count) {
    const int32_t *packed = vectors_array(t->v, array, NULL);
    int8_t *weights = QM_ARENA_NEW(t->arena, int8_t, count);
    for (size_t i = 0; i < count; i++) {
        int32_t half = (packed[i / 2] + 256) / (i % 2 == 0 ? 1 : 16) % 16;
        weights[i] = (int8_t)(half < 8 ? half : half - 16);
    }
    return weights;
}

static void add_constant(struct trial *t, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims, const char *array) {
    const int32_t *values = vectors_array(t->v, array, NULL);
    if (values == NULL) return;
    uint32_t index = add_tensor(t, dtype, rank, dims, zero_point(t, "FILTER_OFFSET"));
    t->tensors[index].data = dtype == QM_I32 ? (const void *)values : vectors_bytes(t->v, array, t->arena);
    if (dtype == QM_I8 && is_narrow(t)) {
        t->tensors[index].data = unpack_weights(t, array, t->tensors[index].size_bytes);
        t->tensors[index].bits = 4;
    }
    t->op.inputs[t->op.input_count++] = index;
}

/* ---- the numbers of a case ---- */

static void set_clamp(struct trial *t, struct qm_layer *layer) {
    layer->clamp_min = (int32_t)vectors_number(t->v, "OUT_ACTIVATION_MIN", vectors_number(t->v, "ACTIVATION_MIN", -128));
    layer->clamp_max = (int32_t)vectors_number(t->v, "OUT_ACTIVATION_MAX", vectors_number(t->v, "ACTIVATION_MAX", 127));
}

static struct qm_multiplier scale_of(struct trial *t, const char *multiplier, const char *shift) {
    return (struct qm_multiplier){(int32_t)vectors_number(t->v, multiplier, 0), (int32_t)vectors_number(t->v, shift, 0)};
}

static void set_channels(struct trial *t, struct qm_layer *layer) {
    uint32_t channels = number(t, "OUT_CH");
    const int32_t *multipliers = vectors_array(t->v, either(t, "output_mult", "output_multiplier"), NULL),
                  *shifts = vectors_array(t->v, "output_shift", NULL);
    struct qm_multiplier *scales = QM_ARENA_NEW(t->arena, struct qm_multiplier, channels),
                         one = scale_of(t, "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT");
    for (uint32_t c = 0; c < channels; c++)
        scales[c] = multipliers != NULL ? (struct qm_multiplier){multipliers[c], (int32_t)shifts[c]} : one;
    layer->scales = scales;
    set_clamp(t, layer);
}

static void set_sum(struct trial *t, struct qm_layer *layer) {
    layer->out_scale = scale_of(t, "OUTPUT_MULT", "OUTPUT_SHIFT");
    if (!layer->product) {
        layer->a_scale = scale_of(t, "INPUT1_MULT", "INPUT1_SHIFT");
        layer->b_scale = scale_of(t, "INPUT2_MULT", "INPUT2_SHIFT");
        layer->pre_shift = number(t, "LEFT_SHIFT");
    }
    set_clamp(t, layer);
}

static void set_nothing(struct trial *t, struct qm_layer *layer) {
    (void)t;
    (void)layer;
}

/* ---- operators ---- */

static void set_window(struct trial *t) {
    struct qm_graph_op *op = &t->op;
    op->kernel_h = number(t, "FILTER_Y");
    op->kernel_w = number(t, "FILTER_X");
    op->stride_h = number(t, "STRIDE_Y");
    op->stride_w = number(t, "STRIDE_X");
    op->dilation_h = (uint32_t)vectors_number(t->v, "DILATION_Y", 1);
    op->dilation_w = (uint32_t)vectors_number(t->v, "DILATION_X", 1);
    op->pad_top = number(t, "PAD_Y");
    op->pad_left = number(t, "PAD_X");
    t->examples = number(t, "INPUT_BATCHES");
    t->set_numbers = set_channels;
}

static void make_product(struct trial *t, enum qm_graph_op_kind kind) {
    uint32_t in[4] = {1, number(t, "INPUT_H"), number(t, "INPUT_W"), number(t, "IN_CH")}, channels = number(t, "OUT_CH");
    uint32_t out[4] = {1, number(t, "OUTPUT_H"), number(t, "OUTPUT_W"), channels};
    bool depthwise = kind == QM_OP_DEPTHWISE_CONV_2D;
    size_t weights;
    t->op.kind = kind;
    set_window(t);
    cr_assert(vectors_array(t->v, either(t, "weights", "input_weights"), &weights) != NULL, "%s", t->v->name);
    uint32_t taps = t->op.kernel_h * t->op.kernel_w, own = is_narrow(t) ? in[3] : (uint32_t)weights / taps / channels;
    uint32_t filter[4] = {depthwise ? 1 : channels, t->op.kernel_h, t->op.kernel_w, depthwise ? channels : own};
    t->op.depth_multiplier = channels / in[3];
    add_input(t, 4, in, zero_point(t, "INPUT_OFFSET"), "input");
    add_constant(t, QM_I8, 4, filter, either(t, "weights", "input_weights"));
    add_constant(t, QM_I32, 1, &channels, either(t, "biases", "input_bias"));
    add_output(t, 4, out, -zero_point(t, "OUTPUT_OFFSET"), either(t, "output_ref", "output"));
}

static void make_convolution(struct trial *t) {
    make_product(t, QM_OP_CONV_2D);
}

static void make_depthwise(struct trial *t) {
    make_product(t, QM_OP_DEPTHWISE_CONV_2D);
}

static void make_transpose_conv(struct trial *t) {
    make_product(t, QM_OP_TRANSPOSE_CONV);
}

static void make_fully_connected(struct trial *t) {
    uint32_t depth = number(t, "ACCUMULATION_DEPTH"), channels = number(t, "OUT_CH"), rows = number(t, "INPUT_BATCHES");
    t->op.kind = QM_OP_FULLY_CONNECTED;
    t->set_numbers = set_channels;
    add_input(t, 2, (uint32_t[]){rows, depth}, zero_point(t, "INPUT_OFFSET"), "input");
    add_constant(t, QM_I8, 2, (uint32_t[]){channels, depth}, either(t, "weights", "input_weights"));
    add_constant(t, QM_I32, 1, &channels, either(t, "biases", "input_bias"));
    add_output(t, 2, (uint32_t[]){rows, channels}, -zero_point(t, "OUTPUT_OFFSET"), either(t, "output_ref", "output"));
}

/* One scale for all columns. */
static void set_columns(struct trial *t, struct qm_layer *layer) {
    uint32_t columns = number(t, "OUTPUT_COLS");
    struct qm_multiplier *scales = QM_ARENA_NEW(t->arena, struct qm_multiplier, columns);
    for (uint32_t c = 0; c < columns; c++) scales[c] = scale_of(t, "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT");
    layer->scales = scales;
    set_clamp(t, layer);
}

static void make_batch_matmul(struct trial *t) {
    uint32_t left[4] = {number(t, "LHS_BATCH"), number(t, "LHS_HEIGHT"), number(t, "LHS_ROWS"), number(t, "LHS_COLS")};
    uint32_t right[4] = {number(t, "RHS_BATCH"), number(t, "RHS_HEIGHT"), number(t, "RHS_ROWS"), number(t, "RHS_COLS")};
    uint32_t out[4] = {number(t, "OUTPUT_BATCH"), number(t, "OUTPUT_HEIGHT"), number(t, "OUTPUT_ROWS"), number(t, "OUTPUT_COLS")};
    t->op.kind = QM_OP_BATCH_MATMUL;
    t->op.first_transposed = number(t, "ADJ_X");
    t->op.transposed = number(t, "ADJ_Y");
    t->set_numbers = set_columns;
    add_input(t, 4, left, zero_point(t, "LHS_OFFSET"), "lhs_input_tensor");
    add_input(t, 4, right, zero_point(t, "RHS_OFFSET"), "rhs_input_tensor");
    add_output(t, 4, out, -zero_point(t, "OUTPUT_OFFSET"), "output");
}

static void make_pool(struct trial *t, enum qm_graph_op_kind kind) {
    struct qm_graph_op *op = &t->op;
    uint32_t in[4] = {1, number(t, "INPUT_H"), number(t, "INPUT_W"), number(t, "INPUT_C")};
    uint32_t out[4] = {1, number(t, "OUTPUT_H"), number(t, "OUTPUT_W"), in[3]};
    op->kind = kind;
    op->kernel_h = number(t, "FILTER_H"), op->kernel_w = number(t, "FILTER_W");
    op->stride_h = number(t, "STRIDE_H"), op->stride_w = number(t, "STRIDE_W");
    op->dilation_h = op->dilation_w = 1;
    op->pad_top = number(t, "PADDING_H"), op->pad_left = number(t, "PADDING_W");
    t->examples = number(t, "BATCH_SIZE");
    t->set_numbers = set_clamp;
    add_input(t, 4, in, 0, "input_tensor");
    add_output(t, 4, out, 0, "output");
}

static void make_average(struct trial *t) {
    make_pool(t, QM_OP_AVERAGE_POOL_2D);
}

static void make_maximum(struct trial *t) {
    make_pool(t, QM_OP_MAX_POOL_2D);
}

static void make_binary(struct trial *t, enum qm_graph_op_kind kind) {
    uint32_t size = number(t, "DST_SIZE");
    t->op.kind = kind;
    t->set_numbers = set_sum;
    add_input(t, 1, &size, zero_point(t, "INPUT1_OFFSET"), "input1");
    add_input(t, 1, &size, zero_point(t, "INPUT2_OFFSET"), "input2");
    add_output(t, 1, &size, -zero_point(t, "OUTPUT_OFFSET"), either(t, "output_ref", "output"));
}

static void make_add(struct trial *t) {
    make_binary(t, QM_OP_ADD);
}

static void make_mul(struct trial *t) {
    make_binary(t, QM_OP_MUL);
}

static void make_pad(struct trial *t) {
    static const char letters[] = "NHWC";
    uint32_t in[4], out[4];
    t->op.kind = QM_OP_PAD;
    t->op.pad_value = (int32_t)vectors_number(t->v, "PAD_VALUE", 0);
    for (uint32_t d = 0; d < 4; d++) {
        char name[40];
        snprintf(name, sizeof name, "INPUT_%c", letters[d]);
        in[d] = number(t, name);
        snprintf(name, sizeof name, "PRE_PAD_%c", letters[d]);
        t->op.pads[d].before = number(t, name);
        snprintf(name, sizeof name, "POST_PAD_%c", letters[d]);
        t->op.pads[d].after = number(t, name);
        out[d] = in[d] + t->op.pads[d].before + t->op.pads[d].after;
    }
    add_input(t, 4, in, 0, "input_tensor");
    add_output(t, 4, out, 0, "output");
}

/* The input's scale is what gives the case's multiplier: times 2^26, in 31 bits and a shift. */
static void make_softmax(struct trial *t) {
    static const float out_scale = 1.0F / 256;
    uint32_t dims[2] = {number(t, "NUM_ROWS"), number(t, "ROW_SIZE")};
    t->op.kind = QM_OP_SOFTMAX;
    t->op.beta = 1;
    add_input(t, 2, dims, 0, "input");
    add_output(t, 2, dims, -128, "output_ref");
    float *scale = QM_ARENA_NEW(t->arena, float, 1);
    *scale = (float)ldexp((double)number(t, "INPUT_MULT"), (int)number(t, "INPUT_LEFT_SHIFT") - 31 - 26);
    t->tensors[0].quant.scale = scale;
    t->tensors[1].quant.scale = &out_scale;
}

/* ---- running ---- */

static void open_trial(struct trial *t, const struct vectors *v, struct qm_arena *arena) {
    *t = (struct trial){.arena = arena, .v = v, .examples = 1, .set_numbers = set_nothing};
    qm_graph_open_operands(&t->op, arena);
    t->graph = (struct qm_graph){.file = v->name, .op_count = 1, .tensors = t->tensors, .ops = &t->op};
    t->graph.inputs = t->ends[0];
    t->graph.outputs = t->ends[1];
}

static void run_examples(struct trial *t, const struct qm_program *program, const struct qm_device_ops *engine) {
    struct qm_diag diag = {.text = ""};
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    uint32_t output = program->input_count, bytes = program->tensors[output].size_bytes;
    const int8_t *want = vectors_bytes(t->v, t->output, t->arena);
    int8_t *got = qm_arena_alloc(t->arena, bytes);
    qm_driver_memory(program, &options);
    cr_assert(eq(int, engine->create(&program->machine, &options, &device, &diag), QM_OK));
    cr_assert(eq(int, qm_driver_load(device, program, &diag), QM_OK));
    for (uint32_t i = 0; i < t->examples; i++) {
        for (uint32_t j = 0; j < program->input_count; j++)
            qm_driver_write_tensor(device, program, j, vectors_bytes(t->v, t->inputs[j], t->arena) + i * program->tensors[j].size_bytes);
        cr_assert(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK, "%s: %s", t->v->name, diag.text);
        qm_driver_read_tensor(device, program, output, got);
        cr_expect(memcmp(got, want + i * bytes, bytes) == 0, "%s: example %u differs on %s", t->v->name, i, engine->name);
    }
    device->ops->destroy(device);
}

static void run_trial(struct trial *t) {
    struct qm_network *network = NULL;
    struct qm_program *program;
    struct qm_machine machine;
    struct qm_diag diag = {.text = ""};
    struct qm_compile_options options = {0};
    cr_assert(qm_legalize(&t->graph, NULL, t->arena, &network, &diag) == QM_OK, "%s", diag.text);
    t->set_numbers(t, &network->layers[network->layer_count - 1]);
    cr_assert(eq(int, qm_machine_load("edge", &machine, &diag), QM_OK));
    cr_assert(qm_compile_network(network, &machine, &options, &program, &diag) == QM_OK, "%s", diag.text);
    run_examples(t, program, &qm_device_functional);
    run_examples(t, program, &qm_device_cycle);
    qm_program_destroy(program);
}

/* ---- the table ---- */

/* The first row whose text is in the kernels' names decides. */
static const struct {
    const char *kernel;
    void (*make)(struct trial *t);
    const char *reason; /* when there is no make */
} kernels[] = {
    {"_s16", NULL, "int16 activations"},
    {"lstm", NULL, "LSTM"},
    {"svdf", NULL, "SVDF"},
    {"batch_matmul", make_batch_matmul, NULL},
    {"ds_cnn", NULL, "a network of several layers"},
    {"transpose_conv", make_transpose_conv, NULL},
    {"transpose", NULL, "the file does not say the shapes"},
    {"convolve", make_convolution, NULL},
    {"depthwise", make_depthwise, NULL},
    {"fully_connected", make_fully_connected, NULL},
    {"avgpool", make_average, NULL},
    {"max_pool", make_maximum, NULL},
    {"elementwise_add", make_add, NULL},
    {"elementwise_mul", make_mul, NULL},
    {"pad", make_pad, NULL},
    {"softmax", make_softmax, NULL},
};

enum { KERNELS = sizeof kernels / sizeof *kernels, TAKEN_MIN = 100 };

/* Runs a case; returns its row of the table. */
static uint32_t run_case(const char *file) {
    struct qm_arena *arena = qm_arena_create();
    const struct vectors *v = vectors_read(data_path(arena, "cmsis-nn/vectors/%s", file), arena);
    uint32_t row = 0;
    while (row < KERNELS && strstr(v->kernels, kernels[row].kernel) == NULL) row++;
    cr_assert(row < KERNELS, "%s: %s", file, v->kernels);
    if (kernels[row].make != NULL) {
        struct trial t;
        cr_assert(v->whole, "%s", file);
        open_trial(&t, v, arena);
        kernels[row].make(&t);
        run_trial(&t);
    }
    qm_arena_destroy(arena);
    return row;
}

Test(cmsis, every_case_of_8_bit_activations_gives_the_published_bytes) {
    data_need();
    struct qm_arena *arena = qm_arena_create();
    uint32_t counts[KERNELS] = {0}, taken = 0;
    DIR *folder = opendir(data_path(arena, "cmsis-nn/vectors"));
    cr_assert(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".vec") == 0) counts[run_case(entry->d_name)]++;
    }
    closedir(folder);
    for (uint32_t i = 0; i < KERNELS; i++) {
        taken += kernels[i].make != NULL ? counts[i] : 0;
        fprintf(stderr, "cmsis-nn %-16s %3u cases %s%s\n", kernels[i].kernel, counts[i],
                kernels[i].make != NULL ? "taken" : "not taken: ", kernels[i].make != NULL ? "" : kernels[i].reason);
    }
    cr_expect(ge(u32, taken, TAKEN_MIN));
    qm_arena_destroy(arena);
}
