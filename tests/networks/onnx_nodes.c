/* onnx_nodes.c - the ONNX project's own tests of single nodes, compiled and run on the functional and the cycle model, with zero tolerance.
 *
 *   build/onnx_nodes FOLDER RECORD      FOLDER has one folder a test, with model.onnx and test_data_set_0
 * Scales, zero points and weights are inputs there; they become constants of the model, since the accelerator computes with one tensor that
 * is not known before. RECORD says for each test `pass`, or the words with which it is refused: the test fails when one of them changes.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/numbers.h"
#include "tests/support/record.h"

#include "onnx.pb-c.h"

enum { MODEL_GRAPH_FIELD = 7, GRAPH_INITIALIZER_FIELD = 5, TEXT_BYTES = 600 };

/* A field of bytes of a protobuf message. */
static size_t put_field(uint8_t *to, uint32_t field, size_t size) {
    size_t at = 0;
    to[at++] = (uint8_t)(field << 3 | 2);
    for (; size > 0x7f; size >>= 7) to[at++] = (uint8_t)(size | 0x80);
    to[at++] = (uint8_t)size;
    return at;
}

/* The model with one more constant: a message behind a message is merged into it. */
static struct file_bytes add_constant(struct file_bytes model, Onnx__TensorProto *constant, struct qm_arena *arena) {
    size_t size = onnx__tensor_proto__get_packed_size(constant);
    uint8_t head[16], *data = qm_arena_alloc(arena, model.size + size + 64);
    size_t inner = put_field(head, GRAPH_INITIALIZER_FIELD, size), at = model.size;
    memcpy(data, model.data, model.size);
    at += put_field(data + at, MODEL_GRAPH_FIELD, inner + size);
    memcpy(data + at, head, inner);
    onnx__tensor_proto__pack(constant, data + at + inner);
    return (struct file_bytes){data, at + inner + size};
}

static const char *test_file(struct qm_arena *arena, const char *folder, const char *kind, uint32_t index) {
    return qm_arena_printf(arena, "%s/test_data_set_0/%s_%u.pb", folder, kind, index);
}

/* The model with all inputs but the first as constants; those that the model does not name stay away. */
static struct file_bytes close_model(struct file_bytes model, const char *folder, struct qm_arena *arena) {
    Onnx__ModelProto *proto = onnx__model_proto__unpack(NULL, model.size, model.data);
    for (uint32_t i = 1; proto != NULL && i < proto->graph->n_input; i++) {
        struct file_bytes bytes = numbers_load(test_file(arena, folder, "input", i), arena);
        Onnx__TensorProto *constant = bytes.data != NULL ? onnx__tensor_proto__unpack(NULL, bytes.size, bytes.data) : NULL;
        if (constant == NULL) continue;
        free(constant->name);
        constant->name = strdup(proto->graph->input[i]->name);
        model = add_constant(model, constant, arena);
        onnx__tensor_proto__free_unpacked(constant, NULL);
    }
    onnx__model_proto__free_unpacked(proto, NULL);
    return model;
}

/* "pass", or what is wrong; text has TEXT_BYTES. */
static void run_test(const char *folder, char *text) {
    struct qm_arena *arena = qm_arena_create();
    struct file_bytes file = numbers_load(qm_arena_printf(arena, "%s/model.onnx", folder), arena);
    struct file_bytes model = close_model(file, folder, arena);
    struct numbers in = numbers_from_onnx(test_file(arena, folder, "input", 0), arena);
    struct numbers want = numbers_from_onnx(test_file(arena, folder, "output", 0), arena);
    static const struct qm_device_ops *const engines[] = {&qm_device_functional, &qm_device_cycle};
    snprintf(text, TEXT_BYTES, "pass");
    for (uint32_t i = 0; i < 2 && strcmp(text, "pass") == 0; i++) {
        struct machine_case test = {.model = {model.data, model.size, "model.onnx"}, .inputs = &in, .input_count = 1, .engine = engines[i]};
        machine_compare(&test, &want, text, TEXT_BYTES);
    }
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    struct dirent **entries;
    struct record record = {.file = argc == 3 ? argv[2] : ""};
    int count = argc == 3 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    if (count < 0) return fprintf(stderr, "onnx_nodes FOLDER RECORD: no such folder\n"), 2;
    for (int i = 0; i < count; i++) {
        char text[TEXT_BYTES], folder[1000];
        if (strncmp(entries[i]->d_name, "test_", 5) == 0) {
            snprintf(folder, sizeof folder, "%s/%s", argv[1], entries[i]->d_name);
            run_test(folder, text);
            record_check(&record, entries[i]->d_name, text);
        }
        free(entries[i]);
    }
    free(entries);
    return record_close(&record);
}
