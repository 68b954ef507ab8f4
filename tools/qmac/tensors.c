/* tensors.c - reads .npy files into the program's tensors, and writes tensors to .npy files. */
#include "tools/qmac/tensors.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/memory.h"
#include "common/prng.h"
#include "tools/qmac/cli.h"

static const char *const npy_types[QM_DTYPES] = {
    [QM_I8] = "i1", [QM_U8] = "u1", [QM_I16] = "i2", [QM_I32] = "i4", [QM_F32] = "f4", [QM_I64] = "i8", [QM_BOOL] = "b1"};
_Static_assert(QM_DTYPES == QM_BOOL + 1, "a type of tensors has no name in .npy files");

/* ---- inputs ---- */

static void print_shape(const uint64_t *dims, uint32_t rank, char *text, size_t size) {
    int used = snprintf(text, size, "(");
    for (uint32_t i = 0; i < rank; i++) used += snprintf(text + used, size - (size_t)used, "%s%" PRIu64, i > 0 ? ", " : "", dims[i]);
    snprintf(text + used, size - (size_t)used, ")");
}

static bool same_dims(const uint64_t *dims, const struct qm_program_tensor *tensor, uint32_t from) {
    for (uint32_t i = from; i < tensor->rank; i++)
        if (dims[i] != tensor->dims[i]) return false;
    return true;
}

/* How many examples of the tensor the array holds, and how they are stacked; 0: it does not hold any. */
static uint64_t count_examples(const struct qm_npy *array, const struct qm_program_tensor *tensor, enum cli_stacking *stacking) {
    *stacking = CLI_ONE;
    if (array->rank == tensor->rank && same_dims(array->dims, tensor, 0)) return 1;
    *stacking = CLI_IN_FRONT;
    if (array->rank == tensor->rank + 1 && same_dims(array->dims + 1, tensor, 0)) return array->dims[0];
    *stacking = CLI_LEADING;
    bool fits = array->rank == tensor->rank && tensor->rank > 0 && tensor->dims[0] > 0 && same_dims(array->dims, tensor, 1);
    return fits && array->dims[0] % tensor->dims[0] == 0 ? array->dims[0] / tensor->dims[0] : 0;
}

static enum qm_status check_array(const char *file, const struct qm_npy *array, const struct qm_program_tensor *tensor, uint64_t *examples,
                                  enum cli_stacking *stacking, struct qm_diag *diag) {
    char got[200], want[200];
    uint64_t dims[QM_MAX_RANK];
    if (strcmp(array->type, npy_types[tensor->dtype]) != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s:header: the elements are '%s', but input %s takes %s ('%s')", file, array->type,
                       tensor->name, qm_dtype_name(tensor->dtype), npy_types[tensor->dtype]);
    *examples = count_examples(array, tensor, stacking);
    if (*examples > 0) return QM_OK;
    for (uint32_t i = 0; i < tensor->rank; i++) dims[i] = tensor->dims[i];
    print_shape(array->dims, array->rank, got, sizeof got);
    print_shape(dims, tensor->rank, want, sizeof want);
    return qm_fail(diag, QM_BAD_INPUT, "%s:header: the shape is %s, but input %s takes %s, or a stack of these", file, got, tensor->name,
                   want);
}

static enum qm_status read_input(const struct qm_program *program, uint32_t index, const char *file, struct cli_inputs *inputs,
                                 struct qm_diag *diag) {
    uint64_t examples;
    enum cli_stacking stacking;
    QM_TRY(qm_npy_read(file, &inputs->arrays[index], diag));
    QM_TRY(check_array(file, &inputs->arrays[index], &program->tensors[index], &examples, &stacking, diag));
    if (index > 0 && examples != inputs->examples)
        return qm_fail(diag, QM_BAD_INPUT, "%s:header: %" PRIu64 " examples, but the inputs before have %" PRIu64, file, examples,
                       inputs->examples);
    inputs->data[index] = inputs->arrays[index].data;
    inputs->examples = examples;
    inputs->stacking = stacking;
    return QM_OK;
}

static void init_inputs(const struct qm_program *program, struct cli_inputs *inputs) {
    memset(inputs, 0, sizeof *inputs);
    inputs->arena = qm_arena_create();
    inputs->examples = 1;
    inputs->count = program->input_count;
    inputs->data = QM_ARENA_NEW(inputs->arena, uint8_t *, program->input_count);
    inputs->arrays = QM_ARENA_NEW(inputs->arena, struct qm_npy, program->input_count);
}

enum qm_status cli_inputs_read(const struct qm_program *program, const char *const *files, unsigned file_count, struct cli_inputs *inputs,
                               struct qm_diag *diag) {
    init_inputs(program, inputs);
    if (file_count != program->input_count)
        return qm_fail(diag, QM_BAD_INPUT, "--input %s: the model has %u inputs, but %u files are given", files[file_count - 1],
                       program->input_count, file_count);
    for (uint32_t i = 0; i < program->input_count; i++) QM_TRY(read_input(program, i, files[i], inputs, diag));
    return QM_OK;
}

