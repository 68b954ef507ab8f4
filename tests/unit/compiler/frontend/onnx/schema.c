/* schema.c - operators of other domains and versions, attributes that are not as their operator has them, and training, refused by name. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, INT8 = 3, BOOL = 9 };

static struct qm_arena *arena;
static struct onnx_build build;

static void setup(void) {
    static const double scale = 0.5, zero = 3;
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){4, {1, 2, 3, 5}});
    onnx_build_output(&build, "y");
    onnx_build_number(&build, "scale", FLOAT, scale);
    onnx_build_number(&build, "zero", INT8, zero);
    onnx_build_node(&build, "DequantizeLinear", "x scale zero", "map");
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_schema, .init = setup, .fini = teardown);

static enum qm_status read_build(struct qm_diag *diag) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_graph *graph;
    QM_TRY(qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "bad.onnx"}, NULL, arena, &graph, diag));
    return qm_integers(graph, NULL, arena, &graph, diag);
}

static void refused(const char *words) {
    struct qm_diag diag = {.text = ""};
    cr_expect(eq(int, read_build(&diag), QM_BAD_INPUT));
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

static void accepted(void) {
    struct qm_diag diag = {.text = ""};
    cr_expect(eq(int, read_build(&diag), QM_OK), "%s", diag.text);
}

/* The node whose result is quantized to y. */
static Onnx__NodeProto *node(const char *op, const char *inputs) {
    Onnx__NodeProto *added = onnx_build_node(&build, op, inputs, "n");
    onnx_build_node(&build, "QuantizeLinear", "n scale zero", "y");
    return added;
}

static void of_domain(Onnx__NodeProto *of, const char *domain) {
    of->domain = qm_arena_strdup(arena, domain);
}

/* ---- domains ---- */

Test(onnx_schema, an_operator_of_another_domain_is_another_operator) {
    Onnx__NodeProto *relu = node("Relu", "map");
    of_domain(relu, "com.ms.internal.nhwc");
    refused("operator 1 Relu of the domain com.ms.internal.nhwc is not supported; that of ai.onnx is");
    of_domain(relu, "ai.onnx");
    accepted();
}

Test(onnx_schema, operators_of_vendors_are_read_in_their_domains) {
    Onnx__NodeProto *add = onnx_build_node(&build, "QLinearAdd", "x scale zero x scale zero scale zero", "y");
    refused("operator 1 QLinearAdd of the domain ai.onnx is not supported; that of com.microsoft is");
    of_domain(add, "com.microsoft");
    accepted();
}

Test(onnx_schema, quantizers_are_read_in_two_domains) {
    of_domain(build.nodes[0], "com.microsoft");
    node("Relu", "map");
    accepted();
}

Test(onnx_schema, a_function_of_the_model_is_refused_whatever_it_is_called) {
    Onnx__FunctionProto function, *functions[] = {&function};
    onnx__function_proto__init(&function);
    function.name = "Relu";
    build.model.functions = functions;
    build.model.n_functions = 1;
    node("Relu", "map");
    refused("operator 1 Relu is a function of the model itself (ai.onnx)");
    function.domain = "my.own";
    accepted();
    of_domain(build.nodes[1], "my.own");
    refused("operator 1 Relu is a function of the model itself (my.own)");
}

/* ---- versions ---- */

Test(onnx_schema, versions_that_are_not_known_are_refused) {
    node("Relu", "map");
    onnx_build_opset(&build, 28);
    refused("bad.onnx: the model is of opset 28 of ONNX; 1 to 27 are known");
    build.model.n_opset_import = 0;
    refused("bad.onnx: the model is of opset 0 of ONNX");
}

Test(onnx_schema, attributes_are_those_of_the_version) {
    Onnx__NodeProto *clip = node("Clip", "map");
    onnx_build_float(&build, clip, "max", 1);
    refused("operator 1 Clip has the attribute max, which opset 13 does not have");
    onnx_build_opset(&build, 10);
    accepted();
}

Test(onnx_schema, attributes_of_later_versions_are_refused_too) {
    onnx_build_int(&build, build.nodes[0], "axis", 1);
    node("Relu", "map");
    accepted();
    onnx_build_opset(&build, 10);
    refused("operator 0 DequantizeLinear has the attribute axis, which opset 10 does not have");
}

/* ---- attributes ---- */

Test(onnx_schema, an_attribute_has_its_type) {
    Onnx__NodeProto *leaky = node("LeakyRelu", "map");
    onnx_build_int(&build, leaky, "alpha", 3);
    refused("operator 1 LeakyRelu has the attribute alpha of another type; it must be a float");
    leaky->attribute[0]->has_type = 1;
    leaky->attribute[0]->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    refused("operator 1 LeakyRelu has the attribute alpha of another type");
    leaky->attribute[0]->has_i = 0;
    leaky->attribute[0]->has_f = 1;
    leaky->attribute[0]->f = 0.5F;
    accepted();
}

