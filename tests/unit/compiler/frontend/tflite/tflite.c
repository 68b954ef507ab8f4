/* tflite.c - models read from files compute what TFLite-Micro computed; files that are damaged or not supported are refused in one line.
 *
 * Equality with the golden outputs of every operator shows that the front end and the reference evaluator are both right.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/data.h"
#include "tests/support/npy_read.h"
#include "tests/support/reference.h"

static struct qm_graph *read_model(const char *file, struct qm_arena *arena) {
    struct qm_graph *graph = NULL;
    struct qm_diag diag = {""};
    cr_assert(eq(int, qm_model_read(file, NULL, arena, &graph, &diag), QM_OK), "%s", diag.text);
    return graph;
}

/* layers/NNN_conv_2d_tTENSOR.npy */
static char *layer_file(const struct data_network *network, const struct qm_graph_op *op, struct qm_arena *arena) {
    char name[32];
    snprintf(name, sizeof name, "%s", qm_graph_op_name(op->kind));
    for (char *c = name; *c != '\0'; c++) *c = (char)tolower(*c);
    return data_path(arena, "golden/%s/layers/%03u_%s_t%u.npy", network->golden, op->index, name, op->outputs[0]);
}

ParameterizedTestParameters(tflite, every_operator_equals_the_golden_output) {
    return cr_make_param_array(struct data_network, (void *)(uintptr_t)data_networks, DATA_SMALL_NETWORKS);
}

ParameterizedTest(struct data_network *network, tflite, every_operator_equals_the_golden_output) {
    data_need();
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = read_model(data_path(arena, "%s", network->model), arena);
    struct npy_data input = npy_read(data_path(arena, "golden/%s/input.npy", network->golden), arena);
    const int8_t *first[] = {input.bytes};
    const int8_t **got = reference_run(graph, first, arena);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        struct npy_data want = npy_read(layer_file(network, op, arena), arena);
        cr_assert(eq(u64, want.size_bytes, qm_graph_elements(&graph->tensors[op->outputs[0]])));
        cr_assert(eq(int, memcmp(got[op->outputs[0]], want.bytes, want.size_bytes), 0), "operator %u of %s", i, network->golden);
    }
    qm_arena_destroy(arena);
}

ParameterizedTestParameters(tflite, the_first_examples_equal_the_golden_outputs) {
    return cr_make_param_array(struct data_network, (void *)(uintptr_t)data_networks, DATA_SMALL_NETWORKS);
}

ParameterizedTest(struct data_network *network, tflite, the_first_examples_equal_the_golden_outputs) {
    data_need();
    enum { ROWS_MAX = 3 };
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = read_model(data_path(arena, "%s", network->model), arena);
    struct npy_data input = npy_read(data_path(arena, "golden/%s/input.npy", network->golden), arena);
    struct npy_data want = npy_read(data_path(arena, "golden/%s/output.tflm.npy", network->golden), arena);
    cr_assert(eq(sz, input.rows, want.rows));
    size_t in_bytes = input.size_bytes / input.rows, out_bytes = want.size_bytes / want.rows;
    for (size_t row = 0; row < input.rows && row < ROWS_MAX; row++) {
        const int8_t *one[] = {(const int8_t *)input.bytes + row * in_bytes};
        const int8_t **got = reference_run(graph, one, arena);
        const int8_t *row_want = (const int8_t *)want.bytes + row * out_bytes;
        cr_assert(eq(int, memcmp(got[graph->outputs[0]], row_want, out_bytes), 0), "row %zu of %s", row, network->golden);
    }
    qm_arena_destroy(arena);
}

/* The message of a file that must be refused. */
static struct qm_diag refusal(const char *path) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = NULL;
    struct qm_network *network = NULL;
    struct qm_diag diag = {""};
    enum qm_status status = qm_model_read(data_path(arena, "%s", path), NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_legalize(graph, NULL, arena, &network, &diag);
    cr_assert(eq(int, status, QM_BAD_INPUT), "%s", path);
    cr_assert(zero(ptr, strchr(diag.text, '\n')));
    qm_arena_destroy(arena);
    return diag;
}

static void expect_in(const struct qm_diag *diag, const char *part) {
    cr_expect(not(zero(ptr, (void *)(uintptr_t)strstr(diag->text, part))), "'%s' is not in: %s", part, diag->text);
}

Test(tflite, names_all_unsupported_operators_at_once) {
    data_need();
    struct qm_diag diag = refusal("mlcommons-tiny/models/resnet8_cifar10_float32.tflite");
    expect_in(&diag, "operator 0 CONV_2D on float32 is not supported");
    expect_in(&diag, "operator 3 ADD on float32 is not supported");
}

