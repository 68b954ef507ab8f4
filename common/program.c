/* program.c - the program file: one description of the layout, walked to write and walked to read, so that the two cannot differ.
 *
 * A float is its bits; a text is its full array, zero filled (program_stream.h).
 *
 *   "QMACPROG" | version | SHA-256 [32] of all that is behind it | fingerprint
 *   the machine's knobs in the order of spec/hw_params.def | machine name [64]
 *   model [256] | model_sha256 [65] | requant [16] | file_requant [16] | other_sums | search [16] | precision [256]
 *   insn_count | arena_bytes | code_offset | image_offset | image_bytes
 *   tensor_count | input_count | output_count | layer_count | stage_count
 *   tensor_count x  name [128] | dtype | rank | dims [6] | scale | zero_point | arena_offset | size_bytes
 *   layer_count x   name [128] | op [32] | shape [64] | precision [16] | op_index | on_host | may_overflow | macs (64)
 *   stage_count x   on_host | first_insn | insn_count | layer | input_count x input | output | graph (program_stream.h)
 *   insn_count x    16 words
 *   insn_count x    layer
 *   image_bytes x   byte
 *
 * When reading, a count is checked against what is left of the file before anything is allocated for it.
 */
#include "common/program.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/program_stream.h"

enum { MAGIC_BYTES = 8, VERSION = 10, WORD = 4, CODE_ALIGNMENT = 256, STAGE_ALIGNMENT = 4 };
enum { CHECKSUM_AT = MAGIC_BYTES + WORD, CHECKSUM_END = CHECKSUM_AT + SHA256_DIGEST_SIZE };
static const char MAGIC[MAGIC_BYTES + 1] = "QMACPROG";
static const size_t FILE_BYTES_MAX = (size_t)1 << 32;

struct qm_program *qm_program_create(void) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_program *program = QM_ARENA_NEW(arena, struct qm_program, 1);
    program->arena = arena;
    qm_machine_init(&program->machine);
    return program;
}

void qm_program_destroy(struct qm_program *program) {
    if (program != NULL) qm_arena_destroy(program->arena);
}

bool qm_program_overrides(const struct qm_program *program) {
    return strcmp(program->requant, program->file_requant) != 0;
}

/* ---- the checksum ---- */

/* Of the bytes behind it. */
static void checksum_of(const uint8_t *bytes, size_t size, uint8_t checksum[SHA256_DIGEST_SIZE]) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, size, bytes);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, checksum);
}

void qm_program_seal(uint8_t *bytes, size_t size) {
    if (size >= CHECKSUM_END) checksum_of(bytes + CHECKSUM_END, size - CHECKSUM_END, bytes + CHECKSUM_AT);
}

/* Writing leaves room for it. */
static void walk_checksum(struct stream *s) {
    uint8_t checksum[SHA256_DIGEST_SIZE] = {0}, right[SHA256_DIGEST_SIZE];
    walk_bytes(s, checksum, sizeof checksum);
    if (s->writing || s->status != QM_OK) return;
    checksum_of(s->bytes + s->at, s->size - s->at, right);
    walk_require(s, memcmp(checksum, right, sizeof right) == 0, "damaged: its checksum does not fit");
}

/* ---- the records ---- */

static void walk_machine(struct stream *s, struct qm_machine *machine) {
    uint32_t fingerprint = s->writing ? qm_machine_fingerprint(machine) : 0;
    walk_u32(s, &fingerprint);
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text) walk_u32(s, &machine->name);
#include "spec/hw_params.def"
#undef QM_PARAM
    walk_text(s, machine->name, sizeof machine->name);
    if (s->writing || s->status != QM_OK) return;
    struct qm_diag inner;
    walk_require(s, qm_machine_check(machine, &inner) == QM_OK, "the machine in it has a knob out of range");
    if (s->status == QM_OK)
        walk_require(s, qm_machine_fingerprint(machine) == fingerprint, "made for another instruction set (wrong fingerprint)");
}

static void walk_header(struct stream *s, struct qm_program *program) {
    char magic[MAGIC_BYTES] = "";
    uint32_t version = VERSION;
    memcpy(magic, MAGIC, MAGIC_BYTES);
    walk_bytes(s, magic, MAGIC_BYTES);
    walk_require(s, memcmp(magic, MAGIC, MAGIC_BYTES) == 0, "not a qmac program");
    walk_u32(s, &version);
    walk_require(s, version == VERSION, "written by another version of qmac");
    walk_checksum(s);
    walk_machine(s, &program->machine);
    walk_text(s, program->model, sizeof program->model);
    walk_text(s, program->model_sha256, sizeof program->model_sha256);
    walk_text(s, program->requant, sizeof program->requant);
    walk_text(s, program->file_requant, sizeof program->file_requant);
    walk_u32(s, &program->other_sums);
    walk_text(s, program->search, sizeof program->search);
    walk_text(s, program->precision, sizeof program->precision);
}

