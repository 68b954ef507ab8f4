/* kernel_case.c - see kernel_case.h. */
#include "tests/support/kernel_case.h"

#include <math.h>
#include <string.h>

#include "evaluate/kernels.h"

void kernel_case_open(struct kernel_case *c, enum qm_graph_op_kind kind, uint64_t seed) {
    *c = (struct kernel_case){.arena = qm_arena_create(), .op = {.kind = kind, .beta = 1, .dilation_h = 1, .dilation_w = 1}};
    qm_prng_init(&c->prng, seed);
    c->op.inputs = qm_graph_operands(c->arena, KERNEL_CASE_TENSORS);
    c->op.outputs = qm_graph_operands(c->arena, KERNEL_CASE_TENSORS);
}

void kernel_case_close(struct kernel_case *c) {
    qm_arena_destroy(c->arena);
}

uint32_t kernel_case_draw(struct kernel_case *c, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(&c->prng) % (high - low + 1));
}

void kernel_case_quant(struct kernel_case *c, uint32_t tensor, float scale, int64_t zero) {
    struct qm_graph_maker maker = {.arena = c->arena, .graph = &c->graph};
    c->graph.tensors = c->tensors;
    qm_graph_set_quant(&maker, tensor, scale, zero);
}

static uint32_t add(struct kernel_case *c, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = c->graph.tensor_count++;
    struct qm_graph_tensor *tensor = &c->tensors[index];
    *tensor = (struct qm_graph_tensor){.name = "t", .dtype = dtype, .rank = rank};
    if (rank > 0) memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(dtype);
    c->data[index] = qm_arena_alloc(c->arena, tensor->size_bytes + 1);
    if (dtype == QM_I8 || dtype == QM_U8)
        kernel_case_quant(c, index, ldexpf((float)kernel_case_draw(c, 1000, 2000), -(int)kernel_case_draw(c, 10, 16)),
                          (int64_t)kernel_case_draw(c, 0, 255) - (dtype == QM_I8 ? 128 : 0));
    return index;
}

uint32_t kernel_case_input(struct kernel_case *c, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = add(c, dtype, rank, dims);
    const struct qm_graph_tensor *tensor = &c->tensors[index];
    qm_prng_fill(&c->prng, c->data[index], tensor->size_bytes);
    for (size_t i = 0; dtype == QM_F32 && i < tensor->size_bytes / 4; i++)
        ((float *)c->data[index])[i] = (float)((int32_t)kernel_case_draw(c, 0, 8000) - 4000) * 0.003F;
    c->op.inputs[c->op.input_count++] = index;
    return index;
}

uint32_t kernel_case_output(struct kernel_case *c, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = add(c, dtype, rank, dims);
    c->op.outputs[c->op.output_count++] = index;
    return index;
}

static const struct qm_graph *graph_of(const struct kernel_case *c, struct qm_graph *graph) {
    *graph = c->graph;
    graph->tensors = (struct qm_graph_tensor *)(uintptr_t)c->tensors;
    return graph;
}

const char *kernel_case_check(const struct kernel_case *c) {
    struct qm_graph graph;
    return kernel_check(graph_of(c, &graph), &c->op);
}

bool kernel_case_run(struct kernel_case *c) {
    struct qm_graph graph;
    const void **inputs = QM_ARENA_NEW(c->arena, const void *, c->op.input_count);
    void *output = c->data[c->op.outputs[0]];
    for (uint32_t i = 0; i < c->op.input_count; i++) inputs[i] = c->data[c->op.inputs[i]];
    return kernel_run(graph_of(c, &graph), &c->op, inputs, &output);
}

double kernel_case_stored(const struct kernel_case *c, uint32_t tensor, size_t i) {
    const void *data = c->data[tensor];
    switch (c->tensors[tensor].dtype) {
    case QM_I8: return ((const int8_t *)data)[i];
    case QM_U8:
    case QM_BOOL: return ((const uint8_t *)data)[i];
    case QM_I16: return ((const int16_t *)data)[i];
    case QM_I32: return ((const int32_t *)data)[i];
    case QM_I64: return (double)((const int64_t *)data)[i];
    default: return (double)((const float *)data)[i];
    }
}

double kernel_case_broadcast(const struct kernel_case *c, uint32_t tensor, size_t i) {
    const struct qm_graph_tensor *from = &c->tensors[tensor], *out = &c->tensors[kernel_case_last(c)];
    size_t at = 0, step = 1;
    for (uint32_t d = 0; d < from->rank; d++) {
        uint32_t whole = out->dims[out->rank - 1 - d], own = from->dims[from->rank - 1 - d];
        at += own == 1 ? 0 : i % whole * step;
        step *= own;
        i /= whole;
    }
    return kernel_case_stored(c, tensor, at);
}

int32_t kernel_case_zero(const struct kernel_case *c, uint32_t tensor) {
    return (int32_t)c->tensors[tensor].quant.zero_point[0];
}

double kernel_case_scale(const struct kernel_case *c, uint32_t tensor) {
    return (double)c->tensors[tensor].quant.scale[0];
}

uint32_t kernel_case_last(const struct kernel_case *c) {
    return c->graph.tensor_count - 1;
}

int32_t kernel_case_cut(const struct kernel_case *c, int64_t value) {
    int32_t low = c->tensors[kernel_case_last(c)].dtype == QM_U8 ? 0 : -128, high = low + 255;
    return value < low ? low : value > high ? high : (int32_t)value;
}