/* Random bytes as floats between -4 and 4: any bits would be NaN at times. */
static void spread_floats(uint8_t *data, size_t size) {
    for (size_t i = 0; i + sizeof(float) <= size; i += sizeof(float)) {
        float number = (float)(int8_t)data[i] / 32;
        memcpy(data + i, &number, sizeof number);
    }
}

void cli_inputs_random(const struct qm_program *program, uint64_t seed, struct cli_inputs *inputs) {
    struct qm_prng prng;
    init_inputs(program, inputs);
    qm_prng_init(&prng, seed);
    for (uint32_t i = 0; i < program->input_count; i++) {
        inputs->data[i] = qm_arena_alloc(inputs->arena, program->tensors[i].size_bytes);
        qm_prng_fill(&prng, inputs->data[i], program->tensors[i].size_bytes);
        if (program->tensors[i].dtype == QM_F32) spread_floats(inputs->data[i], program->tensors[i].size_bytes);
    }
}

void cli_inputs_free(struct cli_inputs *inputs) {
    for (uint32_t i = 0; i < inputs->count; i++) qm_npy_free(&inputs->arrays[i]);
    qm_arena_destroy(inputs->arena);
    memset(inputs, 0, sizeof *inputs);
}

/* ---- outputs ---- */

void cli_outputs_init(const struct qm_program *program, bool all, uint64_t examples, struct cli_outputs *outputs) {
    outputs->first = program->input_count;
    outputs->count = all ? program->tensor_count - program->input_count : program->output_count;
    outputs->examples = examples;
    outputs->data = qm_alloc_zeroed(outputs->count + 1, sizeof *outputs->data);
    for (uint32_t i = 0; i < outputs->count; i++) {
        outputs->data[i] = qm_alloc(examples * program->tensors[outputs->first + i].size_bytes + 1);
    }
}

void cli_outputs_free(struct cli_outputs *outputs) {
    for (uint32_t i = 0; i < outputs->count; i++) free(outputs->data[i]);
    free(outputs->data);
    memset(outputs, 0, sizeof *outputs);
}

enum qm_status cli_prepare_folder(const char *folder, struct qm_diag *diag) {
    QM_TRY(cli_check_folder(folder, diag));
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: the folder cannot be made: %s", folder, strerror(errno));
}

static void file_name(const struct qm_program *program, uint32_t tensor, char *name, size_t size) {
    snprintf(name, size, "%s", program->tensors[tensor].name);
    for (char *at = name; *at != '\0'; at++)
        if (*at == '/' || *at == ':' || iscntrl((unsigned char)*at)) *at = '_';
}

/* Orders tensors by the names of their files, equal ones as they stand. */
static int compare_tensors(const void *a, const void *b, void *context) {
    char name[QM_NAME_BYTES], other[QM_NAME_BYTES];
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    file_name(context, x, name, sizeof name);
    file_name(context, y, other, sizeof other);
    int order = strcmp(name, other);
    return order != 0 ? order : (x > y) - (x < y);
}

/* The tensors from first on for which one before has the same name: [count], to free. */
static bool *find_twins(const struct qm_program *program, uint32_t first, uint32_t count) {
    char before[QM_NAME_BYTES] = "", name[QM_NAME_BYTES];
    bool *is_twin = qm_alloc_zeroed(count, sizeof *is_twin);
    uint32_t *sorted = qm_alloc_zeroed(count, sizeof *sorted);
    for (uint32_t i = 0; i < count; i++) sorted[i] = first + i;
    qsort_r(sorted, count, sizeof *sorted, compare_tensors, (void *)(uintptr_t)program); /* only read */
    for (uint32_t i = 0; i < count; i++) {
        file_name(program, sorted[i], name, sizeof name);
        is_twin[sorted[i] - first] = i > 0 && strcmp(name, before) == 0;
        memcpy(before, name, sizeof name);
    }
    free(sorted);
    return is_twin;
}

static void stack_shape(const struct qm_program_tensor *tensor, uint64_t examples, enum cli_stacking stacking, struct qm_npy *npy) {
    if (stacking == CLI_LEADING && tensor->rank == 0) stacking = CLI_IN_FRONT;
    uint32_t in_front = stacking == CLI_IN_FRONT;
    npy->rank = tensor->rank + in_front;
    for (uint32_t i = 0; i < tensor->rank; i++) npy->dims[i + in_front] = tensor->dims[i];
    if (in_front)
        npy->dims[0] = examples;
    else if (tensor->rank > 0)
        npy->dims[0] *= examples;
}

/* Writes a file with the tensor's name, and its number behind it when another tensor has the same name. */
static enum qm_status write_output(const struct qm_program *program, uint32_t tensor, bool is_twin, const char *folder,
                                   const struct qm_npy *npy, struct qm_diag *diag) {
    char name[QM_NAME_BYTES], number[16] = "", path[QM_PATH_BYTES];
    file_name(program, tensor, name, sizeof name);
    if (is_twin) snprintf(number, sizeof number, "_%u", tensor);
    QM_TRY(qm_path_join(path, diag, folder, "/", name, number, ".npy", NULL));
    return qm_npy_write(path, npy, diag);
}