static void walk_sizes(struct stream *s, struct qm_program *program) {
    walk_count(s, &program->insn_count, QM_INSN_BYTES + WORD);
    walk_u32(s, &program->arena_bytes);
    walk_u32(s, &program->code_offset);
    walk_u32(s, &program->image_offset);
    walk_count(s, &program->image_bytes, 1);
    walk_count(s, &program->tensor_count, QM_NAME_BYTES);
    walk_u32(s, &program->input_count);
    walk_u32(s, &program->output_count);
    walk_count(s, &program->layer_count, QM_NAME_BYTES);
    walk_count(s, &program->stage_count, WORD);
    walk_require(s, program->code_offset % CODE_ALIGNMENT == 0, "the code is not aligned");
    walk_require(s, program->code_offset + (uint64_t)program->insn_count * QM_INSN_BYTES <= program->arena_bytes,
                 "the code leaves the memory");
    walk_require(s, (uint64_t)program->image_offset + program->image_bytes <= program->arena_bytes, "the constants leave the memory");
    walk_require(s, (uint64_t)program->input_count + program->output_count <= program->tensor_count,
                 "more inputs and outputs than tensors");
}

static bool tensor_size_is_right(const struct qm_program_tensor *tensor) {
    uint64_t bytes = qm_dtype_bytes(tensor->dtype);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] == 0) return false;
        bytes *= tensor->dims[i];
        if (bytes > UINT32_MAX) return false;
    }
    return bytes == tensor->size_bytes;
}

static void walk_tensor(struct stream *s, struct qm_program_tensor *tensor, uint32_t arena_bytes) {
    uint32_t dtype = tensor->dtype;
    walk_text(s, tensor->name, sizeof tensor->name);
    walk_u32(s, &dtype);
    walk_u32(s, &tensor->rank);
    for (uint32_t i = 0; i < QM_MAX_RANK; i++) walk_u32(s, &tensor->dims[i]);
    walk_float(s, &tensor->scale);
    walk_i32(s, &tensor->zero_point);
    walk_u32(s, &tensor->arena_offset);
    walk_u32(s, &tensor->size_bytes);
    if (s->writing || s->status != QM_OK) return;
    walk_require(s, dtype < QM_DTYPES, "a tensor of an unknown type");
    walk_require(s, tensor->rank <= QM_MAX_RANK, "a tensor of too many dimensions");
    if (s->status != QM_OK) return;
    tensor->dtype = (enum qm_dtype)dtype;
    walk_require(s, tensor_size_is_right(tensor), "a tensor's size is not that of its shape");
    walk_require(s, (uint64_t)tensor->arena_offset + tensor->size_bytes <= arena_bytes, "a tensor leaves the memory");
}

static void walk_layer(struct stream *s, struct qm_program_layer *layer) {
    QM_CHECK(!layer->is_inexact);
    walk_text(s, layer->name, sizeof layer->name);
    walk_text(s, layer->op, sizeof layer->op);
    walk_text(s, layer->shape, sizeof layer->shape);
    walk_text(s, layer->precision, sizeof layer->precision);
    walk_u32(s, &layer->op_index);
    walk_bool(s, &layer->on_host);
    walk_bool(s, &layer->may_overflow);
    walk_u64(s, &layer->macs);
}

/* Whether a tensor of a host graph is stored as one of the program is. */
static bool fits(const struct qm_program_tensor *tensor, const struct qm_graph_tensor *other) {
    return tensor->dtype == other->dtype && tensor->size_bytes == qm_graph_elements(other) * qm_dtype_bytes(other->dtype);
}

static bool host_stage_is_right(const struct qm_program *program, const struct qm_program_stage *stage) {
    const struct qm_graph *graph = stage->graph;
    if (graph == NULL || stage->layer >= program->layer_count || stage->output >= program->tensor_count) return false;
    if (graph->input_count != stage->input_count || graph->output_count != 1) return false;
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (stage->inputs[i] >= program->tensor_count || !fits(&program->tensors[stage->inputs[i]], &graph->tensors[graph->inputs[i]]))
            return false;
    return fits(&program->tensors[stage->output], &graph->tensors[graph->outputs[0]]);
}

