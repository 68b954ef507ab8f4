/* program.c - the program file: one description of the layout, walked to write and walked to read, so that the two cannot differ.
 *
 * All numbers are little-endian 32-bit words, 64-bit ones low word first; a float is its bits; a text is its full array, zero filled.
 *
 *   "QMACPROG" | version | fingerprint | the machine's knobs in the order of spec/hw_params.def | machine name [64]
 *   model [256] | model_sha256 [65] | requant [16] | search [16] | precision [256]
 *   insn_count | arena_bytes | code_offset | image_offset | image_bytes
 *   tensor_count | input_count | output_count | layer_count | stage_count
 *   tensor_count x  name [128] | dtype | rank | dims [6] | scale | zero_point | arena_offset | size_bytes
 *   layer_count x   name [128] | op [32] | shape [64] | precision [16] | op_index | on_host | macs (64)
 *   stage_count x    on_host | first_insn | insn_count | layer | host_op | input | output | beta | real_count (0: no more) | inner |
 *                    low (double) | high | real_count x (factor | addend)
 *   insn_count x    16 words
 *   insn_count x    layer
 *   image_bytes x   byte
 *
 * When reading, a count is checked against what is left of the file before anything is allocated for it.
 */
#include "common/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/file.h"

enum { REALS_MAX = 1 << 20 };
enum { MAGIC_BYTES = 8, VERSION = 4, WORD = 4, CODE_ALIGNMENT = 256, STAGE_ALIGNMENT = 4 };
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

/* ---- the walk ---- */

/* The file as it is read or written. Writing with bytes == NULL only measures. After the first problem nothing is read or written. */
struct stream {
    bool writing;
    uint8_t *bytes;
    size_t size, at;
    const char *name;
    struct qm_diag *diag;
    enum qm_status status;
};

static void refuse(struct stream *s, const char *what) {
    if (s->status == QM_OK)
        s->status = qm_fail(s->diag, QM_BAD_INPUT, "%s: at byte 0x%zx: %s; compile the model again", s->name, s->at, what);
}

static void require(struct stream *s, bool holds, const char *what) {
    if (!s->writing && !holds) refuse(s, what);
}

static void walk_bytes(struct stream *s, void *data, size_t size) {
    if (s->status != QM_OK) return;
    if (s->writing) {
        if (s->bytes != NULL && size > 0) memcpy(s->bytes + s->at, data, size);
    } else if (s->size - s->at < size) {
        refuse(s, "the file ends too early");
        return;
    } else if (size > 0) {
        memcpy(data, s->bytes + s->at, size);
    }
    s->at += size;
}

static void walk_u32(struct stream *s, uint32_t *value) {
    uint8_t bytes[WORD];
    for (uint32_t i = 0; i < WORD; i++) bytes[i] = (uint8_t)(*value >> 8 * i);
    walk_bytes(s, bytes, WORD);
    if (s->writing || s->status != QM_OK) return;
    *value = 0;
    for (uint32_t i = 0; i < WORD; i++) *value |= (uint32_t)bytes[i] << 8 * i;
}

static void walk_u64(struct stream *s, uint64_t *value) {
    uint32_t low = (uint32_t)*value, high = (uint32_t)(*value >> 32);
    walk_u32(s, &low);
    walk_u32(s, &high);
    *value = low | (uint64_t)high << 32;
}

static void walk_i32(struct stream *s, int32_t *value) {
    uint32_t word = (uint32_t)*value;
    walk_u32(s, &word);
    *value = (int32_t)word;
}

static void walk_float(struct stream *s, float *value) {
    uint32_t word;
    memcpy(&word, value, sizeof word);
    walk_u32(s, &word);
    memcpy(value, &word, sizeof word);
    require(s, isfinite(*value), "a number is not finite");
}

static void walk_bool(struct stream *s, bool *value) {
    uint32_t word = *value;
    walk_u32(s, &word);
    require(s, word <= 1, "neither yes nor no");
    *value = word == 1;
}

static void walk_text(struct stream *s, char *text, size_t size) {
    walk_bytes(s, text, size);
    if (!s->writing && s->status == QM_OK && memchr(text, '\0', size) == NULL) {
        text[size - 1] = '\0';
        refuse(s, "a text does not end");
    }
}

