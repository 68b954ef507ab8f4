/* names.c - what is known of every name in the file, found through a hash table. */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { COUNT_MAX = 1 << 16 };

static bool is_printable(const char *name) {
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f) return false;
    return true;
}

/* The slot of the name, or the free one where it belongs. */
static uint32_t *find_slot(const struct onnx_reader *r, const char *name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = name; *c != '\0'; c++) hash = (hash ^ (uint8_t)*c) * 16777619u;
    uint32_t at = hash & (r->slot_count - 1);
    while (r->slots[at] != 0 && strcmp(r->values[r->slots[at] - 1].name, name) != 0) at = (at + 1) & (r->slot_count - 1);
    return &r->slots[at];
}

struct onnx_value *onnx_find(const struct onnx_reader *r, const char *name) {
    uint32_t *slot = find_slot(r, name);
    return *slot != 0 ? &r->values[*slot - 1] : NULL;
}

enum qm_status onnx_add_value(struct onnx_reader *r, const char *name, struct onnx_value **value) {
    if (name == NULL || name[0] == '\0' || !is_printable(name))
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: a tensor has no name, or one with control characters", r->file->name);
    uint32_t *slot = find_slot(r, name);
    if (*slot == 0) {
        r->values[r->value_count] = (struct onnx_value){.name = name, .maker = ONNX_NO_NODE, .tensor = QM_NO_TENSOR};
        *slot = ++r->value_count;
    }
    *value = &r->values[*slot - 1];
    return QM_OK;
}

enum qm_status onnx_open_names(struct onnx_reader *r) {
    const Onnx__GraphProto *source = r->source;
    uint64_t names = source->n_initializer + source->n_input;
    for (size_t i = 0; i < source->n_node; i++) names += source->node[i]->n_output;
    if (source->n_node == 0) return qm_fail(r->diag, QM_BAD_INPUT, "%s: the network has no nodes", r->file->name);
    if (names + source->n_node > COUNT_MAX)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: %zu nodes with %llu inputs, constants and results; at most %d can be read in all",
                       r->file->name, source->n_node, (unsigned long long)names, COUNT_MAX);
    for (r->slot_count = 16; r->slot_count < 2 * names;) r->slot_count *= 2;
    r->values = QM_ARENA_NEW(r->arena, struct onnx_value, names);
    r->slots = QM_ARENA_NEW(r->arena, uint32_t, r->slot_count);
    return QM_OK;
}

enum qm_status onnx_add_results(struct onnx_reader *r, uint32_t index) {
    const Onnx__NodeProto *node = r->source->node[index];
    struct onnx_value *value;
    if (node->op_type == NULL || !is_printable(node->op_type))
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: operator %u has no type; the file is damaged", r->file->name, index);
    if (node->name != NULL && !is_printable(node->name))
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: operator %u has a name with control characters", r->file->name, index);
    for (size_t i = 0; i < node->n_output; i++) {
        if (node->output[i][0] == '\0') continue;
        uint32_t known = r->value_count;
        QM_TRY(onnx_add_value(r, node->output[i], &value));
        if (r->value_count == known)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: operator %u %.40s computes %.60s, which is there already", r->file->name, index,
                           node->op_type, value->name);
        value->maker = index;
    }
    for (size_t i = 0; i < node->n_input; i++)
        if (!is_printable(node->input[i])) return onnx_add_value(r, node->input[i], &value);
    return QM_OK;
}
