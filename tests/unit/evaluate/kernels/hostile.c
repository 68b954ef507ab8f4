/* hostile.c - what kernel_check lets through runs inside its arrays, whatever the operator says: random operators, most of them wrong.
 * Under AddressSanitizer inputs are watched, too. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "evaluate/kernels.h"

enum { TENSORS = 4, ROUNDS = 8000, CANARY = 16 };

struct wild {
    struct qm_prng prng;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[TENSORS];
    float scales[TENSORS];
    int64_t zeros[TENSORS];
    struct qm_graph_op op;
    uint32_t inputs[QM_OPERANDS_FEW], output;
};

static uint32_t draw(struct wild *w, uint32_t below) {
    return (uint32_t)(qm_prng_next(&w->prng) % below);
}

/* Mostly a small number, at times a large one. */
static uint32_t draw_extent(struct wild *w) {
    return draw(w, 60) == 0 ? (uint32_t)qm_prng_next(&w->prng) : draw(w, 4);
}

/* Mostly bytes. */
static enum qm_dtype draw_type(struct wild *w) {
    return draw(w, 3) > 0 ? (draw(w, 2) == 0 ? QM_U8 : QM_I8) : (enum qm_dtype)draw(w, QM_DTYPES);
}

static void draw_tensor(struct wild *w, uint32_t i, const struct qm_graph_tensor *like) {
    struct qm_graph_tensor *tensor = &w->tensors[i];
    *tensor = (struct qm_graph_tensor){.name = "t", .dtype = draw_type(w), .rank = draw(w, 5)};
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) tensor->dims[d] = 1 + draw_extent(w);
    if (draw(w, 3) == 0) tensor->rank = 4;
    if (like != NULL && draw(w, 4) > 0) *tensor = *like;
    if (draw(w, 4) == 0) tensor->dtype = (enum qm_dtype)draw(w, QM_DTYPES);
    w->scales[i] = draw(w, 3) > 0 ? 1.0F / 128 : ldexpf(1, (int)draw(w, 100) - 50);
    w->zeros[i] = draw(w, 20) == 0 ? 1000 : tensor->dtype == QM_U8 ? draw(w, 256) : (int64_t)draw(w, 256) - 128;
    if (draw(w, 3) > 0) w->zeros[i] = tensor->dtype == QM_U8 ? 128 : 0;
    tensor->quant = (struct qm_quant){.count = draw(w, 10) > 0, .scale = &w->scales[i], .zero_point = &w->zeros[i]};
}

/* Mostly whole dimensions in their order. */
static void draw_places(struct wild *w) {
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) {
        bool whole = draw(w, 4) > 0;
        w->op.permutation[d] = whole ? d : draw(w, 3);
        w->op.begin[d] = whole ? 0 : (int32_t)draw(w, 4) - 1;
        w->op.step[d] = whole ? 1 : (int32_t)draw(w, 4) - 1;
        w->op.slice_dims[d] = whole ? w->tensors[0].dims[d] : draw_extent(w);
        w->op.pads[d].before = whole ? 0 : draw(w, 3);
        w->op.pads[d].after = whole ? 0 : draw(w, 3);
    }
}

/* The inputs side by side along axis 0. */
static void draw_packed(struct wild *w) {
    struct qm_graph_tensor *out = &w->tensors[TENSORS - 1];
    *out = w->tensors[0];
    memmove(out->dims + 1, out->dims, (QM_MAX_RANK - 1) * sizeof *out->dims);
    out->dims[0] = w->op.input_count;
    out->rank++;
}

/* Bools and indices, mostly where the operators that have some ask for them. */
static void draw_rare_types(struct wild *w) {
    enum qm_graph_op_kind kind = w->op.kind;
    bool logic = kind == QM_OP_LOGICAL_AND || kind == QM_OP_LOGICAL_OR || kind == QM_OP_LOGICAL_NOT;
    for (uint32_t i = 0; i < TENSORS && logic && draw(w, 4) > 0; i++) w->tensors[i].dtype = QM_BOOL;
    if (kind == QM_OP_SELECT && draw(w, 4) > 0) w->tensors[0].dtype = QM_BOOL;
    if ((kind == QM_OP_GATHER || kind == QM_OP_GATHER_ND) && draw(w, 4) > 0) w->tensors[1].dtype = draw(w, 2) ? QM_I32 : QM_I64;
    if (kind >= QM_OP_EQUAL && kind <= QM_OP_LESS_EQUAL && draw(w, 4) > 0) w->tensors[TENSORS - 1].dtype = QM_BOOL;
}

