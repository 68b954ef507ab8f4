/* tflite_build.c - see tflite_build.h. */
#include "tests/support/tflite_build.h"

#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

static uint32_t rank_of(const struct build_tensor *t) {
    uint32_t rank = 0;
    while (rank < 5 && t->dims[rank] != 0) rank++;
    return rank;
}

static uint32_t elements_of(const struct build_tensor *t) {
    uint32_t elements = 1;
    for (uint32_t d = 0; d < rank_of(t); d++) elements *= (uint32_t)t->dims[d];
    return elements;
}

static uint32_t bytes_of(enum build_type type) {
    return type == BUILD_INT8 || type == BUILD_UINT8 || type == BUILD_BOOL ? 1 : type == BUILD_INT16 ? 2 : type == BUILD_INT64 ? 8 : 4;
}

static bool is_constant(const struct build_tensor *t) {
    return t->count > 0 || t->data != NULL;
}

/* Moves a vector that was written last to an odd byte. */
static uint32_t moved(struct fbb *b, uint32_t table, uint32_t slot, uint32_t first, uint32_t bytes) {
    uint32_t at = b->size + (b->size % 2 == 0);
    for (uint32_t i = 0; i < 4 + bytes; i++) fbb_put(b, at + i, b->bytes[first - 4 + i], 1);
    fbb_link(b, table, slot, at);
    b->size = at + 4 + bytes;
    return at + 4;
}

/* The zero point of the scale is stored in *zero. */
static struct qm_quant quant_of(const struct build_tensor *t, int64_t *zero) {
    *zero = t->zero;
    return t->quant != NULL ? *t->quant : (struct qm_quant){.count = t->scale > 0, .scale = &t->scale, .zero_point = zero};
}

static void write_quantization(const struct build_model *m, struct fbb *b, const struct qm_quant *quant, uint32_t tensor) {
    uint32_t table = fbb_table(b, 7), bits;
    fbb_link(b, tensor, TENSOR_QUANTIZATION, table);
    fbb_set(b, table, QUANT_AXIS, quant->axis, 4);
    uint32_t scale = fbb_vector(b, table, QUANT_SCALE, quant->count, 4);
    for (uint32_t i = 0; i < quant->count; i++) {
        memcpy(&bits, &quant->scale[i], sizeof bits);
        fbb_put(b, scale + 4 * i, bits, 4);
    }
    if (m->unaligned) moved(b, table, QUANT_SCALE, scale, 4);
    uint32_t zero = fbb_vector(b, table, QUANT_ZERO_POINT, quant->count, 8);
    for (uint32_t i = 0; i < quant->count; i++) fbb_put(b, zero + 8 * i, (uint64_t)quant->zero_point[i], 8);
    if (m->unaligned) moved(b, table, QUANT_ZERO_POINT, zero, 8);
}

static void write_tensor(const struct build_model *m, struct fbb *b, uint32_t index, uint32_t element) {
    const struct build_tensor *t = &m->tensors[index];
    uint32_t table = fbb_table(b, 8), rank = rank_of(t);
    fbb_point(b, element, table);
    fbb_set(b, table, TENSOR_TYPE, t->type, 1);
    fbb_set(b, table, TENSOR_BUFFER, is_constant(t) ? index + 1 : 0, 4);
    uint32_t shape = fbb_vector(b, table, TENSOR_SHAPE, rank, 4), signature = fbb_vector(b, table, TENSOR_SIGNATURE, rank, 4);
    for (uint32_t d = 0; d < rank; d++) {
        fbb_put(b, shape + 4 * d, (uint32_t)t->dims[d], 4);
        fbb_put(b, signature + 4 * d, d == 0 && t->open ? UINT32_MAX : (uint32_t)t->dims[d], 4);
    }
    int64_t zero;
    struct qm_quant quant = quant_of(t, &zero);
    if (quant.count > 0) write_quantization(m, b, &quant, table);
}

static void put_numbers(struct fbb *b, const struct build_tensor *t, uint32_t at) {
    uint32_t bytes = bytes_of(t->type);
    for (uint32_t i = 0; i < bytes * elements_of(t) && t->data != NULL; i++) fbb_put(b, at + i, ((const uint8_t *)t->data)[i], 1);
    for (uint32_t i = 0; i < elements_of(t) && t->data == NULL; i++)
        fbb_put(b, at + bytes * i, (uint64_t)(int64_t)t->numbers[t->count == 1 ? 0 : i], bytes);
}

