/* known.c - what has been made of a value: what several operators read is made once. And how much has been made in all. */
#include <string.h>

#include "common/prng.h"
#include "compiler/passes/integers/integers.h"

enum {
    FIRST_BUCKETS = 256, /* a power of 2 */
    ALIKE_MAX = 64,      /* operators whose constants begin alike: when none of the first 64 is it, the operator is made again */
    WORK_PER_NODE = 100,
    WORK_LEAST = 10000
};

/* ---- the table ---- */

static uint32_t bucket_of(const struct real_pass *r, const void *key, uint32_t output) {
    return (uint32_t)qm_hash3(0, (uint64_t)(uintptr_t)key, output) & (r->bucket_count - 1);
}

/* Twice as many buckets. */
static void grow(struct real_pass *r) {
    struct real_known **before = r->buckets;
    uint32_t count = r->bucket_count;
    r->bucket_count = count == 0 ? FIRST_BUCKETS : 2 * count;
    r->buckets = QM_ARENA_NEW(r->arena, struct real_known *, r->bucket_count);
    for (uint32_t i = 0; i < count; i++)
        for (struct real_known *known = before[i], *next; known != NULL; known = next) {
            struct real_known **bucket = &r->buckets[bucket_of(r, known->key, known->output)];
            next = known->next;
            known->next = *bucket;
            *bucket = known;
        }
}

struct real_known *real_known_output(struct real_pass *r, const void *key, uint32_t output) {
    if (r->known_count == r->bucket_count) grow(r);
    struct real_known **bucket = &r->buckets[bucket_of(r, key, output)];
    for (struct real_known *known = *bucket; known != NULL; known = known->next)
        if (known->key == key && known->output == output) return known;
    struct real_known *known = QM_ARENA_NEW(r->arena, struct real_known, 1);
    *known = (struct real_known){.next = *bucket, .key = key, .output = output};
    r->known_count++;
    return *bucket = known;
}

struct real_known *real_known(struct real_pass *r, const struct real_value *value) {
    uint32_t order = value->tensors[REAL_PLAIN] != QM_NO_TENSOR ? REAL_PLAIN : REAL_CHANNELS_LAST, output = 0;
    const void *key = value->constant;
    if (value->state == REAL_TENSOR) key = (const void *)(uintptr_t)(value->tensors[order] + UINT64_C(1));
    if (value->state == REAL_TENSOR) output = value->real + 2 * order; /* one tensor may be read in both orders */
    if (value->state == REAL_INPUT) key = value->origin;
    if (value->state == REAL_MOVED) key = value->parts;
    if (value->state == REAL_DEFERRED || value->state == REAL_HOST) key = value->source, output = value->source_output;
    return key != NULL ? real_known_output(r, key, output) : NULL;
}

/* ---- what operators have made of a value ---- */

static bool same_constant(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b) {
    struct qm_shape shape = qm_graph_shape(a), other = qm_graph_shape(b);
    if (a == b) return true;
    return a->data != NULL && b->data != NULL && a->dtype == b->dtype && qm_shape_same(&shape, &other) && a->quant.count == 0 &&
           b->quant.count == 0 && memcmp(a->data, b->data, (size_t)qm_graph_elements(a) * qm_dtype_bytes(a->dtype)) == 0;
}

/* Whether all is the same but the place in the file, the name and the operands. */
static bool same_attributes(const struct qm_graph_op *a, const struct qm_graph_op *b) {
    struct qm_graph_op both[] = {*a, *b};
    for (int i = 0; i < 2; i++) {
        both[i].index = 0;
        both[i].name = NULL;
        both[i].inputs = both[i].outputs = NULL;
    }
    return memcmp(&both[0], &both[1], sizeof both[0]) == 0; /* bytes between members may differ: then an operator is made twice */
}