/* Reads a count of records of at least record_bytes each, which must still be there. */
static void walk_count(struct stream *s, uint32_t *count, size_t record_bytes) {
    walk_u32(s, count);
    if (s->status == QM_OK) require(s, *count <= (s->size - s->at) / record_bytes, "a count is larger than the file");
    if (s->status != QM_OK) *count = 0;
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
    require(s, qm_machine_check(machine, &inner) == QM_OK, "the machine in it has a knob out of range");
    if (s->status == QM_OK)
        require(s, qm_machine_fingerprint(machine) == fingerprint, "made for another instruction set (wrong fingerprint)");
}

static void walk_header(struct stream *s, struct qm_program *program) {
    char magic[MAGIC_BYTES] = "";
    uint32_t version = VERSION;
    memcpy(magic, MAGIC, MAGIC_BYTES);
    walk_bytes(s, magic, MAGIC_BYTES);
    require(s, memcmp(magic, MAGIC, MAGIC_BYTES) == 0, "not a qmac program");
    walk_u32(s, &version);
    require(s, version == VERSION, "written by another version of qmac");
    walk_machine(s, &program->machine);
    walk_text(s, program->model, sizeof program->model);
    walk_text(s, program->model_sha256, sizeof program->model_sha256);
    walk_text(s, program->requant, sizeof program->requant);
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
    require(s, program->code_offset % CODE_ALIGNMENT == 0, "the code is not aligned");
    require(s, program->code_offset + (uint64_t)program->insn_count * QM_INSN_BYTES <= program->arena_bytes, "the code leaves the memory");
    require(s, (uint64_t)program->image_offset + program->image_bytes <= program->arena_bytes, "the constants leave the memory");
    require(s, (uint64_t)program->input_count + program->output_count <= program->tensor_count, "more inputs and outputs than tensors");
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
    require(s, dtype < QM_DTYPES, "a tensor of an unknown type");
    require(s, tensor->rank <= QM_MAX_RANK, "a tensor of too many dimensions");
    if (s->status != QM_OK) return;
    tensor->dtype = (enum qm_dtype)dtype;
    require(s, tensor_size_is_right(tensor), "a tensor's size is not that of its shape");
    require(s, (uint64_t)tensor->arena_offset + tensor->size_bytes <= arena_bytes, "a tensor leaves the memory");
}

static void walk_layer(struct stream *s, struct qm_program_layer *layer) {
    walk_text(s, layer->name, sizeof layer->name);
    walk_text(s, layer->op, sizeof layer->op);
    walk_text(s, layer->shape, sizeof layer->shape);
    walk_text(s, layer->precision, sizeof layer->precision);
    walk_u32(s, &layer->op_index);
    walk_bool(s, &layer->on_host);
    walk_u64(s, &layer->macs);
}

static bool is_byte(enum qm_dtype dtype) {
    return dtype == QM_I8 || dtype == QM_U8;
}

static bool is_quantized(const struct qm_program_tensor *tensor) {
    return is_byte(tensor->dtype) && tensor->scale > 0 && tensor->zero_point >= INT8_MIN && tensor->zero_point <= UINT8_MAX;
}

static uint64_t elements(const struct qm_program_tensor *tensor) {
    return tensor->size_bytes / qm_dtype_bytes(tensor->dtype);
}

/* Whether the operands of a host stage fit its operator. Softmax: bytes in and out, the same number of rows of the same depth. Quantize and
 * dequantize: floats on one side, quantized bytes on the other. */
static bool reals_are_right(const struct qm_program_tensor *in, const struct qm_reals *reals) {
    if (reals == NULL) return is_quantized(in) || (in->dtype == QM_I32 && in->scale > 0);
    return is_byte(in->dtype) ? reals->count == QM_TABLE_BYTES : in->dtype == QM_I32 && reals->inner > 0;
}

