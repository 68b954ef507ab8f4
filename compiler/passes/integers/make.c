/* make.c - the table of operators, and those that wait for a quantizer.
 *
 * What only moves numbers can move their integers as well. So a move of numbers that have none yet waits: its output is MOVED, and when a
 * QUANTIZE comes, that quantizes what has been moved, each part by itself, and the integers are moved. In between, functions of one number
 * go to the parts, too.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

enum { MOVES_MAX = 1000 }; /* one behind the other, between two quantizers */

static real_making *const makings[QM_GRAPH_OP_KINDS] = {
    [QM_OP_CONV_2D] = real_conv,
    [QM_OP_TRANSPOSE_CONV] = real_conv_transpose,
    [QM_OP_MATMUL] = real_matmul,
    [QM_OP_MAX_POOL_2D] = real_max_pool,
    [QM_OP_AVERAGE_POOL_2D] = real_average_pool,
    [QM_OP_MEAN] = real_reduce,
    [QM_OP_SUM] = real_reduce,
    [QM_OP_QUANTIZE] = real_quantize,
    [QM_OP_DEQUANTIZE] = real_dequantize,
    [QM_OP_SIGN] = real_sign,
    [QM_OP_ADD] = real_add,
    [QM_OP_SUB] = real_sub,
    [QM_OP_MUL] = real_mul,
    [QM_OP_DIV] = real_div,
    [QM_OP_FLOOR] = real_floor,
    [QM_OP_ROUND] = real_round,
    [QM_OP_CLIP] = real_clip,
    [QM_OP_CAST] = real_cast,
    [QM_OP_PRELU] = real_prelu,
    [QM_OP_LEAKY_RELU] = real_leaky_relu,
    [QM_OP_RESHAPE] = real_reshape,
    [QM_OP_TRANSPOSE] = real_transpose,
    [QM_OP_CONCATENATION] = real_concat,
    [QM_OP_PAD] = real_pad,
    [QM_OP_STRIDED_SLICE] = real_slice,
    [QM_OP_GATHER] = real_gather,
    [QM_OP_RESIZE_NEAREST_NEIGHBOR] = real_resize,
};

/* Functions of one number that are nothing special are tables. NULL: the machine has no form for the operator. */
static real_making *making_of(enum qm_graph_op_kind kind) {
    return makings[kind] == NULL && evaluate_is_function(kind) ? real_defer_function : makings[kind];
}

/* Only moves work on constants, too, when they are between tensors; what else meets none but as its second operand has been folded. */
static bool first_is_constant(const struct real_node *n) {
    if (n->op->kind == QM_OP_MATMUL && n->inputs[1]->state != REAL_CONSTANT) return false;
    return n->inputs[0] != NULL && n->inputs[0]->state == REAL_CONSTANT && n->op->kind != QM_OP_ADD && n->op->kind != QM_OP_SUB &&
           n->op->kind != QM_OP_MUL;
}

/* ---- what waits ---- */

/* Whether the operator does the same to integers as to the numbers that they mean. */
static bool commutes(enum qm_graph_op_kind kind) {
    return making_of(kind) != NULL && (evaluate_is_move(kind) || kind == QM_OP_MAX_POOL_2D);
}

/* How many of a move's inputs are moved: indices only say where from. */
static uint32_t moved_count(const struct qm_graph_op *move) {
    return move->kind == QM_OP_GATHER ? 1 : move->input_count;
}

/* Whether the value is computed and has no integers of its own. */
static bool is_float(const struct real_node *n, const struct real_value *value) {
    struct real_epilogue epilogue;
    if (value->state == REAL_MOVED) return true;
    if (value->state != REAL_DEFERRED) return false;
    return value->deferred->sum_scale == NULL || !real_epilogue_open(n, value->deferred, &epilogue) ||
           !real_epilogue_is_integral(&epilogue);
}

/* Whether parts have integers of different meanings. */
static bool differ(const struct real_value *a, const struct real_value *b) {
    return a->state == REAL_TENSOR && b->state == REAL_TENSOR && a->real && b->real && (a->scale != b->scale || a->zero != b->zero);
}

