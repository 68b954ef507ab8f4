/* tiny_model.c - see tiny_model.h. */
#include "tests/support/tiny_model.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

static uint32_t count_tensors(const struct tiny *t) {
    uint32_t count = 0;
    while (count < TINY_TENSORS && t->dims[count][0] > 0) count++;
    return count;
}

static uint32_t count_outputs(const struct tiny *t) {
    return t->outputs ? t->outputs : 1;
}

static bool is_data(const struct tiny *t, uint32_t index) {
    return ((t->data ? t->data : 1) >> index & 1) != 0;
}

static bool is_integer(const struct tiny *t, uint32_t index) {
    return (t->integers >> index & 1) != 0;
}

static bool is_nibble(const struct tiny *t, uint32_t index) {
    return (t->nibbles >> index & 1) != 0;
}

static bool is_constant(const struct tiny *t, uint32_t index) {
    return !is_data(t, index) && index + count_outputs(t) < count_tensors(t);
}

static void write_quantization(struct fbb *b, const struct tiny *t, uint32_t tensor) {
    uint32_t table = fbb_table(b, 7), bits;
    memcpy(&bits, &t->scale, sizeof bits);
    fbb_link(b, tensor, TENSOR_QUANTIZATION, table);
    fbb_put(b, fbb_vector(b, table, QUANT_SCALE, 1, 4), bits, 4);
    uint32_t zero = fbb_vector(b, table, QUANT_ZERO_POINT, 1, 8);
    fbb_put(b, zero, 0, 8);
}

static void write_tensor(struct fbb *b, const struct tiny *t, uint32_t index, uint32_t element) {
    uint32_t table = fbb_table(b, 5), rank = 0;
    while (rank < 5 && t->dims[index][rank] > 0) rank++;
    fbb_point(b, element, table);
    fbb_set(b, table, TENSOR_TYPE, is_integer(t, index) ? 2 : is_nibble(t, index) ? 17 : 9, 1);
    fbb_set(b, table, TENSOR_BUFFER, is_constant(t, index) ? index : count_tensors(t), 4);
    uint32_t shape = fbb_vector(b, table, TENSOR_SHAPE, rank, 4);
    for (uint32_t i = 0; i < rank; i++) fbb_put(b, shape + 4 * i, t->dims[index][i], 4);
    if (t->scale > 0 && !is_integer(t, index)) write_quantization(b, t, table);
}

/* One a tensor, and an empty one behind. */
static void write_buffers(struct fbb *b, const struct tiny *t, uint32_t model) {
    uint32_t count = count_tensors(t), buffers = fbb_vector(b, model, MODEL_BUFFERS, count + 1, 4);
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t table = fbb_table(b, 1), elements = 1;
        fbb_point(b, buffers + 4 * i, table);
        if (i == count || !is_constant(t, i)) continue;
        for (uint32_t d = 0; d < 5 && t->dims[i][d] > 0; d++) elements *= t->dims[i][d];
        uint32_t bytes = is_integer(t, i) ? 4 * elements : is_nibble(t, i) ? (elements + 1) / 2 : elements;
        uint32_t data = fbb_vector(b, table, BUFFER_DATA, bytes, 1);
        for (uint32_t n = 0; is_nibble(t, i) && n < bytes; n++) fbb_put(b, data + n, 0x1f, 1);
        for (uint32_t n = 0; is_integer(t, i) && n < elements; n++) fbb_put(b, data + 4 * n, (uint32_t)t->numbers[i][n], 4);
    }
}

static void write_operator(struct fbb *b, const struct tiny *t, uint32_t element) {
    uint32_t table = fbb_table(b, 5), outputs = count_outputs(t), count = count_tensors(t) - outputs;
    fbb_point(b, element, table);
    uint32_t inputs = fbb_vector(b, table, OPERATOR_INPUTS, count, 4), results = fbb_vector(b, table, OPERATOR_OUTPUTS, outputs, 4);
    for (uint32_t i = 0; i < count; i++) fbb_put(b, inputs + 4 * i, (t->absent >> i & 1) != 0 ? UINT32_MAX : i, 4);
    for (uint32_t i = 0; i < outputs; i++) fbb_put(b, results + 4 * i, count + i, 4);
    if (t->options_type == 0) return;
    fbb_set(b, table, OPERATOR_OPTIONS_TYPE, t->options_type, 1);
    uint32_t options = fbb_table(b, TINY_FIELDS);
    fbb_link(b, table, OPERATOR_OPTIONS, options);
    for (uint32_t i = 0; i < TINY_FIELDS; i++)
        if (t->options[i] != 0) fbb_set(b, options, i, t->options[i], 4);
}

