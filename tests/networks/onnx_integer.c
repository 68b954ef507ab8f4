/* onnx_integer.c - networks of integers in float tensors (PULP: Deeploy's kernels and networks, DORY's examples), on the functional and the
 * cycle model, with zero tolerance, layer by layer where the files have the layers.
 *
 *   build/onnx_integer FOLDER RECORD    FOLDER is where the archives of QMAC_DATA/pulp-* have been unpacked
 * DORY's dscnn_test is not among them: in its first golden layer equal windows of its constant input have different results.
 * RECORD says for each network `pass`, or the words with which it is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/numbers.h"
#include "tests/support/record.h"

enum { TEXT_BYTES = 600, LAYERS_MAX = 64 };

/* Both engines; text becomes "pass" or what is wrong. */
static void run(struct machine_case *test, const struct machine_want *wants, uint32_t count, char *text) {
    static const struct qm_device_ops *const engines[] = {&qm_device_functional, &qm_device_cycle};
    snprintf(text, TEXT_BYTES, "pass");
    for (uint32_t i = 0; i < 2 && strcmp(text, "pass") == 0; i++) {
        test->engine = engines[i];
        machine_compare_all(test, wants, count, text, TEXT_BYTES);
    }
}

/* Files do not say whether their integers are signed; the numbers do. */
static bool has_unsigned(const struct numbers *inputs, uint32_t count) {
    for (uint32_t t = 0; t < count; t++)
        for (size_t i = 0; i < inputs[t].count; i++)
            if (inputs[t].values[i] > INT8_MAX) return true;
    return false;
}

/* ---- Deeploy: inputs.npz, outputs.npz, and for networks activations.npz ---- */

/* A kernel, or a network with names of arrays and of the tensors that they must equal. */
struct deeploy {
    const char *folder;
    const char *layers[LAYERS_MAX][2];
    bool rounded; /* the outputs are rounded, and nothing in the network says so */
};

