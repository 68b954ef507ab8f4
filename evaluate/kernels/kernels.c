/* kernels.c - the table of kernels: which operands and types each takes. */
#include "evaluate/kernels/kernel.h"

enum needs {
    PLAIN = 1,       /* no fused activation */
    ONE_TYPE = 2,    /* the output has the type of the first input */
    SCALED = 4,      /* bytes have a scale each */
    SAME_SHAPE = 8,  /* the output has the shape of the first input */
    SAME_QUANT = 16, /* bytes mean the same in the output as in the first input */
    NEAR_QUANT = 32, /* the same, but for scales that are apart by what the kernels take for none */
};

struct row {
    uint32_t inputs_min, inputs_max;
    enum qm_types types; /* of the first input */
    uint32_t needs;
    kernel_checking *check; /* or NULL */
    kernel_running *run;    /* NULL: there is no kernel */
};

#define PAIR(types, needs)                                                                                                                 \
    { 2, 2, types, ONE_TYPE | (needs), kernel_check_pairs, kernel_run_pairs }
#define COMPARE(types)                                                                                                                     \
    { 2, 2, types, PLAIN | SCALED, kernel_check_compare, kernel_run_compare }
#define LOGIC(inputs)                                                                                                                      \
    { inputs, inputs, QM_TYPES_BOOL, PLAIN | ONE_TYPE, kernel_check_logic, kernel_run_logic }
#define FUNCTION                                                                                                                           \
    { 1, 1, QM_TYPES_F32, PLAIN | ONE_TYPE | SAME_SHAPE, NULL, kernel_run_function }
#define MOVE(inputs_max)                                                                                                                   \
    { 1, inputs_max, QM_TYPES_F32, PLAIN | ONE_TYPE, kernel_check_move, kernel_run_move }
#define REPEAT                                                                                                                             \
    { 1, 1, QM_TYPES_F32, PLAIN | ONE_TYPE, kernel_check_repeat, kernel_run_repeat }
#define REDUCE(needs)                                                                                                                      \
    { 1, 1, QM_TYPES_ANY, PLAIN | ONE_TYPE | (needs), kernel_check_reduce, kernel_run_reduce }