static bool must_wait(const struct real_node *n) {
    bool wait = false;
    if (!commutes(n->op->kind)) return false;
    for (uint32_t i = 0; i < moved_count(n->op); i++) wait = wait || is_float(n, n->inputs[i]) || differ(n->inputs[0], n->inputs[i]);
    const struct real_value *in = n->inputs[0];
    double steps = n->op->low / (double)in->scale;
    bool between = n->op->kind == QM_OP_PAD && in->state == REAL_TENSOR && in->real && steps != nearbyint(steps);
    return wait || between;
}

/* Makes output 0 the operator of count values, MOVED. */
static void put_moved(const struct real_node *n, const struct qm_graph_op *op, struct real_value *inputs) {
    n->outputs[0]->state = REAL_MOVED;
    n->outputs[0]->move = op;
    n->outputs[0]->parts = inputs;
}

static bool move_later(const struct real_node *n) {
    struct real_value *parts = QM_ARENA_NEW(n->r->arena, struct real_value, n->op->input_count);
    for (uint32_t i = 0; i < n->op->input_count; i++) parts[i] = *n->inputs[i];
    put_moved(n, n->op, parts);
    return true;
}

/* Makes output 0 of n, an elementwise operator or a quantizer, of the value that its input `at` is, or takes what has been made of it. */
static bool make_once(const struct real_node *n, uint32_t at) {
    struct real_value of = *n->inputs[at]; /* as it is before it becomes a tensor */
    const struct real_value *before = real_made(n->r, &of, n->op, at);
    if (before != NULL) return real_put_same(n, before), true;
    if (!real_make(n)) return false;
    if (n->outputs[0]->state == REAL_DEFERRED) real_remember(n);
    real_learn(n->r, &of, n->op, at, n->outputs[0]);
    return true;
}

/* What is within a move is one step deeper. False: refused. */
static bool go_deeper(const struct real_node *n) {
    if (n->r->depth == MOVES_MAX) return real_refuse(n, "comes after more than %d moves of what is not quantized", MOVES_MAX);
    n->r->depth++;
    return true;
}

/* An operator like n's on part i of what its input `at` has moved. False: refused. */
static bool make_part(const struct real_node *n, uint32_t at, uint32_t i, struct real_value *result) {
    struct real_node part = *n;
    struct real_value *in = &n->inputs[at]->parts[i];
    *result = *n->outputs[0];
    result->shape = in->shape;
    result->is_output = false;
    result->name = qm_arena_printf(n->r->arena, "%s.%u", n->outputs[0]->name, i);
    part.inputs = QM_ARENA_NEW(n->r->arena, struct real_value *, qm_graph_operand_room(n->op->input_count));
    memcpy(part.inputs, n->inputs, qm_graph_operand_room(n->op->input_count) * sizeof *part.inputs);
    part.inputs[at] = in;
    part.outputs = &result;
    if (!go_deeper(n)) return false;
    bool made = make_once(&part, at);
    n->r->depth--;
    return made;
}

static struct real_value *copy_parts(const struct real_node *n, const struct qm_graph_op *move, const struct real_value *parts) {
    struct real_value *own = QM_ARENA_NEW(n->r->arena, struct real_value, move->input_count);
    memcpy(own, parts, move->input_count * sizeof *parts);
    return own;
}

/* A function of one number goes to the parts. What maxima are taken of must not fall. */
static bool pass_on(const struct real_node *n, uint32_t at) {
    const struct qm_graph_op *move = n->inputs[at]->move;
    struct real_value *parts = copy_parts(n, move, n->inputs[at]->parts);
    struct qm_graph_op *own = QM_ARENA_NEW(n->r->arena, struct qm_graph_op, 1);
    *own = *move;
    bool rises = evaluate_rises(n->op->kind);
    bool pads = move->kind == QM_OP_PAD, finds_maxima = move->kind == QM_OP_MAX_POOL_2D;
    if ((pads && n->op->input_count > 1) || (finds_maxima && !rises))
        return real_refuse(n, "comes behind %s of what is not quantized; a QuantizeLinear must come between", move->name);
    if (pads) own->low = evaluate_function(n->op, move->low);
    for (uint32_t i = 0; i < moved_count(move); i++)
        if (!make_part(n, at, i, &parts[i])) return false;
    put_moved(n, own, parts);
    return true;
}