static const struct deeploy deeploy[] = {
    {.folder = "Integer/Add/Large"},
    {.folder = "Integer/Add/MultIO"},
    {.folder = "Integer/Add/Regular"},
    {.folder = "Integer/Add/Regular_RQ"},
    {.folder = "Integer/Attention"},
    {.folder = "Integer/Concat"},
    {.folder = "Integer/Conv/DW_1D"},
    {.folder = "Integer/Conv/DW_2D"},
    {.folder = "Integer/Conv/DW_2D_RQ"},
    {.folder = "Integer/Conv/DW_3x3"},
    {.folder = "Integer/Conv/DW_3x3_RQ"},
    {.folder = "Integer/Conv/PW_2D"},
    {.folder = "Integer/Conv/PW_2D_RQ/Regular_RQ"},
    {.folder = "Integer/Conv/PW_2D_RQ/Unsigned_RQ"},
    {.folder = "Integer/Conv/Regular_1D"},
    {.folder = "Integer/Conv/Regular_1D_RQ"},
    {.folder = "Integer/Conv/Regular_2D"},
    {.folder = "Integer/Conv/Regular_2D_RQ"},
    {.folder = "Integer/Conv/Regular_3x3"},
    {.folder = "Integer/Conv/Regular_3x3_RQ"},
    {.folder = "Integer/Conv/StriddedPadded_2D_RQ"},
    {.folder = "Integer/GEMM/Batch_RQ"},
    {.folder = "Integer/GEMM/Regular"},
    {.folder = "Integer/GEMM/Regular_RQPerColumn"},
    {.folder = "Integer/GEMM/Regular_RQPerRow"},
    {.folder = "Integer/GEMM/TransB_RQ"},
    {.folder = "Integer/Hardswish/Regular"},
    {.folder = "Integer/Hardswish/Regular_RQ"},
    {.folder = "Integer/Identity/InputIdentity"},
    {.folder = "Integer/Identity/MultiOutputIdentity"},
    {.folder = "Integer/Identity/OutputIdentity"},
    {.folder = "Integer/MatMul/Add"},
    {.folder = "Integer/MatMul/Batch"},
    {.folder = "Integer/MatMul/Regular"},
    {.folder = "Integer/MatMul/Regular_RQ"},
    {.folder = "Integer/MaxPool/Regular_1D"},
    {.folder = "Integer/MaxPool/Regular_2D"},
    {.folder = "Integer/Pad/Regular_1D"},
    {.folder = "Integer/Pad/Regular_2D"},
    {.folder = "Integer/RMSNorm"},
    {.folder = "Integer/ReduceMean", .rounded = true},
    {.folder = "Integer/ReduceSum"},
    {.folder = "Integer/Slice"},
    {.folder = "Integer/Softmax/Large"},
    {.folder = "Integer/Softmax/Regular"},
    {.folder = "Integer/Sub"},
    {.folder = "Integer/TrueIntegerDiv"},
    {.folder = "Integer/iNoNorm"},
    {.folder = "Mixed/Dequant"},
    {.folder = "Mixed/Quant"},
    {.folder = "KeywordSpotting",
     .layers = {{"model_0__ql_replaced__integerize_bn2d_unsigned_act_pass_0", "input.1"},
                {"model_1__ql_replaced__integerize_bn2d_unsigned_act_pass_1", "input.4"},
                {"model_1__ql_replaced__integerize_bn2d_unsigned_act_pass_2", "input.8"},
                {"model_2__ql_replaced__integerize_bn2d_unsigned_act_pass_3", "input.12"},
                {"model_2__ql_replaced__integerize_bn2d_unsigned_act_pass_4", "input.16"},
                {"model_3__ql_replaced__integerize_bn2d_unsigned_act_pass_5", "input.20"},
                {"model_3__ql_replaced__integerize_bn2d_unsigned_act_pass_6", "input.24"},
                {"model_4__ql_replaced__integerize_bn2d_unsigned_act_pass_7", "input.28"},
                {"model_4__ql_replaced__integerize_bn2d_unsigned_act_pass_8", "onnx::MaxPool_49"},
                {"model_5", "onnx::Reshape_50"}}},
    {.folder = "ImageClassification",
     .layers = {{"model_0__ql_replaced__integerize_bn2d_unsigned_act_pass_0", "x.3"},
                {"_ql_op_tree_replace_addition_0_acts__ql_replaced__integerize_signed_act_pass_0", "onnx::Add_42"},
                {"model_1_stack_0__ql_replaced__integerize_bn2d_unsigned_act_pass_1", "input.1"},
                {"model_1_stack_2__ql_replaced__integerize_bn2d_signed_act_pass_0", "onnx::Add_46"},
                {"model_1__ql_replaced__integerize_unsigned_act_pass_0", "input.4"},
                {"_ql_op_tree_replace_addition_1_acts__ql_replaced__integerize_signed_act_pass_2", "onnx::Add_54"},
                {"model_2_stack_0__ql_replaced__integerize_bn2d_unsigned_act_pass_2", "input.8"},
                {"model_2_stack_2__ql_replaced__integerize_bn2d_signed_act_pass_1", "onnx::Add_58"},
                {"model_2__ql_replaced__integerize_unsigned_act_pass_1", "input.12"},
                {"_ql_op_tree_replace_addition_2_acts__ql_replaced__integerize_signed_act_pass_4", "onnx::Add_66"},
                {"model_3_stack_0__ql_replaced__integerize_bn2d_unsigned_act_pass_3", "input.16"},
                {"model_3_stack_2__ql_replaced__integerize_bn2d_signed_act_pass_2", "onnx::Add_70"},
                {"model_3__ql_replaced__integerize_unsigned_act_pass_2", "onnx::MaxPool_72"},
                {"model_4", "onnx::Reshape_73"}}},
};

static const struct numbers *find_array(const struct numbers *arrays, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(arrays[i].name, name) == 0) return &arrays[i];
    fprintf(stderr, "there is no array %s\n", name);
    abort();
}

static void run_deeploy(const char *data, const struct deeploy *network, char *text) {
    struct qm_arena *arena = qm_arena_create();
    const char *folder = qm_arena_printf(arena, "%s/%s", data, network->folder);
    struct file_bytes model = numbers_load(qm_arena_printf(arena, "%s/network.onnx", folder), arena);
    struct numbers *inputs, *outputs, *layers = NULL;
    struct machine_want wants[LAYERS_MAX + 1];
    uint32_t input_count = numbers_from_npz(qm_arena_printf(arena, "%s/inputs.npz", folder), arena, &inputs), want_count = 1,
             layer_count = 0;
    numbers_from_npz(qm_arena_printf(arena, "%s/outputs.npz", folder), arena, &outputs);
    wants[0] = (struct machine_want){.numbers = &outputs[0], .rounded = network->rounded};
    bool whole = network->layers[0][0] != NULL;
    if (whole) layer_count = numbers_from_npz(qm_arena_printf(arena, "%s/activations.npz", folder), arena, &layers);
    for (uint32_t i = 0; i < LAYERS_MAX && network->layers[i][0] != NULL; i++)
        wants[want_count++] =
            (struct machine_want){.tensor = network->layers[i][1], .numbers = find_array(layers, layer_count, network->layers[i][0])};
    struct machine_case test = {.model = {model.data, model.size, "network.onnx"}, .inputs = inputs, .keep_layers = whole};
    test.input_count = input_count;
    test.options.unsigned_inputs = has_unsigned(inputs, input_count);
    run(&test, wants, want_count, text);
    qm_arena_destroy(arena);
}

