/* narrow.c - numbers that --precision rounds, by hand; which maps are packed; and what narrow layers cost on the cycle model. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "driver/driver.h"

TestSuite(narrow);

enum { LAYERS = 3 };

/* A chain of 1x1 convolutions of int8 maps. */
struct chain {
    struct qm_arena *arena;
    struct qm_graph graph;
    struct qm_network *network;
    struct qm_diag diag;
};

static const float scale = 0.5F, weight_scale = 0.25F;
static const int64_t zero = 10, no_zero = 0;

static uint32_t add_tensor(struct chain *chain, const char *name, uint32_t rank, const uint32_t *dims, const void *data) {
    struct qm_graph_tensor *tensor = &chain->graph.tensors[chain->graph.tensor_count];
    *tensor = (struct qm_graph_tensor){.name = name, .dtype = rank == 1 ? QM_I32 : QM_I8, .rank = rank, .data = data};
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->quant = (struct qm_quant){1, data != NULL ? &weight_scale : &scale, data != NULL ? &no_zero : &zero, 0};
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * (rank == 1 ? 4 : 1);
    return chain->graph.tensor_count++;
}

/* `sizes`: height, width, then channels of the input and of each layer's output. */
static void open_chain(struct chain *chain, const uint32_t *sizes, uint32_t layers, const int8_t *weights, const int32_t *bias) {
    static const char *const names[] = {"first", "second", "third"};
    memset(chain, 0, sizeof *chain);
    chain->arena = qm_arena_create();
    chain->graph = (struct qm_graph){.file = "chain", .input_count = 1, .output_count = 1};
    chain->graph.tensors = QM_ARENA_NEW(chain->arena, struct qm_graph_tensor, 4 * LAYERS);
    chain->graph.ops = QM_ARENA_NEW(chain->arena, struct qm_graph_op, LAYERS);
    chain->graph.inputs = QM_ARENA_NEW(chain->arena, uint32_t, 1);
    chain->graph.outputs = QM_ARENA_NEW(chain->arena, uint32_t, 1);
    uint32_t last = add_tensor(chain, "in", 4, (uint32_t[]){1, sizes[0], sizes[1], sizes[2]}, NULL);
    for (uint32_t i = 0; i < layers; i++) {
        uint32_t in = sizes[2 + i], out = sizes[3 + i];
        struct qm_graph_op *op = &chain->graph.ops[chain->graph.op_count];
        *op = (struct qm_graph_op){.kind = QM_OP_CONV_2D, .index = chain->graph.op_count++, .input_count = 3, .output_count = 1};
        qm_graph_open_operands(op, chain->arena);
        op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = 1;
        op->inputs[0] = last;
        op->inputs[1] = add_tensor(chain, "weights", 4, (uint32_t[]){out, 1, 1, in}, weights);
        op->inputs[2] = add_tensor(chain, "bias", 1, &out, bias);
        op->outputs[0] = last = add_tensor(chain, names[i], 4, (uint32_t[]){1, sizes[0], sizes[1], out}, NULL);
    }
    chain->graph.outputs[0] = last;
    cr_assert(qm_legalize(&chain->graph, NULL, chain->arena, &chain->network, &chain->diag) == QM_OK, "%s", chain->diag.text);
}

static void narrow(struct chain *chain, const char *precision) {
    cr_assert(qm_narrow(chain->network, precision, chain->arena, &chain->diag) == QM_OK, "%s", chain->diag.text);
}

/* Three inputs, one output: weights 14, -7, 3 in steps of 2 are 7, -4 and 2;
 * the bias of 101 is 51 of the doubled unit, less 10 * (7 - 4 + 2). */
Test(narrow, rounds_the_weights_of_several_layers_once) {
    static const int8_t weights[4] = {100, -50, 3, 127};
    static const int32_t bias[2] = {5, 6};
    struct chain chain;
    open_chain(&chain, (uint32_t[]){2, 2, 2, 2, 2}, 2, weights, bias);
    narrow(&chain, "w4a8");
    const struct qm_layer *layers = chain.network->layers;
    cr_expect(ne(ptr, (void *)(uintptr_t)layers[0].weights, (void *)(uintptr_t)weights));
    cr_expect(eq(ptr, (void *)(uintptr_t)layers[1].weights, (void *)(uintptr_t)layers[0].weights));
    qm_arena_destroy(chain.arena);
}

