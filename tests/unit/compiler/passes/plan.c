/* plan.c - random networks on random machines: the program that comes out is run on the cycle model and compared with the naive reference.
 * A wrong address, a missing token or a buffer that is taken too early shows as wrong bytes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/reference.h"

TestSuite(plan);

enum { TENSORS_MAX = 32, OPS_MAX = 8 };

/* A network that grows from its input. */
struct sketch {
    struct qm_arena *arena;
    struct qm_prng prng;
    struct qm_graph graph;
    uint32_t last; /* tensor */
    bool narrow;   /* weights and maps of 4 bits and fewer */
    bool deep;     /* depthwise layers of few channels only */
};

static uint32_t draw(struct sketch *s, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(&s->prng) % (high - low + 1));
}

static uint32_t add_tensor(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    struct qm_graph_tensor *tensor = &s->graph.tensors[s->graph.tensor_count];
    *tensor = (struct qm_graph_tensor){.name = qm_arena_printf(s->arena, "t%u", s->graph.tensor_count), .dtype = dtype, .rank = rank};
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(dtype);
    return s->graph.tensor_count++;
}

static void set_quant(struct sketch *s, uint32_t tensor, float scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(s->arena, float, 1);
    int64_t *zeros = QM_ARENA_NEW(s->arena, int64_t, 1);
    *scales = scale;
    *zeros = zero;
    s->graph.tensors[tensor].quant = (struct qm_quant){.count = 1, .scale = scales, .zero_point = zeros};
}

static uint32_t add_constant(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = add_tensor(s, dtype, rank, dims);
    struct qm_graph_tensor *tensor = &s->graph.tensors[index];
    uint8_t *data = qm_arena_alloc(s->arena, tensor->size_bytes);
    qm_prng_fill(&s->prng, data, tensor->size_bytes);
    for (size_t i = 0; dtype == QM_I32 && i < tensor->size_bytes / 4; i++) {
        int32_t bias = (int32_t)draw(s, 0, 2000) - 1000;
        memcpy(data + 4 * i, &bias, 4);
    }
    tensor->data = data;
    set_quant(s, index, 0.01F, 0);
    return index;
}

static struct qm_graph_op *add_op(struct sketch *s, enum qm_graph_op_kind kind) {
    struct qm_graph_op *op = &s->graph.ops[s->graph.op_count];
    *op = (struct qm_graph_op){.kind = kind, .index = s->graph.op_count++, .input_count = 1, .output_count = 1};
    qm_graph_open_operands(op, s->arena);
    op->inputs[0] = s->last;
    op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->kernel_h = op->kernel_w = op->depth_multiplier = 1;
    return op;
}

static uint32_t extent(uint32_t size, uint32_t pads, uint32_t kernel, uint32_t dilation, uint32_t stride) {
    return (size + pads - ((kernel - 1) * dilation + 1)) / stride + 1;
}

/* Draws a window that fits into the map, and gives the result's shape. */
static void draw_window(struct sketch *s, struct qm_graph_op *op, bool pool, uint32_t *dims) {
    const uint32_t *in = s->graph.tensors[s->last].dims;
    op->dilation_h = pool ? 1 : draw(s, 1, 2);
    op->dilation_w = pool ? 1 : draw(s, 1, 2);
    op->kernel_h = draw(s, 1, (in[1] - 1) / op->dilation_h + 1 < 4 ? (in[1] - 1) / op->dilation_h + 1 : 4);
    op->kernel_w = draw(s, 1, (in[2] - 1) / op->dilation_w + 1 < 4 ? (in[2] - 1) / op->dilation_w + 1 : 4);
    op->stride_h = draw(s, 1, 2);
    op->stride_w = draw(s, 1, 2);
    op->pad_top = draw(s, 0, (op->kernel_h - 1) / 2 * op->dilation_h);
    op->pad_left = draw(s, 0, (op->kernel_w - 1) / 2 * op->dilation_w);
    op->pad_bottom = op->pad_top;
    op->pad_right = op->pad_left;
    dims[0] = 1;
    dims[1] = extent(in[1], 2 * op->pad_top, op->kernel_h, op->dilation_h, op->stride_h);
    dims[2] = extent(in[2], 2 * op->pad_left, op->kernel_w, op->dilation_w, op->stride_w);
    dims[3] = in[3];
}