/* clang-format off */
static const struct row rows[QM_GRAPH_OP_KINDS] = {
    [QM_OP_ADD]                = PAIR(QM_TYPES_ANY, SCALED),
    [QM_OP_ADD_N]              = {1, UINT32_MAX, QM_TYPES_F32, PLAIN | ONE_TYPE | SAME_SHAPE, kernel_check_add_n, kernel_run_add_n},
    [QM_OP_SUB]                = PAIR(QM_TYPES_ANY, SCALED),
    [QM_OP_MUL]                = PAIR(QM_TYPES_ANY, SCALED),
    [QM_OP_DIV]                = PAIR(QM_TYPES_ANY, SCALED),
    [QM_OP_FLOOR_DIV]          = PAIR(QM_TYPES_I8_F32, PLAIN),
    [QM_OP_MINIMUM]            = PAIR(QM_TYPES_ANY, PLAIN),
    [QM_OP_MAXIMUM]            = PAIR(QM_TYPES_ANY, PLAIN),
    [QM_OP_SQUARED_DIFFERENCE] = PAIR(QM_TYPES_I8_F32, PLAIN | SCALED),
    [QM_OP_PRELU]              = PAIR(QM_TYPES_ANY, PLAIN | SCALED),
    [QM_OP_EQUAL]              = COMPARE(QM_TYPES_HOST_BOOL),
    [QM_OP_NOT_EQUAL]          = COMPARE(QM_TYPES_HOST_BOOL),
    [QM_OP_GREATER]            = COMPARE(QM_TYPES_HOST),
    [QM_OP_GREATER_EQUAL]      = COMPARE(QM_TYPES_HOST),
    [QM_OP_LESS]               = COMPARE(QM_TYPES_HOST),
    [QM_OP_LESS_EQUAL]         = COMPARE(QM_TYPES_HOST),
    [QM_OP_LOGICAL_AND]        = LOGIC(2),
    [QM_OP_LOGICAL_OR]         = LOGIC(2),
    [QM_OP_LOGICAL_NOT]        = LOGIC(1),
    [QM_OP_SELECT]             = {3, 3, QM_TYPES_HOST_BOOL, PLAIN, kernel_check_select, kernel_run_select},
    [QM_OP_RELU]               = FUNCTION,
    [QM_OP_RELU6]              = FUNCTION,
    [QM_OP_RELU_N1_TO_1]       = FUNCTION,
    [QM_OP_RELU_0_TO_1]        = FUNCTION,
    [QM_OP_LEAKY_RELU]         = FUNCTION,
    [QM_OP_ELU]                = FUNCTION,
    [QM_OP_LOGISTIC]           = FUNCTION,
    [QM_OP_TANH]               = FUNCTION,
    [QM_OP_HARD_SWISH]         = FUNCTION,
    [QM_OP_EXP]                = FUNCTION,
    [QM_OP_ABS]                = FUNCTION,
    [QM_OP_NEG]                = FUNCTION,
    [QM_OP_SQRT]               = FUNCTION,
    [QM_OP_RSQRT]              = FUNCTION,
    [QM_OP_SQUARE]             = FUNCTION,
    [QM_OP_GELU]               = FUNCTION,
    [QM_OP_LOG]                = FUNCTION,
    [QM_OP_SIN]                = FUNCTION,
    [QM_OP_COS]                = FUNCTION,
    [QM_OP_FLOOR]              = FUNCTION,
    [QM_OP_CEIL]               = FUNCTION,
    [QM_OP_ROUND]              = FUNCTION,
    [QM_OP_MEAN]               = REDUCE(SCALED),
    [QM_OP_SUM]                = REDUCE(SCALED),
    [QM_OP_REDUCE_MAX]         = REDUCE(SAME_QUANT),
    [QM_OP_REDUCE_MIN]         = REDUCE(SAME_QUANT),
    [QM_OP_ARG_MAX]            = {1, 1, QM_TYPES_ANY, PLAIN, kernel_check_arg, kernel_run_arg},
    [QM_OP_ARG_MIN]            = {1, 1, QM_TYPES_ANY, PLAIN, kernel_check_arg, kernel_run_arg},
    [QM_OP_AVERAGE_POOL_2D]    = {1, 1, QM_TYPES_ANY, ONE_TYPE | SCALED | NEAR_QUANT, kernel_check_pool, kernel_run_pool},
    [QM_OP_MAX_POOL_2D]        = {1, 1, QM_TYPES_ANY, ONE_TYPE | NEAR_QUANT, kernel_check_pool, kernel_run_pool},
    [QM_OP_RESIZE_BILINEAR]    = {1, 1, QM_TYPES_ANY, PLAIN | ONE_TYPE | SAME_QUANT, kernel_check_resize, kernel_run_resize},
    [QM_OP_FULLY_CONNECTED]    = {2, 3, QM_TYPES_BYTES, ONE_TYPE | SCALED, kernel_check_fc, kernel_run_fc},
    [QM_OP_BATCH_MATMUL]       = {2, 2, QM_TYPES_I8, PLAIN | ONE_TYPE | SCALED, kernel_check_matmul, kernel_run_matmul},
    [QM_OP_L2_NORMALIZATION]   = {1, 1, QM_TYPES_ANY, PLAIN | ONE_TYPE | SCALED | SAME_SHAPE, kernel_check_l2, kernel_run_l2},
    [QM_OP_SOFTMAX]            = {1, 1, QM_TYPES_ANY, PLAIN | ONE_TYPE | SCALED | SAME_SHAPE, kernel_check_softmax, kernel_run_softmax},
    [QM_OP_LOG_SOFTMAX]        = {1, 1, QM_TYPES_I8_F32, PLAIN | ONE_TYPE | SCALED | SAME_SHAPE, kernel_check_log_softmax,
                                  kernel_run_log_softmax},
    [QM_OP_QUANTIZE]           = {1, 1, QM_TYPES_F32, PLAIN | SAME_SHAPE, kernel_check_quantize, kernel_run_quantize},
    [QM_OP_DEQUANTIZE]         = {1, 1, QM_TYPES_SUMS, PLAIN | SAME_SHAPE, kernel_check_dequantize, kernel_run_dequantize},
    [QM_OP_CAST]               = {1, 1, QM_TYPES_STORED, PLAIN | SAME_SHAPE, kernel_check_cast, kernel_run_cast},
    [QM_OP_GATHER]             = {2, 2, QM_TYPES_ANY, PLAIN | ONE_TYPE | SAME_QUANT, kernel_check_gather, kernel_run_gather},
    [QM_OP_GATHER_ND]          = {2, 2, QM_TYPES_ANY, PLAIN | ONE_TYPE | SAME_QUANT, kernel_check_gather_nd, kernel_run_gather_nd},
    [QM_OP_CONCATENATION]      = MOVE(UINT32_MAX),
    [QM_OP_PACK]               = MOVE(UINT32_MAX),
    [QM_OP_TRANSPOSE]          = MOVE(1),
    [QM_OP_STRIDED_SLICE]      = MOVE(1),
    [QM_OP_PAD]                = MOVE(1),
    [QM_OP_TILE]               = REPEAT,
    [QM_OP_BROADCAST_TO]       = REPEAT,
};
/* clang-format on */