/* The move of values that have their integers now, in front of a quantizer or none. */
static bool move_now(const struct real_node *n, const struct qm_graph_op *move, struct real_value *parts,
                     const struct qm_graph_op *quantizer) {
    struct real_node now = {.r = n->r, .op = move, .quantizer = quantizer, .outputs = n->outputs};
    now.inputs = QM_ARENA_NEW(n->r->arena, struct real_value *, qm_graph_operand_room(move->input_count));
    for (uint32_t i = 0; i < move->input_count; i++) now.inputs[i] = &parts[i];
    return making_of(move->kind)(&now);
}

/* Quantizes the parts and moves their integers. */
static bool quantize_parts(const struct real_node *n) {
    const struct qm_graph_op *move = n->inputs[0]->move;
    struct real_value *parts = copy_parts(n, move, n->inputs[0]->parts);
    for (uint32_t i = 0; i < moved_count(move); i++) {
        if (!make_part(n, 0, i, &parts[i])) return false;
        parts[i].real = true;
    }
    if (!move_now(n, move, parts, n->op)) return false;
    n->outputs[0]->real = false;
    return true;
}

void real_mark_output(struct real_value *value) {
    if (value->is_output) return;
    value->is_output = true;
    for (uint32_t i = 0; value->state == REAL_MOVED && i < moved_count(value->move); i++) real_mark_output(&value->parts[i]);
}

/* Makes a part of a move the integers that it ends in, or takes those that have been made of it. */
static bool settle_part(const struct real_node *n, struct real_value *part) {
    struct real_value of = *part;
    struct real_node as = {.outputs = &part};
    if (part->state == REAL_TENSOR) return true;
    const struct real_value *before = real_made(n->r, &of, NULL, 0);
    if (before != NULL) return real_put_same(&as, before), true;
    if (!real_settle(n, part) || !real_materialize(n, part)) return false;
    real_learn(n->r, &of, NULL, 0, part);
    return true;
}

bool real_settle(const struct real_node *n, struct real_value *value) {
    struct real_node as = *n;
    if (value->state != REAL_MOVED) return true;
    if (!real_count_work(n) || !go_deeper(n)) return false;
    struct real_value *parts = value->parts;
    bool settled = true;
    for (uint32_t i = 0; settled && i < moved_count(value->move); i++) settled = settle_part(n, &parts[i]);
    n->r->depth--;
    as.outputs = &value;
    return settled && move_now(&as, value->move, parts, NULL);
}

/* ---- one operator ---- */

/* The input that is MOVED, when the others are constants of one number; -1: there is none. */
static int moved_input(const struct real_node *n) {
    int found = -1;
    uint32_t rank = n->outputs[0]->shape.rank;
    for (uint32_t i = 0; i < n->op->input_count; i++) {
        if (n->inputs[i] == NULL) continue;
        bool number = n->inputs[i]->state == REAL_CONSTANT && qm_shape_elements(&n->inputs[i]->shape) == 1;
        if (n->inputs[i]->state == REAL_MOVED && found < 0 && n->inputs[i]->shape.rank == rank)
            found = (int)i;
        else if (!number)
            return -1;
    }
    return found;
}

static bool is_elementwise(enum qm_graph_op_kind kind) {
    return kind == QM_OP_ADD || kind == QM_OP_SUB || kind == QM_OP_MUL || kind == QM_OP_DIV || kind == QM_OP_PRELU ||
           (evaluate_is_function(kind) && making_of(kind) != NULL);
}

