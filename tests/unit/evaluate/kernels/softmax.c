/* softmax.c - SOFTMAX and LOG_SOFTMAX against the golden outputs of TFLite-Micro, a second fixed-point version, and the real function. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "compiler/compiler.h"
#include "evaluate/kernels.h"
#include "tests/support/data.h"
#include "tests/support/npy_read.h"
#include "tests/support/reference.h"

/* Rows of int8. */
struct rows {
    uint32_t rows, depth;
    float input_scale, beta;
};

static void run(enum qm_graph_op_kind kind, const struct rows *rows, const int8_t *input, int8_t *output) {
    static const int64_t zeros[] = {0, -128, 127};
    const float scales[] = {rows->input_scale, 1.0F / 256, 1.0F / 16};
    struct qm_graph_tensor tensors[2] = {{.dtype = QM_I8, .rank = 2, .dims = {rows->rows, rows->depth}}};
    tensors[1] = tensors[0];
    uint32_t end = kind == QM_OP_SOFTMAX ? 1 : 2, ends[] = {0, 1};
    tensors[0].quant = (struct qm_quant){.count = 1, .scale = &scales[0], .zero_point = &zeros[0]};
    tensors[1].quant = (struct qm_quant){.count = 1, .scale = &scales[end], .zero_point = &zeros[end]};
    struct qm_graph_op op = {.kind = kind, .inputs = ends, .input_count = 1, .outputs = &ends[1], .output_count = 1, .beta = rows->beta};
    struct qm_graph graph = {.tensor_count = 2, .op_count = 1, .tensors = tensors, .ops = &op};
    const void *inputs[] = {input};
    void *outputs[] = {output};
    cr_assert(kernel_check(&graph, &op) == NULL, "%s", kernel_check(&graph, &op));
    cr_assert(kernel_run(&graph, &op, inputs, outputs));
}

/* The reference evaluator's softmax, through a graph of one operator. */
static const int8_t *reference_softmax(const struct rows *softmax, const int8_t *input, struct qm_arena *arena) {
    static const int64_t zero = 0;
    struct qm_graph_tensor tensors[2] = {{.dtype = QM_I8, .rank = 2, .dims = {softmax->rows, softmax->depth}}};
    tensors[0].quant = (struct qm_quant){.count = 1, .scale = &softmax->input_scale, .zero_point = &zero};
    tensors[1] = tensors[0];
    uint32_t ends[] = {0, 1};
    struct qm_graph_op op = {
        .kind = QM_OP_SOFTMAX, .inputs = ends, .input_count = 1, .outputs = &ends[1], .output_count = 1, .beta = softmax->beta};
    struct qm_graph graph = {.tensor_count = 2, .op_count = 1, .input_count = 1, .tensors = tensors, .ops = &op, .inputs = ends};
    return reference_run(&graph, &input, arena)[1];
}

Test(softmax, softmax_equals_the_golden_outputs) {
    data_need();
    uint32_t checked = 0;
    for (int n = 0; n < DATA_SMALL_NETWORKS; n++) {
        struct qm_arena *arena = qm_arena_create();
        struct qm_graph *graph = NULL;
        struct qm_diag diag = {""};
        cr_assert(eq(int, qm_model_read(data_path(arena, "%s", data_networks[n].model), NULL, arena, &graph, &diag), QM_OK), "%s",
                  diag.text);
        struct npy_data input = npy_read(data_path(arena, "golden/%s/input.npy", data_networks[n].golden), arena);
        const int8_t *first[] = {input.bytes};
        const struct qm_graph_op *last = &graph->ops[graph->op_count - 1];
        if (last->kind == QM_OP_SOFTMAX) {
            const struct qm_graph_tensor *in = &graph->tensors[last->inputs[0]];
            struct npy_data want = npy_read(data_path(arena, "golden/%s/output.tflm.npy", data_networks[n].golden), arena);
            struct rows softmax = {.rows = 1, .depth = in->dims[1], .input_scale = in->quant.scale[0], .beta = last->beta};
            int8_t got[16];
            run(QM_OP_SOFTMAX, &softmax, reference_run(graph, first, arena)[last->inputs[0]], got);
            cr_expect(eq(int, memcmp(got, want.bytes, softmax.depth), 0), "%s", data_networks[n].golden);
            checked++;
        }
        qm_arena_destroy(arena);
    }
    cr_expect(eq(u32, checked, 5));
}