/* ---- checks ---- */

static bool is_sound(const struct qm_graph_tensor *tensor) {
    uint64_t elements = 1;
    if (tensor->rank > QM_MAX_RANK || (unsigned)tensor->dtype >= QM_ANY_DTYPES) return false;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        elements *= tensor->dims[d];
        if (elements == 0 || elements > INT32_MAX) return false;
    }
    return tensor->data == NULL || tensor->size_bytes >= elements * qm_dtype_bytes(tensor->dtype);
}

static bool is_there(const struct qm_graph *graph, uint32_t index) {
    return index < graph->tensor_count && is_sound(&graph->tensors[index]);
}

/* The operands are as many as the operator has, and their shapes and types are some. */
static bool has_operands(const struct kernel *k, const struct row *row) {
    const struct qm_graph_op *op = k->op;
    if (op->input_count < row->inputs_min || op->input_count > row->inputs_max || op->output_count != 1) return false;
    if (!is_there(k->graph, op->outputs[0])) return false;
    for (uint32_t i = 0; i < op->input_count; i++) {
        bool absent = op->inputs[i] == QM_NO_TENSOR && i >= row->inputs_min;
        if (!absent && !is_there(k->graph, op->inputs[i])) return false;
    }
    return true;
}

static bool same_quant(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b, bool near) {
    if (!kernel_is_byte(a) || (a->quant.count == 0 && b->quant.count == 0)) return true;
    if (!kernel_is_scaled(a) || !kernel_is_scaled(b) || kernel_zero(a) != kernel_zero(b)) return false;
    return near ? qm_scales_are_near(kernel_scale(a), kernel_scale(b)) : kernel_scale(a) == kernel_scale(b);
}

static bool are_scaled(const struct kernel *k) {
    bool scaled = !kernel_is_byte(kernel_output(k)) || kernel_is_scaled(kernel_output(k));
    for (uint32_t i = 0; i < k->op->input_count && scaled; i++)
        scaled = !kernel_has_input(k, i) || !kernel_is_byte(kernel_input(k, i)) || kernel_is_scaled(kernel_input(k, i));
    return scaled;
}

static const char *check_needs(const struct kernel *k, uint32_t needs) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    struct qm_shape from = qm_graph_shape(in), to = qm_graph_shape(out);
    if ((needs & PLAIN) != 0 && k->op->activation != QM_ACT_NONE) return "it has a fused activation";
    if ((unsigned)k->op->activation > QM_ACT_RELU_N1_TO_1) return "its fused activation is unknown";
    if ((needs & SAME_SHAPE) != 0 && !qm_shape_same(&from, &to)) return "input and output have different shapes";
    if ((needs & SCALED) != 0 && !are_scaled(k)) return "an operand of bytes has not one positive scale and a zero point of its type";
    if (((needs & SAME_QUANT) != 0 && !same_quant(in, out, false)) || ((needs & NEAR_QUANT) != 0 && !same_quant(in, out, true)))
        return "input and output have different scales or zero points";
    return NULL;
}

const char *kernel_check(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct kernel k = {.graph = graph, .op = op};
    if ((unsigned)op->kind >= QM_GRAPH_OP_KINDS || rows[op->kind].run == NULL) return "the host has no kernel for it";
    const struct row *row = &rows[op->kind];
    if (!has_operands(&k, row)) return "its operands are not those of the operator";
    if ((row->needs & ONE_TYPE) != 0 && kernel_input(&k, 0)->dtype != kernel_output(&k)->dtype)
        return "input and output have different types";
    if ((row->types >> kernel_input(&k, 0)->dtype & 1) == 0) return "the host has no kernel for its type";
    const char *problem = check_needs(&k, row->needs);
    return problem == NULL && row->check != NULL ? row->check(&k) : problem;
}

bool kernel_run(const struct qm_graph *graph, const struct qm_graph_op *op, const void *const *inputs, void *const *outputs) {
    const struct kernel k = {graph, op, inputs, outputs};
    return rows[op->kind].run(&k);
}