/* In narrow networks two maps of three have 4 bits, and some are unsigned. */
static void draw_quant(struct sketch *s, uint32_t tensor) {
    struct qm_graph_tensor *map = &s->graph.tensors[tensor];
    float scale = 0.05F * (float)draw(s, 1, 4);
    int64_t zero = (int64_t)draw(s, 0, 40) - 20;
    if (s->narrow && draw(s, 0, 2) > 0) {
        map->bits = 4;
        scale *= 8;
        zero = zero / 4;
    }
    if (s->narrow && draw(s, 0, 2) == 0) {
        map->dtype = QM_U8;
        zero = zero < 0 ? -zero : zero;
    }
    set_quant(s, tensor, scale, zero);
}

static void finish(struct sketch *s, struct qm_graph_op *op, const uint32_t *dims, bool keep_quant) {
    const struct qm_graph_tensor in = s->graph.tensors[s->last];
    struct qm_graph_tensor *out = &s->graph.tensors[op->outputs[0] = add_tensor(s, QM_I8, 4, dims)];
    if (keep_quant) {
        out->quant = in.quant;
        out->dtype = in.dtype;
        out->bits = in.bits;
    } else {
        draw_quant(s, op->outputs[0]);
    }
    s->last = op->outputs[0];
}

/* Weights of 4, 2 or 1 bits instead of 8, mostly. */
static void narrow_weights(struct sketch *s, uint32_t tensor) {
    static const uint32_t widths[] = {4, 4, 4, 2, 1, 0};
    struct qm_graph_tensor *weights = &s->graph.tensors[tensor];
    int8_t *data = qm_arena_alloc(s->arena, weights->size_bytes);
    weights->bits = widths[draw(s, 0, 5)];
    for (size_t i = 0; i < weights->size_bytes; i++) {
        int8_t byte = ((const int8_t *)weights->data)[i];
        int half = weights->bits == 0 ? 128 : 1 << (weights->bits - 1);
        data[i] = (int8_t)(weights->bits == 1 ? (byte < 0 ? -1 : 1) : ((byte % half) + half) % (2 * half) - half);
    }
    weights->data = data;
}

static void add_convolution(struct sketch *s, bool depthwise) {
    struct qm_graph_op *op = add_op(s, depthwise ? QM_OP_DEPTHWISE_CONV_2D : QM_OP_CONV_2D);
    uint32_t dims[4], channels = s->graph.tensors[s->last].dims[3];
    draw_window(s, op, false, dims);
    if (!depthwise) dims[3] = draw(s, 1, 40);
    uint32_t filter[4] = {depthwise ? 1 : dims[3], op->kernel_h, op->kernel_w, channels};
    op->inputs[1] = add_constant(s, QM_I8, 4, filter);
    s->graph.tensors[op->inputs[1]].quant.axis = depthwise ? 3 : 0;
    if (s->narrow) narrow_weights(s, op->inputs[1]);
    op->inputs[2] = add_constant(s, QM_I32, 1, &dims[3]);
    op->input_count = 3;
    op->activation = draw(s, 0, 1) ? QM_ACT_RELU : QM_ACT_NONE;
    finish(s, op, dims, false);
    if (draw(s, 0, 3) > 0 || s->graph.op_count == OPS_MAX) return;
    op = add_op(s, QM_OP_LEAKY_RELU);
    op->alpha = 0.2F;
    finish(s, op, dims, false);
}

static void add_pool(struct sketch *s) {
    struct qm_graph_op *op = add_op(s, draw(s, 0, 1) ? QM_OP_MAX_POOL_2D : QM_OP_AVERAGE_POOL_2D);
    uint32_t dims[4];
    draw_window(s, op, true, dims);
    finish(s, op, dims, true);
}