/* Buffer 0 is empty, buffer i + 1 that of tensor i. */
static void write_buffers(const struct build_model *m, struct fbb *b, uint32_t model) {
    uint32_t buffers = fbb_vector(b, model, MODEL_BUFFERS, m->tensor_count + 1, 4), tables[BUILD_TENSORS];
    fbb_point(b, buffers, fbb_table(b, 3));
    for (uint32_t i = 0; i < m->tensor_count; i++) {
        const struct build_tensor *t = &m->tensors[i];
        tables[i] = fbb_table(b, 3);
        fbb_point(b, buffers + 4 * (i + 1), tables[i]);
        if (is_constant(t) && !m->outside) put_numbers(b, t, fbb_vector(b, tables[i], BUFFER_DATA, elements_of(t) * bytes_of(t->type), 1));
    }
    for (uint32_t i = 0; i < m->tensor_count && m->outside; i++) {
        const struct build_tensor *t = &m->tensors[i];
        uint32_t bytes = elements_of(t) * bytes_of(t->type);
        if (!is_constant(t)) continue;
        fbb_set(b, tables[i], BUFFER_OFFSET, b->size, 8);
        fbb_set(b, tables[i], BUFFER_SIZE, bytes, 8);
        put_numbers(b, t, b->size);
        b->size += bytes;
    }
}

static void put_indices(struct fbb *b, uint32_t at, const int32_t *indices, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) fbb_put(b, at + 4 * i, (uint32_t)indices[i], 4);
}

static void write_node(const struct build_node *node, struct fbb *b, uint32_t code, uint32_t element) {
    uint32_t table = fbb_table(b, 5), outputs = node->output_count > 0 ? node->output_count : 1;
    fbb_point(b, element, table);
    fbb_set(b, table, OPERATOR_CODE, code, 4);
    put_indices(b, fbb_vector(b, table, OPERATOR_INPUTS, node->input_count, 4), node->inputs, node->input_count);
    put_indices(b, fbb_vector(b, table, OPERATOR_OUTPUTS, outputs, 4), node->outputs, outputs);
    if (node->options == 0) return;
    fbb_set(b, table, OPERATOR_OPTIONS_TYPE, node->options, 1);
    uint32_t options = fbb_table(b, BUILD_SLOTS);
    fbb_link(b, table, OPERATOR_OPTIONS, options);
    for (uint32_t i = 0; i < BUILD_SLOTS; i++)
        if (node->slots[i] != 0) fbb_set(b, options, i, node->slots[i], 4);
}

void build_write(const struct build_model *m, struct fbb *b) {
    fbb_open(b, "TFL3");
    uint32_t model = fbb_table(b, 5);
    fbb_set(b, model, MODEL_VERSION, 3, 4);
    uint32_t codes = fbb_vector(b, model, MODEL_OPERATOR_CODES, m->node_count, 4);
    for (uint32_t i = 0; i < m->node_count; i++) {
        uint32_t code = fbb_table(b, 4);
        fbb_point(b, codes + 4 * i, code);
        uint8_t byte = m->nodes[i].code < TFLITE_PLACEHOLDER ? m->nodes[i].code : TFLITE_PLACEHOLDER;
        fbb_set(b, code, CODE_DEPRECATED, byte, 1);
        fbb_set(b, code, CODE_BUILTIN, m->nodes[i].code, 4);
        fbb_set(b, code, CODE_VERSION, m->nodes[i].code == TFLITE_BROADCAST_TO ? 2 : 1, 4); /* the first there is */
    }
    uint32_t subgraphs = fbb_vector(b, model, MODEL_SUBGRAPHS, 1, 4), subgraph = fbb_table(b, 4);
    fbb_point(b, subgraphs, subgraph);
    uint32_t tensors = fbb_vector(b, subgraph, SUBGRAPH_TENSORS, m->tensor_count, 4);
    for (uint32_t i = 0; i < m->tensor_count; i++) write_tensor(m, b, i, tensors + 4 * i);
    put_indices(b, fbb_vector(b, subgraph, SUBGRAPH_INPUTS, m->input_count, 4), m->inputs, m->input_count);
    uint32_t outputs = m->output_count > 0 ? m->output_count : 1;
    put_indices(b, fbb_vector(b, subgraph, SUBGRAPH_OUTPUTS, outputs, 4), m->outputs, outputs);
    uint32_t operators = fbb_vector(b, subgraph, SUBGRAPH_OPERATORS, m->node_count, 4);
    for (uint32_t i = 0; i < m->node_count; i++) write_node(&m->nodes[i], b, i, operators + 4 * i);
    write_buffers(m, b, model);
}
