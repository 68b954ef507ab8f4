/* evaluate_case.c - see evaluate_case.h. */
#include "tests/support/evaluate_case.h"

#include <string.h>

/* Numbers as elements of a type. */
static void *elements(struct qm_arena *arena, enum qm_dtype dtype, const double *numbers, uint64_t count) {
    uint8_t *data = qm_arena_alloc(arena, count * sizeof *numbers);
    for (uint64_t i = 0; i < count; i++) {
        float single = (float)numbers[i];
        int64_t whole = dtype == QM_F32 || dtype == QM_F64 ? 0 : (int64_t)numbers[i];
        const void *from = dtype == QM_F64 ? (const void *)&numbers[i] : dtype == QM_F32 ? (const void *)&single : (const void *)&whole;
        memcpy(data + i * qm_dtype_bytes(dtype), from, qm_dtype_bytes(dtype));
    }
    return data;
}

static uint64_t shaped(struct qm_graph_tensor *tensor, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    *tensor = (struct qm_graph_tensor){.dtype = dtype, .rank = rank};
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    return qm_graph_elements(tensor);
}

struct evaluate_outcome evaluate_case_run(const struct evaluate_case *c, bool is_real) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph_tensor tensors[EVALUATE_INPUTS_MAX + 1], *out = &tensors[EVALUATE_INPUTS_MAX];
    struct qm_graph_op op = c->op;
    struct qm_graph graph = {.is_real = is_real, .tensor_count = EVALUATE_INPUTS_MAX + 1, .tensors = tensors, .ops = &op, .op_count = 1};
    qm_graph_open_operands(&op, arena);
    for (uint32_t i = 0; i < op.input_count; i++) {
        uint64_t count = shaped(&tensors[i], c->in[i].dtype, c->in[i].rank, c->in[i].dims);
        tensors[i].data = elements(arena, c->in[i].dtype, c->in[i].numbers, count);
        tensors[i].size_bytes = count * qm_dtype_bytes(c->in[i].dtype);
        op.inputs[i] = i;
    }
    uint64_t count = shaped(out, c->out.dtype, c->out.rank, c->out.dims);
    const void *want = elements(arena, c->out.dtype, c->out.numbers, count);
    op.outputs[0] = EVALUATE_INPUTS_MAX;
    op.output_count = 1;
    struct evaluate_outcome outcome = {.problem = evaluate_fold(&graph, &op, arena), .folded = out->data != NULL};
    size_t bytes = count * qm_dtype_bytes(c->out.dtype);
    outcome.right = outcome.folded && out->dtype == c->out.dtype && out->size_bytes == bytes && memcmp(out->data, want, bytes) == 0;
    qm_arena_destroy(arena);
    return outcome;
}