/* A map plus what a 1x1 convolution makes of it. */
static void add_residual(struct sketch *s) {
    uint32_t before = s->last, dims[4];
    memcpy(dims, s->graph.tensors[before].dims, sizeof dims);
    struct qm_graph_op *op = add_op(s, QM_OP_CONV_2D);
    uint32_t filter[4] = {dims[3], 1, 1, dims[3]};
    op->inputs[1] = add_constant(s, QM_I8, 4, filter);
    op->inputs[2] = add_constant(s, QM_I32, 1, &dims[3]);
    op->input_count = 3;
    finish(s, op, dims, s->narrow); /* operands of one type */
    op = add_op(s, QM_OP_ADD);
    op->inputs[1] = before;
    op->input_count = 2;
    finish(s, op, dims, false);
}

/* Zeros around a map; most convolutions that come next take them over. */
static void add_pad(struct sketch *s) {
    struct qm_graph_op *op = add_op(s, QM_OP_PAD);
    uint32_t dims[4];
    memcpy(dims, s->graph.tensors[s->last].dims, sizeof dims);
    for (uint32_t d = 1; d < 3; d++) {
        op->pads[d].before = draw(s, 0, 2);
        op->pads[d].after = draw(s, 0, 2);
        dims[d] += op->pads[d].before + op->pads[d].after;
    }
    op->pad_value = (int32_t)s->graph.tensors[s->last].quant.zero_point[0] + (draw(s, 0, 3) == 0);
    finish(s, op, dims, true);
}

static void sketch_network(struct sketch *s, uint64_t seed) {
    qm_prng_init(&s->prng, seed);
    s->graph = (struct qm_graph){.file = "random", .input_count = 1, .output_count = 1};
    s->graph.tensors = QM_ARENA_NEW(s->arena, struct qm_graph_tensor, TENSORS_MAX);
    s->graph.ops = QM_ARENA_NEW(s->arena, struct qm_graph_op, OPS_MAX);
    uint32_t dims[4] = {1, draw(s, 1, 20), draw(s, 1, 20), s->deep || draw(s, 0, 1) ? draw(s, 1, 4) : draw(s, 1, 40)};
    s->graph.inputs = QM_ARENA_NEW(s->arena, uint32_t, 1);
    s->graph.outputs = QM_ARENA_NEW(s->arena, uint32_t, 1);
    s->last = s->graph.inputs[0] = add_tensor(s, QM_I8, 4, dims);
    set_quant(s, s->last, 0.1F, (int64_t)draw(s, 0, 40) - 20);
    for (uint32_t n = draw(s, 1, 4); n > 0 && s->graph.op_count + 3 <= OPS_MAX; n--) {
        uint32_t kind = s->deep ? 3 : draw(s, 0, 6);
        if (kind == 6) add_pad(s);
        if (kind < 3 || kind == 6)
            add_convolution(s, false);
        else if (kind == 3)
            add_convolution(s, true);
        else if (kind == 4)
            add_pool(s);
        else
            add_residual(s);
    }
    s->graph.outputs[0] = s->last;
}

static void draw_machine(struct sketch *s, struct qm_machine *machine) {
    struct qm_diag diag;
    qm_machine_init(machine);
    machine->rows = draw(s, 0, 1) ? draw(s, 1, 20) : draw(s, 1, 64);
    machine->cols = draw(s, 0, 1) ? draw(s, 1, 20) : draw(s, 1, 64);
    machine->scratchpad_bytes = 1U << draw(s, 10, 16);
    machine->accumulator_rows = 1U << draw(s, 1, 10);
    machine->axi_bytes = machine->dram_bytes_per_cycle = 1U << draw(s, 2, 6);
    machine->queue_depth = 1U << draw(s, 1, 4);
    machine->dram_latency = draw(s, 1, 120);
    cr_assert(qm_machine_check(machine, &diag) == QM_OK, "%s", diag.text);
}

