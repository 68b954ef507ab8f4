/* gather.c - elements that go elsewhere by computed indices. */
#include "evaluate/kernels/kernel.h"

static bool are_indices(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_I32 || tensor->dtype == QM_I64;
}

static int64_t index_at(const struct kernel *k, size_t i) {
    int64_t wide;
    if (kernel_input(k, 1)->dtype == QM_I32) return kernel_int32(k->inputs[1], i);
    memcpy(&wide, (const uint8_t *)k->inputs[1] + i * sizeof wide, sizeof wide);
    return wide;
}

/* Copies a block of elements; sizes are of blocks. */
static void copy_block(const struct kernel *k, size_t block, size_t to, size_t from) {
    size_t bytes = block * qm_dtype_bytes(kernel_output(k)->dtype);
    memcpy((uint8_t *)k->outputs[0] + to * bytes, (const uint8_t *)k->inputs[0] + from * bytes, bytes);
}

/* ---- GATHER: the axis becomes the dimensions of the indices, of which each batch has its own ---- */

const char *kernel_check_gather(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    const struct qm_graph_tensor *indices = kernel_input(k, 1);
    uint32_t axis = k->op->axis, batched = k->op->batch_dims;
    if (!are_indices(indices)) return "its indices are no integers";
    if (axis >= in->rank || batched > axis || batched > indices->rank) return "its axis is not there";
    for (uint32_t d = 0; d < batched; d++)
        if (indices->dims[d] != in->dims[d]) return "its indices have other batches than its input";
    uint64_t others = kernel_span(in, batched, axis) * kernel_span(in, axis + 1, in->rank);
    return others * qm_graph_elements(indices) == qm_graph_elements(out) ? NULL : "the output's shape is not what the operator gives";
}

bool kernel_run_gather(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    uint32_t axis = k->op->axis, batched = k->op->batch_dims;
    size_t batches = kernel_span(in, 0, batched), outer = kernel_span(in, batched, axis), inner = kernel_span(in, axis + 1, in->rank);
    size_t extent = in->dims[axis], count = (size_t)qm_graph_elements(kernel_input(k, 1)) / batches;
    for (size_t o = 0; o < batches * outer; o++)
        for (size_t i = 0; i < count; i++) {
            int64_t index = index_at(k, o / outer * count + i);
            if (index < 0 || (size_t)index >= extent) return false;
            copy_block(k, inner, o * count + i, o * extent + (size_t)index);
        }
    return true;
}

/* ---- GATHER_ND: the last dimension of the indices names an element or block of the first dimensions ---- */

const char *kernel_check_gather_nd(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *indices = kernel_input(k, 1);
    if (!are_indices(indices)) return "its indices are no integers";
    if (indices->rank == 0 || indices->dims[indices->rank - 1] > in->rank) return "its indices have more places than its input dimensions";
    uint32_t named = indices->dims[indices->rank - 1];
    uint64_t blocks = qm_graph_elements(indices) / named;
    return blocks * kernel_span(in, named, in->rank) == qm_graph_elements(kernel_output(k))
               ? NULL
               : "the output's shape is not what the operator gives";
}

bool kernel_run_gather_nd(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *indices = kernel_input(k, 1);
    uint32_t named = indices->dims[indices->rank - 1];
    size_t block = kernel_span(in, named, in->rank), count = (size_t)qm_graph_elements(indices) / named;
    for (size_t i = 0; i < count; i++) {
        size_t from = 0;
        for (uint32_t d = 0; d < named; d++) {
            int64_t index = index_at(k, i * named + d);
            if (index < 0 || index >= in->dims[d]) return false;
            from = from * in->dims[d] + (size_t)index;
        }
        copy_block(k, block, i, from);
    }
    return true;
}