Test(tflite, refuses_16_bit_networks_by_operator) {
    data_need();
    struct qm_diag add = refusal("tflite-micro/seanet/add/add0.tflite");
    expect_in(&add, "operator 0 ADD on int16 is not supported");
    struct qm_diag conv = refusal("tflite-micro/seanet/conv/conv0.tflite");
    expect_in(&conv, "operator 0 CONV_2D on");
    struct qm_diag transposed = refusal("tflite-micro/seanet/transpose_conv/transpose_conv0.tflite");
    expect_in(&transposed, "operator 0 TRANSPOSE_CONV on int16 is not supported");
}

/* Parses and legalizes bytes in a heap block of exactly their size, so that the sanitizers see any read outside. */
static enum qm_status take(const uint8_t *bytes, size_t size, struct qm_diag *diag) {
    uint8_t *copy = malloc(size + (size == 0));
    cr_assert(not(zero(ptr, copy)));
    memcpy(copy, bytes, size);
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = NULL;
    struct qm_network *network = NULL;
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){copy, size, "damaged"}, NULL, arena, &graph, diag);
    if (status == QM_OK) status = qm_legalize(graph, NULL, arena, &network, diag);
    qm_arena_destroy(arena);
    free(copy);
    return status;
}

static const char *const damaged[] = {"tflite-micro/models/hello_world_int8.tflite", "tflite-micro/models/micro_speech_quantized.tflite",
                                      "mlcommons-tiny/models/resnet8_cifar10_int8.tflite"};

enum { DAMAGED = sizeof damaged / sizeof *damaged };

static size_t read_bytes(const char *path, struct qm_arena *arena, uint8_t **bytes) {
    char *file = data_path(arena, "%s", path);
    FILE *stream = fopen(file, "rb");
    cr_assert(not(zero(ptr, stream)), "%s", file);
    enum { SIZE_MAX_BYTES = 1 << 20 };
    *bytes = qm_arena_alloc(arena, SIZE_MAX_BYTES);
    size_t size = fread(*bytes, 1, SIZE_MAX_BYTES, stream);
    fclose(stream);
    return size;
}

Test(tflite, refuses_files_that_are_cut_short) {
    data_need();
    struct qm_arena *arena = qm_arena_create();
    for (int i = 0; i < DAMAGED; i++) {
        uint8_t *bytes;
        size_t size = read_bytes(damaged[i], arena, &bytes);
        struct qm_diag diag = {""};
        cr_assert(eq(int, take(bytes, size, &diag), QM_OK), "%s", diag.text);
        size_t accepted = 0;
        for (size_t cut = 0; cut + 64 < size; cut += 64) accepted += take(bytes, cut, &diag) == QM_OK;
        cr_assert(zero(sz, accepted), "%s", damaged[i]);
        expect_in(&diag, "damaged: at byte 0x");
    }
    qm_arena_destroy(arena);
}

Test(tflite, survives_flipped_bits, .timeout = 120) {
    data_need();
    enum { FLIPS = 4000, SEED = 20 };
    struct qm_arena *arena = qm_arena_create();
    uint64_t random = SEED;
    for (int i = 0; i < DAMAGED; i++) {
        uint8_t *bytes;
        size_t size = read_bytes(damaged[i], arena, &bytes);
        int flips = size > 50000 ? FLIPS / 8 : FLIPS;
        for (int flip = 0; flip < flips; flip++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t at = (size_t)(random >> 33) % size;
            uint8_t mask = (uint8_t)(1U << (random >> 29 & 7));
            struct qm_diag diag = {""};
            bytes[at] ^= mask;
            enum qm_status status = take(bytes, size, &diag);
            bytes[at] ^= mask;
            cr_assert(status == QM_OK || (status == QM_BAD_INPUT && diag.text[0] != '\0' && strchr(diag.text, '\n') == NULL),
                      "%s: byte %zu, mask %u", damaged[i], at, mask);
        }
    }
    qm_arena_destroy(arena);
}

Test(tflite, says_what_it_cannot_open) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = NULL;
    struct qm_diag diag = {""};
    cr_expect(eq(int, qm_model_read("/no/such/file.tflite", NULL, arena, &graph, &diag), QM_BAD_INPUT));
    cr_expect(eq(str, diag.text, "/no/such/file.tflite: cannot be read: No such file or directory"));
    cr_expect(eq(int, qm_model_read("/", NULL, arena, &graph, &diag), QM_BAD_INPUT));
    static const uint8_t text[] = "this is not a model";
    cr_expect(eq(int, qm_model_parse(&(struct qm_model_bytes){text, sizeof text, "text"}, NULL, arena, &graph, &diag), QM_BAD_INPUT));
    expect_in(&diag, "text: at byte 0x0: not a model that can be read");
    qm_arena_destroy(arena);
}