/* Runs the program and says whether the output is what is wanted. */
static bool gives(const struct qm_program *program, const int8_t *input, const int8_t *want) {
    struct qm_diag diag = {.text = ""};
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    cr_assert(eq(int, qm_device_cycle.create(&program->machine, &options, &device, &diag), QM_OK));
    cr_assert(eq(int, qm_driver_load(device, program, &diag), QM_OK));
    qm_driver_write_tensor(device, program, 0, input);
    cr_assert(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK, "%s", diag.text);
    const struct qm_program_tensor *output = &program->tensors[1];
    int8_t *got = malloc(output->size_bytes);
    qm_driver_read_tensor(device, program, 1, got);
    bool same = memcmp(got, want, output->size_bytes) == 0;
    free(got);
    device->ops->destroy(device);
    return same;
}

/* Whether the program has chains that run down a map, with positions of a row side by side: they lie closer than the channels are wide. */
static bool folds(const struct qm_program *program) {
    for (size_t i = 0; i < program->insn_count; i++) {
        struct qm_insn insn;
        qm_insn_unpack(program->insns[i], &insn);
        if (insn.opcode == QM_MATMUL && insn.depthwise && insn.in_rows > 1 && insn.in_pitch < insn.channels) return true;
    }
    return false;
}

/* Networks that were right, that folded; the others were refused because the scratchpad is too small. */
struct checked {
    int right, folded;
};

static void check_seed(uint64_t seed, const struct sketch *kind, struct checked *checked) {
    struct sketch s = *kind;
    s.arena = qm_arena_create();
    struct qm_machine machine;
    struct qm_network *network;
    struct qm_program *program;
    struct qm_diag diag = {.text = ""};
    sketch_network(&s, seed);
    draw_machine(&s, &machine);
    size_t bytes = s.graph.tensors[0].size_bytes;
    int8_t *input = qm_arena_alloc(s.arena, bytes);
    qm_prng_fill(&s.prng, input, bytes);
    const int8_t *inputs[] = {input};
    cr_assert(qm_legalize(&s.graph, NULL, s.arena, &network, &diag) == QM_OK, "seed %d: %s", (int)seed, diag.text);
    cr_assert(eq(int, qm_narrow(network, NULL, s.arena, &diag), QM_OK));
    struct qm_compile_options options = {.search = (enum qm_search)draw(&s, 0, 2), .keep_layers = draw(&s, 0, 3) == 0};
    enum qm_status status = qm_compile_network(network, &machine, &options, &program, &diag);
    if (status == QM_OK) {
        const int8_t **want = reference_run(&s.graph, inputs, s.arena);
        cr_assert(gives(program, input, want[s.last]), "seed %d: wrong output", (int)seed);
        checked->right++;
        checked->folded += folds(program);
        qm_program_destroy(program);
    } else {
        bool odd_tiles = s.narrow && strstr(diag.text, "packs 4-bit elements") != NULL;
        cr_assert(odd_tiles || strstr(diag.text, "does not fit machine") != NULL, "seed %d: %s", (int)seed, diag.text);
    }
    qm_arena_destroy(s.arena);
}

enum { SEEDS = 400 };

static struct checked check_seeds(const struct sketch *kind) {
    const char *first = getenv("QMAC_SEED");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 0) : 0;
    struct checked checked = {0};
    for (int i = 0; i < SEEDS; i++) check_seed(seed + (uint64_t)i, kind, &checked);
    return checked;
}

Test(plan, computes_random_networks_on_random_machines) {
    cr_assert(gt(int, check_seeds(&(struct sketch){0}).right, SEEDS / 2));
}

Test(plan, computes_random_networks_of_few_bits) {
    cr_assert(gt(int, check_seeds(&(struct sketch){.narrow = true}).right, SEEDS / 3));
}

Test(plan, folds_depthwise_layers_of_few_channels) {
    struct checked checked = check_seeds(&(struct sketch){.deep = true});
    cr_assert(gt(int, checked.right, SEEDS / 2));
    cr_assert(gt(int, checked.folded, SEEDS / 8));
}