Test(narrow, weights_are_rounded_to_sevenths_of_the_largest) {
    static const int8_t weights[] = {14, -7, 3};
    static const int32_t bias = 101;
    struct chain chain;
    open_chain(&chain, (uint32_t[]){1, 1, 3, 1}, 1, weights, &bias);
    const struct qm_layer before = chain.network->layers[0];
    cr_assert(eq(i32, before.bias[0], 101 - 10 * 10));
    narrow(&chain, "w4a8");
    const struct qm_layer *layer = &chain.network->layers[0];
    cr_assert(eq(u32, layer->precision, QM_precision_W4A8));
    cr_assert(layer->weights[0] == 7 && layer->weights[1] == -4 && layer->weights[2] == 2);
    cr_assert(eq(i32, layer->bias[0], 51 - 10 * 5));
    cr_assert(eq(i32, layer->scales[0].value, before.scales[0].value));
    cr_assert(eq(int, layer->scales[0].shift, before.scales[0].shift + 1));
    qm_arena_destroy(chain.arena);
}

/* A map in sixteenths: zero point 10 is 1, so the bias of 3200 / 32 loses 1 * 5; the unit of the sum is 32 times what it was. */
Test(narrow, maps_are_rounded_to_sixteenths_by_a_move_or_by_who_writes_them) {
    static const int8_t weights[] = {14, -7, 3};
    static const int32_t bias[] = {3200, 0, 0};
    struct chain chain;
    open_chain(&chain, (uint32_t[]){1, 1, 3, 1, 3}, 2, weights, bias);
    const struct qm_layer before = chain.network->layers[0];
    narrow(&chain, "w4a4");
    cr_assert(eq(u32, chain.network->layer_count, 3));
    const struct qm_layer *move = &chain.network->layers[0], *first = &chain.network->layers[1], *second = &chain.network->layers[2];
    cr_assert(move->kind == QM_LAYER_MOVE && move->in_bias == -10 && move->out_zero == 1 && move->clamp_min == -8 && move->clamp_max == 7);
    cr_assert(first->precision == QM_precision_W4A4 && second->precision == QM_precision_W4A4);
    cr_assert(eq(i32, first->bias[0], 100 - 5));
    cr_assert(eq(int, first->pad_value, 0x11));
    /* its output, read by the second alone, is written packed: times 32 for its input, and a sixteenth for its output */
    cr_assert(eq(int, first->scales[0].shift, before.scales[0].shift + 5 - 4));
    cr_assert(first->out_zero == 1 && first->clamp_min == -8 && first->clamp_max == 7);
    cr_assert(eq(u32, chain.network->values[first->output].bits, 4));
    cr_assert(eq(u32, chain.network->values[second->output].bits, 8));
    qm_arena_destroy(chain.arena);
}

Test(narrow, layers_are_chosen_by_name) {
    static const int8_t weights[64];
    static const int32_t bias[8];
    struct chain chain;
    open_chain(&chain, (uint32_t[]){2, 2, 8, 8, 8, 8}, 3, weights, bias);
    narrow(&chain, "second=w8a8,default=w4a8,third=w4a4");
    cr_assert(eq(u32, chain.network->layer_count, 3)); /* no move: the second writes for the third alone */
    cr_assert(eq(u32, chain.network->layers[0].precision, QM_precision_W4A8));
    cr_assert(eq(u32, chain.network->layers[1].precision, QM_precision_W8A8));
    cr_assert(eq(u32, chain.network->layers[2].precision, QM_precision_W4A4));
    qm_arena_destroy(chain.arena);
}

Test(narrow, unknown_layers_and_precisions_are_refused_with_what_there_is) {
    static const char *const bad[][2] = {{"w3a8", "w8a8, w4a8 or w4a4"}, {"fourth=w4a8", "first, second"}, {"default=", "no precision "}};
    static const int8_t weights[64];
    static const int32_t bias[8];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct chain chain;
        open_chain(&chain, (uint32_t[]){2, 2, 8, 8, 8}, 2, weights, bias);
        cr_assert(eq(int, qm_narrow(chain.network, bad[i][0], chain.arena, &chain.diag), QM_BAD_INPUT));
        cr_assert(strstr(chain.diag.text, bad[i][1]) != NULL, "%s", chain.diag.text);
        qm_arena_destroy(chain.arena);
    }
}