static size_t element_count(const struct qm_program_tensor *tensor) {
    size_t count = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) count *= tensor->dims[i];
    return count;
}

static bool is_packed(const struct qm_program_tensor *tensor) {
    return tensor->size_bytes < element_count(tensor) * qm_dtype_bytes(tensor->dtype);
}

/* A map of 4-bit elements, as --layers keeps it, to one byte an element: the low nibble first, and a position of an odd number of channels
 * ends with a nibble that belongs to nobody. */
static enum qm_status expand(const struct qm_program_tensor *tensor, const uint8_t *packed, uint64_t examples, uint8_t **bytes,
                             struct qm_diag *diag) {
    size_t channels = tensor->rank > 0 ? tensor->dims[tensor->rank - 1] : 1, row_bytes = (channels + 1) / 2;
    size_t rows = element_count(tensor) / channels * examples;
    if (tensor->size_bytes * examples != rows * row_bytes)
        return qm_fail(diag, QM_BAD_INPUT, "--layers: %s: 4-bit elements whose channels are not the last dimension cannot be written",
                       tensor->name);
    *bytes = qm_alloc(rows * channels + 1);
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < channels; c++) {
            uint8_t nibble = packed[row * row_bytes + c / 2] >> 4 * (c % 2) & 0xf;
            (*bytes)[row * channels + c] = tensor->dtype == QM_I8 ? (uint8_t)((nibble ^ 8) - 8) : nibble;
        }
    return QM_OK;
}

enum qm_status cli_outputs_write(const struct qm_program *program, const struct cli_outputs *outputs, enum cli_stacking stacking,
                                 const char *folder, struct qm_diag *diag) {
    enum qm_status status = QM_OK;
    bool *is_twin = find_twins(program, outputs->first, outputs->count);
    for (uint32_t i = 0; i < outputs->count && status == QM_OK; i++) {
        const struct qm_program_tensor *tensor = &program->tensors[outputs->first + i];
        uint8_t *expanded = NULL;
        if (is_packed(tensor)) status = expand(tensor, outputs->data[i], outputs->examples, &expanded, diag);
        struct qm_npy npy = {.data = expanded != NULL ? expanded : outputs->data[i]};
        memcpy(npy.type, npy_types[tensor->dtype], sizeof npy.type);
        stack_shape(tensor, outputs->examples, stacking, &npy);
        if (status == QM_OK) status = write_output(program, outputs->first + i, is_twin[i], folder, &npy, diag);
        free(expanded);
    }
    free(is_twin);
    return status;
}

/* ---- labels ---- */

static enum qm_status check_labels(const struct qm_program *program, const char *file, const struct qm_npy *labels, struct qm_diag *diag) {
    const struct qm_program_tensor *tensor = &program->tensors[program->input_count];
    int64_t places = tensor->size_bytes / (int64_t)qm_dtype_bytes(tensor->dtype);
    for (uint64_t i = 0; i < labels->count && places > 1; i++) {
        int64_t label = qm_npy_integer(labels, i);
        if (label < 0 || label >= places)
            return qm_fail(diag, QM_BAD_INPUT, "%s: label %" PRId64 " of example %" PRIu64 ": the first output has places 0 to %" PRId64,
                           file, label, i, places - 1);
    }
    return QM_OK;
}

enum qm_status cli_labels_read(const struct qm_program *program, const char *file, uint64_t examples, struct qm_npy *labels,
                               struct qm_diag *diag) {
    QM_TRY(qm_npy_read(file, labels, diag));
    if (labels->type[0] == 'f') return qm_fail(diag, QM_BAD_INPUT, "%s:header: labels must be integers", file);
    if (labels->count == examples) return check_labels(program, file, labels, diag);
    return qm_fail(diag, QM_BAD_INPUT, "%s:header: %" PRIu64 " labels for %" PRIu64 " examples", file, labels->count, examples);
}

static bool is_larger(const struct qm_npy *values, uint64_t i, uint64_t j) {
    const float *floats = (const float *)(const void *)values->data;
    if (values->type[0] == 'f') return floats[i] > floats[j];
    return qm_npy_integer(values, i) > qm_npy_integer(values, j);
}

static uint64_t largest_element(const struct qm_npy *values) {
    uint64_t largest = 0;
    for (uint64_t i = 1; i < values->count; i++)
        if (is_larger(values, i, largest)) largest = i;
    return largest;
}

uint64_t cli_labels_count(const struct qm_program *program, const struct cli_outputs *outputs, const struct qm_npy *labels) {
    const struct qm_program_tensor *tensor = &program->tensors[outputs->first];
    uint64_t correct = 0;
    struct qm_npy values = {.item_bytes = qm_dtype_bytes(tensor->dtype)};
    memcpy(values.type, npy_types[tensor->dtype], sizeof values.type);
    values.count = tensor->size_bytes / values.item_bytes;
    for (uint64_t i = 0; i < outputs->examples; i++) {
        values.data = outputs->data[0] + i * tensor->size_bytes;
        correct += qm_npy_integer(labels, i) == (int64_t)largest_element(&values);
    }
    return correct;
}