static void write_ends(struct fbb *b, const struct tiny *t, uint32_t subgraph) {
    uint32_t inputs = 0, count = count_tensors(t), outputs = count_outputs(t);
    for (uint32_t i = 0; i < count; i++) inputs += is_data(t, i);
    uint32_t at = fbb_vector(b, subgraph, SUBGRAPH_INPUTS, inputs, 4), last = fbb_vector(b, subgraph, SUBGRAPH_OUTPUTS, outputs, 4);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_data(t, i)) continue;
        fbb_put(b, at, i, 4);
        at += 4;
    }
    for (uint32_t i = 0; i < outputs; i++) fbb_put(b, last + 4 * i, count - outputs + i, 4);
}

void tiny_write(const struct tiny *t, struct fbb *b) {
    fbb_open(b, "TFL3");
    uint32_t model = fbb_table(b, 5), count = count_tensors(t);
    fbb_set(b, model, MODEL_VERSION, t->version ? t->version : 3, 4);
    uint32_t codes = fbb_vector(b, model, MODEL_OPERATOR_CODES, 1, 4), code = fbb_table(b, 4);
    fbb_point(b, codes, code);
    fbb_set(b, code, CODE_DEPRECATED, t->code, 1);
    uint32_t subgraphs = t->subgraphs ? t->subgraphs : 1, subgraph_list = fbb_vector(b, model, MODEL_SUBGRAPHS, subgraphs, 4);
    uint32_t subgraph = fbb_table(b, 4);
    for (uint32_t i = 0; i < subgraphs; i++) fbb_point(b, subgraph_list + 4 * i, subgraph);
    uint32_t tensors = fbb_vector(b, subgraph, SUBGRAPH_TENSORS, count, 4);
    for (uint32_t i = 0; i < count; i++) write_tensor(b, t, i, tensors + 4 * i);
    write_ends(b, t, subgraph);
    uint32_t operators = t->operators ? t->operators : 1, operator_list = fbb_vector(b, subgraph, SUBGRAPH_OPERATORS, operators, 4);
    for (uint32_t i = 0; i < operators; i++) write_operator(b, t, operator_list + 4 * i);
    write_buffers(b, t, model);
}

static enum qm_status parse(const struct tiny *t, struct qm_arena *arena, struct qm_graph **graph, struct qm_diag *diag) {
    struct fbb *b = QM_ARENA_NEW(arena, struct fbb, 1);
    tiny_write(t, b);
    return qm_model_parse(&(struct qm_model_bytes){b->bytes, b->size, "tiny"}, NULL, arena, graph, diag);
}

/* A copy of operands that stays until the next. */
static uint32_t *keep(uint32_t slot, const uint32_t *operands) {
    static uint32_t kept[2][QM_OPERANDS_FEW];
    memcpy(kept[slot], operands, sizeof kept[slot]);
    return kept[slot];
}

enum qm_status tiny_parse(const struct tiny *t, struct qm_graph_op *op, struct qm_diag *diag) {
    struct qm_graph *graph = NULL;
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = parse(t, arena, &graph, diag);
    if (status == QM_OK) {
        *op = graph->ops[0];
        op->inputs = keep(0, op->inputs);
        op->outputs = keep(1, op->outputs);
    }
    qm_arena_destroy(arena);
    return status;
}

struct qm_graph_op tiny_accept(const struct tiny *t) {
    struct qm_graph_op op = {0};
    struct qm_diag diag = {""};
    cr_assert(eq(int, tiny_parse(t, &op, &diag), QM_OK), "%s", diag.text);
    return op;
}

void tiny_refuse(const struct tiny *t, const char *part) {
    struct qm_graph *graph = NULL;
    struct qm_network *network;
    struct qm_diag diag = {""};
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = parse(t, arena, &graph, &diag);
    if (status == QM_OK && graph->problems.count > 0) status = qm_legalize(graph, NULL, arena, &network, &diag);
    qm_arena_destroy(arena);
    cr_expect(eq(int, status, QM_BAD_INPUT), "%s", part);
    cr_expect(strstr(diag.text, part) != NULL, "'%s' is not in: %s", part, diag.text);
}