/* A map times itself, turned: its weights are computed. */
Test(narrow, products_of_computed_matrices_stay_bytes) {
    static const int8_t weights[64];
    static const int32_t bias[8];
    struct chain chain;
    open_chain(&chain, (uint32_t[]){2, 2, 8, 8}, 1, weights, bias);
    uint32_t product = add_tensor(&chain, "product", 4, (uint32_t[]){1, 2, 2, 2}, NULL), first = chain.graph.ops[0].outputs[0];
    chain.graph.ops[1] =
        (struct qm_graph_op){.kind = QM_OP_BATCH_MATMUL, .index = 1, .input_count = 2, .output_count = 1, .transposed = true};
    qm_graph_open_operands(&chain.graph.ops[1], chain.arena);
    chain.graph.ops[1].inputs[0] = chain.graph.ops[1].inputs[1] = first;
    chain.graph.ops[1].outputs[0] = chain.graph.outputs[0] = product;
    chain.graph.op_count = 2;
    cr_assert(eq(int, qm_legalize(&chain.graph, NULL, chain.arena, &chain.network, &chain.diag), QM_OK));
    cr_assert(eq(int, qm_narrow(chain.network, "product=w4a8", chain.arena, &chain.diag), QM_BAD_INPUT));
    cr_expect(strstr(chain.diag.text, "no layer product can be made w4a8; choose from first") != NULL, "%s", chain.diag.text);
    narrow(&chain, "w4a4");
    const struct qm_layer *layer = &chain.network->layers[chain.network->layer_count - 1];
    cr_assert(eq(u32, layer->input_count, 2));
    cr_assert(eq(u32, layer->precision, QM_precision_W8A8));
    for (uint32_t i = 0; i < 2; i++) cr_assert(eq(u32, chain.network->values[layer->inputs[i]].bits, 8));
    qm_arena_destroy(chain.arena);
}

/* All cycles of a layer of 1,024 inputs and 2,048 outputs over 16x16 positions on 16x16 cells,
 * and of the small one that makes its inputs. */
static uint64_t cycles_of(const char *precision) {
    static int8_t weights[1024 * 2048];
    static int32_t bias[2048];
    struct chain chain;
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_compile_options compile = {0};
    struct qm_device *device;
    open_chain(&chain, (uint32_t[]){16, 16, 16, 1024, 2048}, 2, weights, bias);
    narrow(&chain, precision);
    qm_machine_init(&machine);
    cr_assert(qm_compile_network(chain.network, &machine, &compile, &program, &chain.diag) == QM_OK, "%s", chain.diag.text);
    struct qm_run *run = qm_run_create(program, chain.arena);
    qm_driver_memory(program, &options);
    cr_assert(eq(int, qm_device_cycle.create(&machine, &options, &device, &chain.diag), QM_OK));
    cr_assert(eq(int, qm_driver_load(device, program, &chain.diag), QM_OK));
    cr_assert(qm_driver_run(device, program, NULL, run, &chain.diag) == QM_OK, "%s", chain.diag.text);
    uint64_t cycles = run->counters[0].value[QM_C_cycles];
    device->ops->destroy(device);
    qm_program_destroy(program);
    qm_arena_destroy(chain.arena);
    return cycles;
}

/* The integers of a layer that adds to its products are exact: bytes may hold them, nothing may round them. */
static void widen_but_not_round(uint32_t rounding) {
    static const int8_t weights[] = {1, -1, 0};
    static const int32_t bias = 0;
    struct chain chain;
    open_chain(&chain, (uint32_t[]){1, 1, 3, 1}, 1, weights, &bias);
    struct qm_layer *layer = &chain.network->layers[0];
    layer->rounding = rounding;
    layer->weight_bits = 2;
    cr_assert(qm_narrow(chain.network, "w4a8", chain.arena, &chain.diag) == QM_BAD_INPUT);
    cr_assert(eq(str, chain.diag.text, (char *)"--precision: no layer of this network can be made w4a8; leave the option out"));
    cr_assert(eq(u32, qm_narrow(chain.network, NULL, chain.arena, &chain.diag), QM_OK));
    cr_assert(eq(u32, chain.network->layers[0].precision, QM_precision_W2A8));
    narrow(&chain, "w8a8");
    cr_assert(eq(u32, chain.network->layers[0].precision, QM_precision_W8A8));
    cr_assert(memcmp(chain.network->layers[0].weights, weights, sizeof weights) == 0);
    qm_arena_destroy(chain.arena);
}

Test(narrow, exact_layers_are_widened_but_not_rounded) {
    widen_but_not_round(QM_rounding_ADDEND);
    widen_but_not_round(QM_rounding_OFFSET);
}

Test(narrow, deep_layers_take_half_and_a_quarter_of_the_cycles) {
    double bytes = (double)cycles_of("w8a8"), halves = (double)cycles_of("w4a8"), quarters = (double)cycles_of("w4a4");
    cr_assert(ge(dbl, bytes, 256.0 * 64 * 128));
    cr_assert(halves <= 1.05 * bytes / 2, "%g of %g", halves, bytes);
    cr_assert(quarters <= 1.05 * bytes / 4, "%g of %g", quarters, bytes);
}