/* Whether elementwise operators of the source, or quantizers, do the same to input `at`. NULL: none. */
static bool same_operator(const struct qm_graph *source, const struct qm_graph_op *a, const struct qm_graph_op *b, uint32_t at) {
    if (a == b) return true;
    bool same = a != NULL && b != NULL && a->kind == b->kind && a->input_count == b->input_count &&
                source->tensors[a->outputs[0]].dtype == source->tensors[b->outputs[0]].dtype;
    for (uint32_t i = 0; same && i < a->input_count; i++) {
        bool absent = a->inputs[i] == QM_NO_TENSOR || b->inputs[i] == QM_NO_TENSOR;
        if (i == at || (absent && a->inputs[i] == b->inputs[i])) continue;
        same = !absent && same_constant(&source->tensors[a->inputs[i]], &source->tensors[b->inputs[i]]);
    }
    return same && same_attributes(a, b);
}

/* Whether values that are known as the same mean the same and have the same shape. */
static bool same_meaning(const struct real_value *a, const struct real_value *b) {
    if (a->state != b->state || a->type != b->type || !qm_shape_same(&a->shape, &b->shape)) return false;
    return a->state != REAL_TENSOR ||
           (a->quant_known == b->quant_known && a->scale == b->scale && a->zero == b->zero && a->low == b->low && a->high == b->high);
}

/* Of an operator without its input `at`, the same for those that do the same. */
static uint32_t hash_of(const struct qm_graph *source, const struct qm_graph_op *op, uint32_t at) {
    uint64_t hash = 0;
    if (op == NULL) return 0;
    for (uint32_t i = 0; i < op->input_count; i++) {
        const struct qm_graph_tensor *constant = i != at && op->inputs[i] != QM_NO_TENSOR ? &source->tensors[op->inputs[i]] : NULL;
        uint64_t words[8] = {0};
        if (constant == NULL || constant->data == NULL) continue;
        size_t bytes = (size_t)qm_graph_elements(constant) * qm_dtype_bytes(constant->dtype);
        memcpy(words, constant->data, bytes < sizeof words ? bytes : sizeof words);
        for (int k = 0; k < 8; k++) hash = qm_hash3(hash, words[k], i);
    }
    return (uint32_t)qm_hash3(hash, op->kind, at);
}

/* What is known of a value and such an operator: the table has it behind what is known of the value. NULL: the value is not known. */
static struct real_known *known_with(struct real_pass *r, const struct real_value *value, const struct qm_graph_op *op, uint32_t at) {
    const struct real_known *known = real_known(r, value);
    return known != NULL ? real_known_output(r, known, hash_of(r->source, op, at)) : NULL;
}

const struct real_value *real_made(struct real_pass *r, const struct real_value *value, const struct qm_graph_op *op, uint32_t at) {
    const struct real_known *known = known_with(r, value, op, at);
    uint32_t looked_at = 0;
    for (const struct real_made *made = known != NULL ? known->made : NULL; made != NULL && looked_at++ < ALIKE_MAX; made = made->next)
        if (made->at == at && same_meaning(&made->of, value) && same_operator(r->source, made->op, op, at)) return &made->result;
    return NULL;
}

void real_learn(struct real_pass *r, const struct real_value *value, const struct qm_graph_op *op, uint32_t at,
                const struct real_value *result) {
    struct real_known *known = known_with(r, value, op, at);
    if (known == NULL) return;
    struct real_made *made = QM_ARENA_NEW(r->arena, struct real_made, 1);
    *made = (struct real_made){.next = known->made, .op = op, .at = at, .of = *value, .result = *result};
    known->made = made;
}

/* ---- how much ---- */

bool real_count_work(const struct real_node *n) {
    uint64_t most = (uint64_t)WORK_PER_NODE * n->r->source->op_count + WORK_LEAST;
    if (n->r->work++ < most) return true;
    return real_refuse(n, "brings what is computed to more than %llu operators, %d for each of the file's and %d more",
                       (unsigned long long)most, WORK_PER_NODE, WORK_LEAST);
}