/* As proto3 writes it. */
Test(onnx_schema, a_number_that_is_left_out_is_zero) {
    Onnx__NodeProto *mean = node("ReduceMean", "map");
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    onnx_build_int(&build, mean, "keepdims", 0);
    mean->attribute[0]->has_i = 0;
    mean->attribute[0]->has_type = 1;
    mean->attribute[0]->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    struct file_bytes file = onnx_build_pack(&build);
    cr_assert(eq(int, qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "zero"}, NULL, arena, &graph, &diag), QM_OK));
    cr_assert(eq(u32, graph->tensors[graph->outputs[0]].rank, 0));
}

Test(onnx_schema, an_attribute_is_there_once) {
    Onnx__NodeProto *leaky = node("LeakyRelu", "map");
    onnx_build_float(&build, leaky, "alpha", 0.5F);
    onnx_build_float(&build, leaky, "alpha", 0.25F);
    refused("operator 1 LeakyRelu has the attribute alpha twice");
}

Test(onnx_schema, attributes_of_functions_have_no_value_elsewhere) {
    Onnx__NodeProto *leaky = node("LeakyRelu", "map");
    onnx_build_float(&build, leaky, "alpha", 0.5F);
    leaky->attribute[0]->ref_attr_name = "slope";
    refused("operator 1 LeakyRelu has the attribute alpha of a function, outside of one");
}

/* ---- training ---- */

Test(onnx_schema, statistics_of_training_are_refused) {
    static const double ones[2] = {1, 1};
    onnx_build_constant(&build, "ones", FLOAT, (struct onnx_build_shape){1, {2}}, ones);
    Onnx__NodeProto *normalize = node("BatchNormalization", "map ones ones ones ones");
    accepted();
    onnx_build_opset(&build, 6);
    refused("operator 1 BatchNormalization is in training mode");
    onnx_build_int(&build, normalize, "is_test", 1);
    accepted();
    onnx_build_opset(&build, 14);
    normalize->attribute[0]->name = "training_mode";
    refused("operator 1 BatchNormalization is in training mode");
    onnx_build_opset(&build, 7);
    normalize->attribute[0]->name = "spatial";
    accepted();
    normalize->attribute[0]->i = 0;
    refused("operator 1 BatchNormalization has spatial 0");
}

Test(onnx_schema, statistics_that_a_normalization_computes_are_training) {
    static const double ones[2] = {1, 1};
    onnx_build_constant(&build, "ones", FLOAT, (struct onnx_build_shape){1, {2}}, ones);
    onnx_build_node(&build, "BatchNormalization", "map ones ones ones ones", "n mean variance");
    onnx_build_node(&build, "QuantizeLinear", "n scale zero", "y");
    refused("operator 1 BatchNormalization is in training mode");
}

Test(onnx_schema, dropout_drops_nothing_but_in_training) {
    static const double is_training = 1;
    onnx_build_number(&build, "training", BOOL, is_training);
    Onnx__NodeProto *dropout = node("Dropout", "map - training");
    refused("operator 1 Dropout is in training mode");
    dropout->n_input = 1;
    accepted();
}

Test(onnx_schema, results_that_are_not_computed_must_not_be_needed) {
    Onnx__NodeProto *pool = onnx_build_node(&build, "MaxPool", "map", "n places");
    onnx_build_ints(&build, pool, "kernel_shape", 2, (const int64_t[]){2, 2});
    onnx_build_node(&build, "QuantizeLinear", "n scale zero", "y");
    accepted();
    onnx_build_output(&build, "places");
    refused("operator 1 MaxPool computes output 1, places, which is not supported");
}

/* ---- padding ---- */

/* As PULP's tools write it, in any version. */
Test(onnx_schema, the_value_of_padding_may_be_an_integer) {
    Onnx__NodeProto *pad = onnx_build_node(&build, "Pad", "map", "n");
    onnx_build_ints(&build, pad, "pads", 8, (const int64_t[]){0, 0, 1, 0, 0, 0, 0, 0});
    onnx_build_int(&build, pad, "value", 7);
    onnx_build_node(&build, "QuantizeLinear", "n scale zero", "y");
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    cr_assert(eq(int, qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "pad"}, NULL, arena, &graph, &diag), QM_OK));
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (graph->ops[i].kind == QM_OP_PAD) cr_assert(eq(dbl, graph->ops[i].low, 7));
}