/* ---- DORY: input.txt, out_layerN.txt, both in the order h, w, c ---- */

struct dory {
    const char *name, *model, *input, *layer; /* formats: of the input, and of layer N */
    const char *end_at;
    struct onnx_extent {
        uint32_t h, w, c;
    } in;
    const char *tensors[LAYERS_MAX]; /* of layer 0, 1, ... */
};

#define DVS(n)                                                                                                                             \
    {                                                                                                                                      \
        "DVS_CNN/input_" #n, "DVS_CNN_9inputs/dvs_cnn_cnn_ql_integerized.onnx", "DVS_CNN_9inputs/input_" #n ".txt",                        \
            "DVS_CNN_9inputs/out_" #n "_layer%u.txt", NULL, {64, 64, 16}, {                                                                \
            "22", "23", "30", "31", "38", "39", "46", "47", "54", "55"                                                                     \
        }                                                                                                                                  \
    }

static const struct dory dory[] = {
    DVS(0),
    DVS(1),
    DVS(2),
    DVS(3),
    DVS(4),
    DVS(5),
    DVS(6),
    DVS(7),
    DVS(8),
    {"Dronet",
     "Dronet/DRONETV3_ql_integerized.onnx",
     "Dronet/input.txt",
     "Dronet/out_layer%u.txt",
     "120",
     {200, 200, 1},
     {"50", "51", "58", "65", "72", "73", "80", "87", "94", "95", "102", "109", "116", "117", "120"}},
};

/* The same numbers in the order c, h, w. */
static struct numbers channels_first(struct numbers in, const struct onnx_extent *extent, struct qm_arena *arena) {
    size_t positions = (size_t)extent->h * extent->w;
    double *values = QM_ARENA_NEW(arena, double, in.count);
    for (size_t i = 0; i < in.count; i++) values[i % extent->c * positions + i / extent->c] = in.values[i];
    in.values = values;
    return in;
}

static void run_dory(const char *data, const struct dory *network, char *text) {
    struct qm_arena *arena = qm_arena_create();
    struct file_bytes model = numbers_load(qm_arena_printf(arena, "%s/%s", data, network->model), arena);
    struct numbers input = numbers_from_text(qm_arena_printf(arena, "%s/%s", data, network->input), arena), layers[LAYERS_MAX];
    struct machine_want wants[LAYERS_MAX];
    uint32_t count = 0;
    input = channels_first(input, &network->in, arena);
    for (; count < LAYERS_MAX && network->tensors[count] != NULL; count++) {
        char file[200];
        snprintf(file, sizeof file, "%.*s%u%s", (int)(strchr(network->layer, '%') - network->layer), network->layer, count,
                 strchr(network->layer, '%') + 2);
        layers[count] = numbers_from_text(qm_arena_printf(arena, "%s/%s", data, file), arena);
        wants[count] = (struct machine_want){.tensor = network->tensors[count], .numbers = &layers[count], .last = true};
    }
    struct machine_case test = {.model = {model.data, model.size, "network.onnx"}, .inputs = &input, .input_count = 1, .keep_layers = true};
    test.options = (struct qm_model_options){.unsigned_inputs = has_unsigned(&input, 1), .end_at = network->end_at};
    run(&test, wants, count, text);
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    char text[TEXT_BYTES];
    struct record record = {.file = argc == 3 ? argv[2] : ""};
    if (argc != 3) return fprintf(stderr, "onnx_integer FOLDER RECORD\n"), 2;
    for (size_t i = 0; i < sizeof deeploy / sizeof *deeploy; i++) {
        run_deeploy(argv[1], &deeploy[i], text);
        record_check(&record, deeploy[i].folder, text);
    }
    for (size_t i = 0; i < sizeof dory / sizeof *dory; i++) {
        run_dory(argv[1], &dory[i], text);
        record_check(&record, dory[i].name, text);
    }
    return record_close(&record);
}