static void walk_host(struct stream *s, const struct qm_program *program, struct qm_program_stage *stage) {
    walk_count(s, &stage->input_count, WORD);
    if (!s->writing) stage->inputs = QM_ARENA_NEW(program->arena, uint32_t, stage->input_count);
    for (uint32_t i = 0; i < stage->input_count; i++) walk_u32(s, &stage->inputs[i]);
    walk_u32(s, &stage->output);
    walk_graph(s, program->arena, &stage->graph);
}

static void walk_stage(struct stream *s, const struct qm_program *program, struct qm_program_stage *stage) {
    walk_bool(s, &stage->on_host);
    walk_u32(s, &stage->first_insn);
    walk_u32(s, &stage->insn_count);
    walk_u32(s, &stage->layer);
    walk_host(s, program, stage);
    if (s->writing || s->status != QM_OK) return;
    if (stage->on_host) {
        walk_require(s, host_stage_is_right(program, stage), "a host step that makes no sense");
    } else {
        walk_require(s, stage->first_insn % STAGE_ALIGNMENT == 0, "a step's first instruction is not aligned");
        walk_require(s, (uint64_t)stage->first_insn + stage->insn_count <= program->insn_count, "a step leaves the code");
    }
}

static void walk_code(struct stream *s, struct qm_program *program) {
    for (uint32_t i = 0; i < program->insn_count; i++)
        for (uint32_t word = 0; word < QM_INSN_WORDS; word++) walk_u32(s, &program->insns[i][word]);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        walk_u32(s, &program->insn_layer[i]);
        walk_require(s, program->insn_layer[i] < program->layer_count, "an instruction of an unknown layer");
    }
}

static void allocate(struct qm_program *program) {
    program->tensors = QM_ARENA_NEW(program->arena, struct qm_program_tensor, program->tensor_count);
    program->layers = QM_ARENA_NEW(program->arena, struct qm_program_layer, program->layer_count);
    program->stages = QM_ARENA_NEW(program->arena, struct qm_program_stage, program->stage_count);
    program->insns = qm_arena_alloc(program->arena, (size_t)program->insn_count * sizeof *program->insns);
    program->insn_layer = QM_ARENA_NEW(program->arena, uint32_t, program->insn_count);
    program->image = QM_ARENA_NEW(program->arena, uint8_t, program->image_bytes);
}

static void walk_program(struct stream *s, struct qm_program *program) {
    walk_header(s, program);
    if (s->status == QM_OK) walk_sizes(s, program);
    if (s->status != QM_OK) return;
    if (!s->writing) allocate(program);
    for (uint32_t i = 0; i < program->tensor_count && s->status == QM_OK; i++) walk_tensor(s, &program->tensors[i], program->arena_bytes);
    for (uint32_t i = 0; i < program->layer_count && s->status == QM_OK; i++) walk_layer(s, &program->layers[i]);
    for (uint32_t i = 0; i < program->stage_count && s->status == QM_OK; i++) walk_stage(s, program, &program->stages[i]);
    if (s->status == QM_OK) walk_code(s, program);
    walk_bytes(s, program->image, program->image_bytes);
    walk_require(s, s->status != QM_OK || s->at == s->size, "more bytes than the program has");
}

enum qm_status qm_program_save(const struct qm_program *program, const char *file, struct qm_diag *diag) {
    struct qm_program copy = *program; /* the walk takes what it may also fill */
    QM_CHECK(program->work == NULL);
    struct stream measure = {.writing = true, .name = file, .diag = diag};
    walk_program(&measure, &copy);
    struct stream stream = {.writing = true, .bytes = qm_alloc(measure.at), .name = file, .diag = diag};
    walk_program(&stream, &copy);
    qm_program_seal(stream.bytes, stream.at);
    enum qm_status status = qm_file_write(file, stream.bytes, stream.at, diag);
    free(stream.bytes);
    return status;
}

bool qm_program_recognizes(const uint8_t *bytes, size_t size) {
    return size >= MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
}

enum qm_status qm_program_parse(const uint8_t *bytes, size_t size, const char *name, struct qm_program **program, struct qm_diag *diag) {
    struct stream stream = {.bytes = (uint8_t *)(uintptr_t)bytes, .size = size, .name = name, .diag = diag}; /* only read */
    struct qm_program *parsed = qm_program_create();
    walk_program(&stream, parsed);
    if (stream.status != QM_OK) {
        qm_program_destroy(parsed);
        return stream.status;
    }
    *program = parsed;
    return QM_OK;
}

enum qm_status qm_program_load(const char *file, struct qm_program **program, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    enum qm_status status = qm_program_parse(bytes, size, file, program, diag);
    free(bytes);
    return status;
}