bool real_make(const struct real_node *n) {
    if (making_of(n->op->kind) == NULL) return real_refuse(n, "is not what the machine can do");
    if (!real_count_work(n)) return false;
    if (must_wait(n)) return move_later(n);
    if (n->op->kind == QM_OP_QUANTIZE && n->inputs[0]->state == REAL_MOVED) return quantize_parts(n);
    int moved = moved_input(n);
    if (is_elementwise(n->op->kind) && moved >= 0) return pass_on(n, (uint32_t)moved);
    for (uint32_t i = 0; i < n->op->input_count; i++)
        if (n->inputs[i] != NULL && !real_settle(n, n->inputs[i])) return false;
    return making_of(n->op->kind)(n) && real_check_integers(n);
}

/* Whether nobody but n reads the float input that it reads, perhaps in another shape: its signs may then be what the network reads. */
static bool reads_alone(const struct real_node *n) {
    const struct real_use *use = &n->r->uses[n->op->inputs[0]];
    while (use->maker != NULL && use->readers == 1) use = &n->r->uses[use->maker->inputs[0]];
    return use->readers == 1;
}

/* Whether the host computes with a value: what it has computed, and the float inputs of a network that quantizes. These only a quantizer
 * takes to the machine, perhaps in another shape, or their only reader when that makes signs of them. */
static bool is_on_host(const struct real_node *n, const struct real_value *value) {
    enum qm_graph_op_kind kind = n->op->kind;
    bool is_float = value->type == QM_F32 || value->type == QM_F64;
    if (value->state != REAL_INPUT) return value->state == REAL_HOST;
    if (!n->r->quantizes || !is_float || kind == QM_OP_QUANTIZE || kind == QM_OP_RESHAPE) return false;
    return kind != QM_OP_SIGN || !reads_alone(n);
}

/* Makes an operator on the machine. Quantizers of one encoding share what they make of numbers that have no integers yet; but an output of
 * the network is a tensor of its own, with its name. */
static bool make_on_machine(const struct real_node *n) {
    struct real_value *in = n->inputs[0], *out = n->outputs[0];
    uint32_t tensor;
    if (n->op->kind != QM_OP_QUANTIZE || (in->state != REAL_DEFERRED && in->state != REAL_MOVED)) return real_make(n);
    bool is_shared = real_made(n->r, in, n->op, 0) != NULL;
    if (!make_once(n, 0)) return false;
    if (!is_shared || !n->r->uses[n->op->outputs[0]].is_output) return true;
    if (!real_tensor(n, out, REAL_PLAIN, &tensor)) return false;
    real_put(n, out, REAL_PLAIN, real_add_reshape(n, tensor, &out->shape));
    return true;
}

/* Makes an operator, on the machine or else on the host. Only the reason of the machine is named. */
static bool make_anywhere(const struct real_node *n) {
    struct problems *problems = &n->r->problems, before = *problems;
    bool on_host = false;
    for (uint32_t i = 0; i < n->op->input_count; i++) on_host = on_host || (n->inputs[i] != NULL && is_on_host(n, n->inputs[i]));
    if (on_host) return real_host(n);
    if (first_is_constant(n))
        real_refuse(n, "reads the constant %.60s where only results of the network are supported", n->inputs[0]->name);
    else if (make_on_machine(n))
        return true;
    struct problems after = *problems;
    bool made = real_host(n);
    *problems = made ? before : after;
    return made;
}

void real_make_operator(struct real_pass *r, const struct qm_graph_op *op) {
    struct real_node n = {.r = r, .op = op};
    n.inputs = QM_ARENA_NEW(r->arena, struct real_value *, qm_graph_operand_room(op->input_count));
    n.outputs = QM_ARENA_NEW(r->arena, struct real_value *, op->output_count);
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != QM_NO_TENSOR) n.inputs[i] = &r->values[op->inputs[i]];
    for (uint32_t i = 0; i < op->output_count; i++) n.outputs[i] = &r->values[op->outputs[i]];
    for (uint32_t i = 0; i < op->input_count; i++)
        if (n.inputs[i] != NULL && n.inputs[i]->state == REAL_UNKNOWN) return;
    bool made = make_anywhere(&n);
    for (uint32_t i = 0; i < op->output_count && !made; i++) n.outputs[i]->state = REAL_UNKNOWN;
    if (made && n.outputs[0]->state == REAL_DEFERRED) real_remember(&n);
}