Test(softmax, softmax_equals_the_reference_on_random_rows) {
    enum { ROWS = 200, DEPTH = 37 };
    static const float scales[] = {1e-6F, 0.003F, 0.0917F, 0.25F, 1.0F, 7.5F, 40.0F};
    int8_t input[ROWS * DEPTH], got[ROWS * DEPTH];
    uint64_t random = 7;
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        struct qm_arena *arena = qm_arena_create();
        for (int i = 0; i < ROWS * DEPTH; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            input[i] = (int8_t)(random >> 56);
        }
        struct rows softmax = {.rows = ROWS, .depth = DEPTH, .input_scale = scales[s], .beta = s % 2 ? 1.0F : 0.7F};
        run(QM_OP_SOFTMAX, &softmax, input, got);
        cr_expect(eq(int, memcmp(got, reference_softmax(&softmax, input, arena), sizeof got), 0), "scale %g", (double)scales[s]);
        qm_arena_destroy(arena);
    }
}

/* Two elements give large outputs, which show the last bits of the reciprocal. */
Test(softmax, softmax_equals_the_reference_on_all_pairs) {
    enum { PAIRS = 256 };
    int8_t input[2 * PAIRS], got[2 * PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        input[2 * i] = INT8_MAX;
        input[2 * i + 1] = (int8_t)(INT8_MAX - i);
    }
    float scale = 0.001F;
    for (int s = 0; s < 150; s++, scale *= 1.05F) {
        struct qm_arena *arena = qm_arena_create();
        struct rows softmax = {.rows = PAIRS, .depth = 2, .input_scale = scale, .beta = 1};
        run(QM_OP_SOFTMAX, &softmax, input, got);
        cr_expect(eq(int, memcmp(got, reference_softmax(&softmax, input, arena), sizeof got), 0), "scale %g", (double)scale);
        qm_arena_destroy(arena);
    }
}

Test(softmax, softmax_is_within_one_step_of_the_real_function) {
    static const int8_t input[] = {-128, -40, 0, 13, 60, 61, 127, 100};
    enum { DEPTH = sizeof input };
    struct rows softmax = {.rows = 1, .depth = DEPTH, .input_scale = 0.05F, .beta = 1};
    int8_t got[DEPTH];
    double sum = 0;
    run(QM_OP_SOFTMAX, &softmax, input, got);
    for (int i = 0; i < DEPTH; i++) sum += exp(0.05 * (input[i] - 127));
    for (int i = 0; i < DEPTH; i++) {
        double real = exp(0.05 * (input[i] - 127)) / sum * 256 - 128;
        cr_expect(fabs(real - got[i]) < 1, "element %d: %d for %g", i, got[i], real);
    }
}

Test(softmax, softmax_of_equal_elements_is_uniform_and_of_one_is_the_largest) {
    static const int8_t input[] = {5, 5, 5, 5};
    struct rows four = {.rows = 1, .depth = 4, .input_scale = 0.1F, .beta = 1},
                one = {.rows = 4, .depth = 1, .input_scale = 0.1F, .beta = 1};
    int8_t got[4];
    run(QM_OP_SOFTMAX, &four, input, got);
    for (int i = 0; i < 4; i++) cr_expect(eq(i8, got[i], -64));
    run(QM_OP_SOFTMAX, &one, input, got);
    for (int i = 0; i < 4; i++) cr_expect(eq(i8, got[i], 127));
}

/* [published: tflite-micro, log_softmax_test.cc, QuantizedActivationsOpTestLogSoftmaxInt8: 0 -6 2 4 and 3 -2 10 1 with scale 20/255,
 * zero point 0] */
Test(softmax, log_softmax_gives_the_published_bytes) {
    static const int8_t input[] = {0, -77, 26, 51, 38, -26, 127, 13}, want[] = {61, -36, 93, 125, 15, -65, 127, -16};
    struct rows softmax = {.rows = 2, .depth = 4, .input_scale = 20.0F / 255, .beta = 1};
    int8_t got[8];
    run(QM_OP_LOG_SOFTMAX, &softmax, input, got);
    for (int i = 0; i < 8; i++) cr_expect(eq(i8, got[i], want[i]), "element %d", i);
}

Test(softmax, log_softmax_is_within_one_step_of_the_real_function) {
    enum { DEPTH = 40 };
    static const float scales[] = {0.004F, 0.03F, 0.1F, 0.4F};
    uint32_t random = 1;
    for (int trial = 0; trial < 400; trial++) {
        int8_t input[DEPTH], got[DEPTH];
        double sum = 0, scale = (double)scales[trial % 4];
        struct rows softmax = {.rows = 1, .depth = DEPTH, .input_scale = scales[trial % 4], .beta = 1};
        for (int i = 0; i < DEPTH; i++) {
            random = random * 1664525 + 1013904223;
            input[i] = (int8_t)(random >> 24);
            sum += exp(scale * input[i]);
        }
        run(QM_OP_LOG_SOFTMAX, &softmax, input, got);
        for (int i = 0; i < DEPTH; i++) {
            double real = fmax((scale * input[i] - log(sum)) * 16 + 127, -128);
            cr_expect(fabs(real - got[i]) < 1, "scale %g, element %d: %d for %g", scale, i, got[i], real);
        }
    }
}
