/* long.c - networks of many thousand operators: what the compiler does grows with their number, not with its square, and no recursion goes
 * as deep. None of these ends before the test's limit of time otherwise.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, INT8 = 3, COUNT = 10000, NODES_MAX = 3 * COUNT + 1 };

static struct qm_arena *arena;
static struct onnx_build build;
static Onnx__NodeProto **nodes;     /* [node_count] instead of those of build, which are fewer */
static Onnx__ValueInfoProto **ends; /* [end_count] outputs */
static uint32_t node_count, end_count;

static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_number(&build, "s", FLOAT, 0.05);
    onnx_build_number(&build, "z", INT8, 3);
    nodes = QM_ARENA_NEW(arena, Onnx__NodeProto *, NODES_MAX);
    ends = QM_ARENA_NEW(arena, Onnx__ValueInfoProto *, COUNT);
    node_count = end_count = 0;
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_long, .init = setup, .fini = teardown, .timeout = 120);

static void node(const char *op, const char *inputs, const char *output) {
    build.graph.n_node = 0;
    nodes[node_count++] = onnx_build_node(&build, op, inputs, output);
}

static void output(const char *name) {
    build.graph.n_output = 0;
    onnx_build_output(&build, name);
    ends[end_count++] = build.outputs[0];
}

/* A name with a number. */
static const char *name(const char *prefix, int i) {
    return qm_arena_printf(arena, "%s%d", prefix, i);
}

static const char *with(const char *a, const char *b) {
    return qm_arena_printf(arena, "%s %s", a, b);
}

static void input(int32_t type) {
    onnx_build_input(&build, "x", type, (struct onnx_build_shape){2, {1, 4}});
    if (type == INT8) node("DequantizeLinear", "x s z", "map");
}

static void quantize(const char *from, const char *to) {
    node("QuantizeLinear", with(from, "s z"), to);
}

static struct file_bytes pack(void) {
    onnx_build_pack(&build); /* fills in all but nodes and outputs */
    build.graph.node = nodes;
    build.graph.n_node = node_count;
    build.graph.output = ends;
    build.graph.n_output = end_count;
    struct file_bytes file = {.size = onnx__model_proto__get_packed_size(&build.model)};
    file.data = qm_arena_alloc(arena, file.size);
    onnx__model_proto__pack(&build.model, file.data);
    return file;
}

/* All outputs are there, each with a tensor of its own. */
static void becomes_integers(void) {
    struct file_bytes file = pack();
    struct qm_diag diag = {.text = ""};
    struct qm_graph *graph;
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "long.onnx"}, NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, &diag);
    cr_assert(eq(int, status, QM_OK), "%s", diag.text);
    cr_assert(eq(u32, graph->output_count, end_count));
    bool *seen = QM_ARENA_NEW(arena, bool, graph->tensor_count);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        cr_assert(not(seen[graph->outputs[i]]), "output %u is another one, too", i);
        cr_assert(eq(str, (char *)graph->tensors[graph->outputs[i]].name, (char *)ends[i]->name));
        seen[graph->outputs[i]] = true;
    }
}

static void is_compiled(void) {
    struct file_bytes file = pack();
    struct qm_machine machine;
    struct qm_diag diag = {.text = ""};
    struct qm_program *program;
    cr_assert(eq(int, qm_machine_load("edge", &machine, &diag), QM_OK), "%s", diag.text);
    enum qm_status status = qm_compile(&(struct qm_model_bytes){file.data, file.size, "long.onnx"}, &machine,
                                       &(struct qm_compile_options){.search = QM_SEARCH_PLANS, .plan_only = true}, &program, &diag);
    cr_assert(eq(int, status, QM_OK), "%s", diag.text);
    qm_program_destroy(program);
}

Test(onnx_long, one_value_is_quantized_many_times_alike) {
    input(INT8);
    node("Relu", "map", "value");
    for (int i = 0; i < COUNT; i++) {
        quantize("value", name("q", i));
        output(name("q", i));
    }
    becomes_integers();
}

Test(onnx_long, one_float_input_is_quantized_many_times) {
    input(FLOAT);
    for (int i = 0; i < COUNT; i++) {
        quantize("x", name("q", i));
        output(name("q", i));
    }
    becomes_integers();
}

Test(onnx_long, one_value_meets_constants_many_times) {
    enum { CONSTANTS = 200 };
    input(INT8);
    for (int i = 0; i < CONSTANTS; i++) onnx_build_number(&build, name("c", i), FLOAT, i + 1);
    for (int i = 0; i < COUNT; i++) {
        node(i % 2 == 0 ? "Add" : "Mul", with("map", name("c", i / 2 % CONSTANTS)), name("e", i));
        quantize(name("e", i), name("q", i));
        output(name("q", i));
    }
    becomes_integers();
}

Test(onnx_long, a_chain_is_compiled) {
    input(INT8);
    for (int i = 0; i < COUNT; i++) {
        node("Relu", i == 0 ? "map" : name("v", i - 1), name("r", i));
        quantize(name("r", i), name("q", i));
        node("DequantizeLinear", with(name("q", i), "s z"), name("v", i));
    }
    output(name("q", COUNT - 1));
    is_compiled();
}

/* Each sum reads the two before it. In smaller memories than the machine's one of these maps finds no room, and all behind it move. */
Test(onnx_long, a_ladder_of_sums_is_compiled) {
    input(INT8);
    for (int i = 0; i < COUNT; i++) {
        const char *last = i == 0 ? "map" : name("v", i - 1), *second = i < 2 ? "map" : name("v", i - 2);
        node("Add", with(last, second), name("r", i));
        quantize(name("r", i), name("q", i));
        node("DequantizeLinear", with(name("q", i), "s z"), name("v", i));
    }
    output(name("q", COUNT - 1));
    is_compiled();
}

/* Each example leaves its output in the scratchpad, so that each has another room to be cut for. */
Test(onnx_long, a_long_batch_is_compiled, .timeout = 40) {
    enum { EXAMPLES = 3000, WEIGHTS = 4 * 3 * 3 * 3 };
    static const double weights[WEIGHTS] = {1, 2, 3};
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){4, {EXAMPLES, 3, 8, 8}});
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){4, {4, 3, 3, 3}}, weights);
    node("DequantizeLinear", "x s z", "map");
    node("DequantizeLinear", "w s", "filter");
    node("Conv", "map filter", "sums");
    quantize("sums", "q");
    output("q");
    is_compiled();
}