static void draw_wild(struct wild *w, enum qm_graph_op_kind kind) {
    w->op = (struct qm_graph_op){.kind = kind, .beta = 1, .input_count = 1 + draw(w, 3), .output_count = 1};
    w->graph = (struct qm_graph){.tensors = w->tensors, .tensor_count = TENSORS, .ops = &w->op, .op_count = 1};
    w->graph.kernels = (enum qm_kernels)draw(w, QM_KERNEL_RULES);
    for (uint32_t i = 0; i < TENSORS; i++) draw_tensor(w, i, i > 0 ? &w->tensors[draw(w, i)] : NULL);
    w->op.inputs = w->inputs;
    w->op.outputs = &w->output;
    for (uint32_t i = 0; i < QM_OPERANDS_FEW; i++) w->inputs[i] = QM_NO_TENSOR;
    for (uint32_t i = 0; i < w->op.input_count; i++) w->op.inputs[i] = draw(w, 40) == 0 ? draw(w, 9) : i;
    w->op.outputs[0] = TENSORS - 1;
    uint32_t *const words[] = {&w->op.kernel_h, &w->op.kernel_w, &w->op.stride_h, &w->op.stride_w,
                               &w->op.pad_top,  &w->op.pad_left, &w->op.axis,     &w->op.axes};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) *words[i] = draw_extent(w);
    draw_rare_types(w);
    if (kind == QM_OP_PACK) draw_packed(w);
    if (kind == QM_OP_TRANSPOSE || kind == QM_OP_STRIDED_SLICE || kind == QM_OP_PAD) draw_places(w);
    w->op.activation = (enum qm_activation)(draw(w, 3) > 0 ? 0 : draw(w, 4));
    w->op.align_corners = draw(w, 2);
    w->op.half_pixel_centers = draw(w, 2);
    w->op.first_transposed = draw(w, 2);
    w->op.transposed = draw(w, 2);
}

/* Arrays as large as their tensors; behind the output's are bytes that must stay. */
static void run_wild(struct wild *w) {
    void *inputs[QM_OPERANDS_FEW] = {NULL}, *output;
    size_t bytes = (size_t)qm_graph_elements(&w->tensors[TENSORS - 1]) * qm_dtype_bytes(w->tensors[TENSORS - 1].dtype);
    for (uint32_t i = 0; i < w->op.input_count; i++) {
        if (w->op.inputs[i] == QM_NO_TENSOR) continue;
        const struct qm_graph_tensor *tensor = &w->tensors[w->op.inputs[i]];
        size_t size = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype);
        inputs[i] = malloc(size);
        qm_prng_fill(&w->prng, inputs[i], size);
    }
    output = malloc(bytes + CANARY);
    memset((uint8_t *)output + bytes, 0xa5, CANARY);
    kernel_run(&w->graph, &w->op, (const void *const *)inputs, &output);
    for (size_t i = 0; i < CANARY; i++) cr_assert(eq(u8, ((uint8_t *)output)[bytes + i], 0xa5));
    for (uint32_t i = 0; i < w->op.input_count; i++) free(inputs[i]);
    free(output);
}

static bool is_small(const struct wild *w) {
    bool small = qm_graph_elements(&w->tensors[TENSORS - 1]) < 100000;
    for (uint32_t i = 0; i < w->op.input_count && small; i++)
        small = w->op.inputs[i] == QM_NO_TENSOR || qm_graph_elements(&w->tensors[w->op.inputs[i]]) < 100000;
    return small;
}

Test(hostile, lets_through_what_stays_inside, .timeout = 120) {
    int kinds = 0, kernels = 0;
    for (int kind = 0; kind < QM_GRAPH_OP_KINDS; kind++) {
        struct wild w;
        int taken = 0;
        qm_prng_init(&w.prng, (uint64_t)kind);
        for (int i = 0; i < ROUNDS; i++) {
            draw_wild(&w, (enum qm_graph_op_kind)kind);
            const char *problem = kernel_check(&w.graph, &w.op);
            if (i == 0 && (problem == NULL || strcmp(problem, "the host has no kernel for it") != 0)) kernels++;
            if (problem != NULL || !is_small(&w)) continue;
            run_wild(&w);
            taken++;
        }
        kinds += taken > 0;
    }
    cr_expect(ge(int, kernels, 40), "%d", kernels);
    cr_expect(eq(int, kinds, kernels), "%d of %d kernels ran", kinds, kernels);
}