static bool host_stage_is_right(const struct qm_program *program, const struct qm_program_stage *stage) {
    if (stage->layer >= program->layer_count || stage->host_op >= QM_HOST_OPS) return false;
    if (stage->input >= program->tensor_count || stage->output >= program->tensor_count) return false;
    const struct qm_program_tensor *in = &program->tensors[stage->input], *out = &program->tensors[stage->output];
    if (stage->host_op == QM_HOST_QUANTIZE || stage->host_op == QM_HOST_QUANTIZE_EVEN)
        return in->dtype == QM_F32 && is_quantized(out) && elements(in) == elements(out);
    if (stage->host_op == QM_HOST_DEQUANTIZE)
        return reals_are_right(in, stage->reals) && out->dtype == QM_F32 && elements(in) == elements(out);
    return is_byte(in->dtype) && in->dtype == out->dtype && in->rank >= 1 && out->rank >= 1 && in->size_bytes == out->size_bytes &&
           in->dims[in->rank - 1] == out->dims[out->rank - 1] && in->scale > 0 && stage->beta > 0;
}

static void walk_double(struct stream *s, double *value) {
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    walk_u64(s, &bits);
    memcpy(value, &bits, sizeof bits);
}

/* Of an input that has so many elements. */
static void walk_reals(struct stream *s, const struct qm_program *program, struct qm_program_stage *stage) {
    struct qm_reals reals = {0};
    if (stage->reals != NULL) reals = *stage->reals;
    walk_u32(s, &reals.count);
    if (reals.count == 0 || s->status != QM_OK) return;
    require(s, stage->input < program->tensor_count && reals.count <= REALS_MAX, "real numbers that make no sense");
    walk_u32(s, &reals.inner);
    walk_double(s, &reals.low);
    walk_double(s, &reals.high);
    if (s->status != QM_OK) return;
    bool table = is_byte(program->tensors[stage->input].dtype);
    double *factors = QM_ARENA_NEW(program->arena, double, reals.count), *addends = QM_ARENA_NEW(program->arena, double, reals.count);
    for (uint32_t c = 0; c < reals.count && s->status == QM_OK; c++) {
        if (s->writing) factors[c] = reals.factors[c];
        if (s->writing && reals.addends != NULL) addends[c] = reals.addends[c];
        walk_double(s, &factors[c]);
        walk_double(s, &addends[c]);
    }
    if (s->writing) return;
    struct qm_reals *own = QM_ARENA_NEW(program->arena, struct qm_reals, 1);
    *own = reals;
    own->factors = factors;
    own->addends = table ? NULL : addends;
    stage->reals = own;
}

static void walk_stage(struct stream *s, const struct qm_program *program, struct qm_program_stage *stage) {
    uint32_t host_op = stage->host_op;
    walk_bool(s, &stage->on_host);
    walk_u32(s, &stage->first_insn);
    walk_u32(s, &stage->insn_count);
    walk_u32(s, &stage->layer);
    walk_u32(s, &host_op);
    walk_u32(s, &stage->input);
    walk_u32(s, &stage->output);
    walk_float(s, &stage->beta);
    walk_reals(s, program, stage);
    if (s->writing || s->status != QM_OK) return;
    stage->host_op = (enum qm_host_op)host_op;
    if (stage->on_host) {
        require(s, host_stage_is_right(program, stage), "a host step that makes no sense");
    } else {
        require(s, stage->first_insn % STAGE_ALIGNMENT == 0, "a step's first instruction is not aligned");
        require(s, (uint64_t)stage->first_insn + stage->insn_count <= program->insn_count, "a step leaves the code");
    }
}

static void walk_code(struct stream *s, struct qm_program *program) {
    for (uint32_t i = 0; i < program->insn_count; i++)
        for (uint32_t word = 0; word < QM_INSN_WORDS; word++) walk_u32(s, &program->insns[i][word]);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        walk_u32(s, &program->insn_layer[i]);
        require(s, program->insn_layer[i] < program->layer_count, "an instruction of an unknown layer");
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
    require(s, s->status != QM_OK || s->at == s->size, "more bytes than the program has");
}

enum qm_status qm_program_save(const struct qm_program *program, const char *file, struct qm_diag *diag) {
    struct qm_program copy = *program; /* the walk takes what it may also fill */
    QM_CHECK(program->work == NULL);
    struct stream measure = {.writing = true, .name = file, .diag = diag};
    walk_program(&measure, &copy);
    struct stream stream = {.writing = true, .bytes = qm_alloc(measure.at), .name = file, .diag = diag};
    walk_program(&stream, &copy);
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
