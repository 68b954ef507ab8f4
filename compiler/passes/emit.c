/* emit.c - the program: packed instructions, constants as the machine reads them, and the tables that reports and the driver need.
 *
 *   arena:     maps | constants | code            (offsets from place and schedule)
 *   constant:  for each part of K: for each tile: its weights (weights.c); then for each tile: bias [C] i32, multiplier [C] i32,
 *              shift [C] i8
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/program_work.h"
#include "common/text.h"
#include "common/work.h"
#include "compiler/passes/passes.h"

enum { CODE_ALIGNMENT = 256, STAGE_ALIGNMENT = 4, ARENA_ALIGNMENT = 256 };

struct emitter {
    const struct plan *plan;
    const struct qm_network *network;
    struct qm_program *program;
};

/* ---- constants ---- */

static void put_word(uint8_t *at, uint32_t word) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(word >> 8 * i);
}

static uint8_t *put_params(const struct emitter *e, const struct qm_layer *l, const struct plan_lowering *lowering, struct range channels,
                           uint8_t *at) {
    uint32_t cols = e->plan->machine->cols, own = lowering->channels / lowering->group;
    for (uint32_t i = 0; i < channels.count; i++) {
        uint32_t channel = (channels.first + i) % own;
        put_word(at + 4 * i, (uint32_t)l->bias[channel]);
        put_word(at + 4 * (cols + i), (uint32_t)l->scales[channel].value);
        at[8 * cols + i] = (uint8_t)l->scales[channel].shift;
    }
    return at + QM_PARAMETER_BYTES * cols;
}

static void put_constant(const struct emitter *e, const struct plan_constant *constant) {
    const struct qm_layer *l = &e->network->layers[constant->layer];
    const struct plan_tiling *t = &e->plan->layers[constant->layer].tiling;
    const struct plan_window *w = &t->lowering.window;
    uint32_t tile = qm_machine_tile(e->plan->machine, t->lowering.depthwise), end = constant->channel + constant->channels;
    uint8_t *at = e->program->image + constant->offset;
    if (constant->channels == 0) {
        memcpy(at, l->table, constant->bytes);
        return;
    }
    uint32_t kernel_rows = qm_layer_is_product(l) ? 0 : lowering_kernel_rows(&t->lowering);
    for (uint32_t ky = 0, rows; ky < kernel_rows; ky += rows) {
        rows = plan_min(t->part_kernel_h, w->kernel_h - ky % w->kernel_h);
        for (uint32_t byte = 0; byte < w->run_bytes; byte += t->part_run)
            for (uint32_t c = constant->channel; c < end; c += tile) {
                struct weights_part part = {{ky, rows}, {byte, plan_min(t->part_run, w->run_bytes - byte)}};
                at = weights_put(l, &t->lowering, &part, (struct range){c, plan_min(tile, end - c)}, at);
            }
    }
    for (uint32_t c = constant->channel; c < end; c += tile)
        at = put_params(e, l, &t->lowering, (struct range){c, plan_min(tile, end - c)}, at);
    QM_CHECK(at == e->program->image + constant->offset + constant->bytes);
}

static void put_image(const struct emitter *e) {
    const struct plan *plan = e->plan;
    e->program->image_offset = plan->image_offset;
    e->program->image_bytes = plan->image_bytes;
    if (plan->options->plan_only) return;
    e->program->image = QM_ARENA_NEW(e->program->arena, uint8_t, plan->image_bytes);
    for (uint32_t i = 0; i < plan->constant_count; i++) put_constant(e, &plan->constants[i]);
    for (uint32_t i = 0; i < e->network->value_count; i++) {
        const struct plan_value *value = &plan->values[i];
        if (e->network->values[i].data != NULL)
            memcpy(e->program->image + (value->arena_offset - plan->image_offset), e->network->values[i].data, value->bytes);
    }
}

/* ---- tensors ---- */

static uint32_t add_tensor(const struct emitter *e, uint32_t value) {
    const struct qm_value *v = &e->network->values[value];
    const struct plan_value *storage = plan_storage(e->plan, value);
    const struct qm_graph_tensor *source = &e->network->graph->tensors[v->graph_tensor];
    struct qm_program_tensor *tensor = &e->program->tensors[e->program->tensor_count];
    qm_text_copy(v->name, tensor->name, sizeof tensor->name);
    tensor->dtype = v->dtype;
    tensor->rank = source->rank;
    memcpy(tensor->dims, source->dims, sizeof tensor->dims);
    if (source->quant.count > 0) {
        tensor->scale = source->quant.scale[0];
        tensor->zero_point = (int32_t)source->quant.zero_point[0];
    }
    tensor->arena_offset = storage->arena_offset;
    tensor->size_bytes = storage->bytes;
    return e->program->tensor_count++;
}

/* The tensor of a value that inputs, outputs or earlier layers may have brought already. */
static uint32_t tensor_of(const struct emitter *e, uint32_t value) {
    const struct qm_value *v = &e->network->values[value];
    const struct plan_value *storage = plan_storage(e->plan, value);
    for (uint32_t i = 0; i < e->program->tensor_count; i++) {
        const struct qm_program_tensor *tensor = &e->program->tensors[i];
        if (tensor->arena_offset == storage->arena_offset && strncmp(tensor->name, v->name, sizeof tensor->name - 1) == 0) return i;
    }
    return add_tensor(e, value);
}

static void put_tensors(const struct emitter *e) {
    const struct qm_network *network = e->network;
    struct qm_program *program = e->program;
    size_t most = (size_t)network->input_count + network->output_count;
    for (uint32_t i = 0; i < network->layer_count; i++) most += network->layers[i].input_count + 1;
    program->tensors = QM_ARENA_NEW(program->arena, struct qm_program_tensor, most);
    program->input_count = network->input_count;
    program->output_count = network->output_count;
    for (uint32_t i = 0; i < network->input_count; i++) add_tensor(e, network->inputs[i]);
    for (uint32_t i = 0; i < network->output_count; i++) add_tensor(e, network->outputs[i]);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *l = &network->layers[i];
        for (uint32_t j = 0; l->kind == QM_LAYER_HOST && j < l->input_count; j++) tensor_of(e, l->inputs[j]);
        bool kept = e->plan->options->keep_layers && !network->values[l->output].between;
        if (l->kind == QM_LAYER_HOST || kept) tensor_of(e, l->output);
    }
}

/* ---- layers ---- */

static void describe_shape(const struct emitter *e, const struct qm_layer *l, char *text, size_t size) {
    const struct qm_value *in = &e->network->values[l->inputs[0]], *out = &e->network->values[l->output];
    int length = snprintf(text, size, "%ux%ux%u > %ux%ux%u", in->h, in->w, in->c, out->h, out->w, out->c);
    if (l->kernel_h > 0 && (size_t)length < size)
        snprintf(text + length, size - (size_t)length, ", %ux%u/%u", l->kernel_h, l->kernel_w, l->stride_h);
}

/* A name of spec/isa.def in small letters. */
static void put_small(const char *name, char *text, size_t size) {
    snprintf(text, size, "%s", name);
    for (char *c = text; *c != '\0'; c++) *c = (char)tolower((unsigned char)*c);
}

static bool is_storing(enum qm_graph_op_kind kind) {
    return kind == QM_OP_QUANTIZE || kind == QM_OP_TRANSPOSE || kind == QM_OP_RESHAPE || kind == QM_OP_CAST;
}

/* What a report calls an operator: one of the host as the file calls the last that computes, before numbers are stored. */
static void put_op_name(const struct qm_layer *l, const struct qm_graph_op *op, char *text, size_t size) {
    const struct qm_graph_op *shown = op;
    if (op->kind == QM_OP_HOST) {
        uint32_t last = op->graph->op_count - 1;
        while (last > 0 && is_storing(op->graph->ops[last].kind)) last--;
        shown = &op->graph->ops[last];
    }
    const char *name = l->added ? "QUANTIZE" : qm_graph_op_name(shown->kind);
    if (op->kind == QM_OP_HOST && shown->name != NULL) name = shown->name;
    snprintf(text, size, "%.*s%s", (int)strcspn(name, " "), name, l->residual ? "+ADD" : "");
}

static void put_layers(const struct emitter *e) {
    struct qm_program *program = e->program;
    program->layer_count = e->network->layer_count;
    program->layers = QM_ARENA_NEW(program->arena, struct qm_program_layer, program->layer_count);
    for (uint32_t i = 0; i < program->layer_count; i++) {
        const struct qm_layer *l = &e->network->layers[i];
        const struct qm_graph_op *op = &e->network->graph->ops[l->graph_op];
        struct qm_program_layer *layer = &program->layers[i];
        qm_text_copy(plan_layer_name(e->plan, i), layer->name, sizeof layer->name);
        put_op_name(l, op, layer->op, sizeof layer->op);
        put_small(qm_enum_value_name("precision", l->precision), layer->precision, sizeof layer->precision);
        describe_shape(e, l, layer->shape, sizeof layer->shape);
        layer->op_index = op->index;
        layer->macs = l->macs;
        layer->on_host = l->kind == QM_LAYER_HOST;
        layer->is_inexact = l->is_inexact;
        layer->may_overflow = layer_sums_may_overflow(e->network, l, program->machine.accumulator_bits);
    }
}

/* ---- code ---- */

static uint32_t round_up(uint32_t n, uint32_t to) {
    return plan_ceil_div(n, to) * to;
}

/* The instruction as words, or as work only. */
static void put_insn(const struct emitter *e, uint32_t op_index, uint32_t index) {
    const struct plan_op *op = &e->plan->ops[op_index];
    e->program->insn_layer[index] = op->layer;
    QM_CHECK(!op->is_wide); /* check_operations */
    if (e->plan->options->plan_only) {
        struct qm_insn insn;
        plan_get_insn(op, &insn);
        e->program->work->records[index] = e->plan->records[op_index];
        qm_work_add(&insn, e->plan->machine, &e->program->work->events[op->layer]);
    } else {
        memcpy(e->program->insns[index], op->words, QM_INSN_BYTES);
    }
}

static void put_host_stage(const struct emitter *e, uint32_t layer, struct qm_program_stage *stage) {
    const struct qm_layer *l = &e->network->layers[layer];
    *stage = (struct qm_program_stage){.on_host = true, .layer = layer, .input_count = l->input_count};
    stage->graph = qm_graph_copy(l->graph, e->program->arena);
    stage->inputs = QM_ARENA_NEW(e->program->arena, uint32_t, l->input_count);
    for (uint32_t i = 0; i < l->input_count; i++) stage->inputs[i] = tensor_of(e, l->inputs[i]);
    stage->output = tensor_of(e, l->output);
}

/* Room for what each instruction becomes. */
static void make_room(const struct emitter *e) {
    struct qm_program *program = e->program;
    program->insn_count = e->plan->op_count + STAGE_ALIGNMENT * e->plan->stage_count;
    program->insn_layer = QM_ARENA_NEW(program->arena, uint32_t, program->insn_count);
    if (e->plan->options->plan_only)
        program->work = qm_program_work_create(program, program->arena);
    else
        program->insns = qm_arena_alloc(program->arena, (size_t)program->insn_count * sizeof *program->insns);
}

/* Slots between stages stay zero and are never executed. */
static void put_code(const struct emitter *e) {
    const struct plan *plan = e->plan;
    struct qm_program *program = e->program;
    uint32_t next = 0;
    make_room(e);
    program->stages = QM_ARENA_NEW(program->arena, struct qm_program_stage, plan->stage_count);
    program->stage_count = plan->stage_count;
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const struct plan_stage *stage = &plan->stages[i];
        if (stage->on_host) {
            put_host_stage(e, stage->layer, &program->stages[i]);
            continue;
        }
        next = round_up(next, STAGE_ALIGNMENT);
        program->stages[i] =
            (struct qm_program_stage){.first_insn = next, .insn_count = stage->last_op - stage->first_op, .layer = stage->layer};
        for (uint32_t j = stage->first_op; j < stage->last_op; j++) put_insn(e, j, next++);
    }
    program->insn_count = next;
}

static void put_origin(const struct emitter *e) {
    struct qm_program *program = e->program;
    program->machine = *e->plan->machine;
    qm_text_copy(e->network->graph->file, program->model, sizeof program->model);
    memcpy(program->model_sha256, e->network->graph->sha256, sizeof program->model_sha256);
    bool was_real = e->network->graph->was_real;
    program->has_no_weights = e->network->graph->has_no_weights;
    snprintf(program->requant, sizeof program->requant, "%s", qm_requant_name(e->plan->options->requant, was_real));
    snprintf(program->file_requant, sizeof program->file_requant, "%s", qm_requant_name(QM_REQUANT_FILE, was_real));
    for (uint32_t i = 0; i < e->network->layer_count; i++) program->other_sums += e->network->layers[i].other_sums;
    qm_text_copy(qm_search_name(e->plan->options->search), program->search, sizeof program->search);
    if (e->plan->options->precision != NULL) qm_text_copy(e->plan->options->precision, program->precision, sizeof program->precision);
}

static enum qm_status put_all(const struct emitter *e) {
    const struct plan *plan = e->plan;
    put_origin(e);
    put_layers(e);
    put_tensors(e);
    put_code(e);
    uint64_t code = ((uint64_t)plan->image_offset + plan->image_bytes + CODE_ALIGNMENT - 1) / CODE_ALIGNMENT * CODE_ALIGNMENT;
    uint64_t end = code + (uint64_t)e->program->insn_count * QM_INSN_BYTES + ARENA_ALIGNMENT;
    if (end > INT32_MAX)
        return qm_fail(plan->diag, QM_BAD_INPUT, "%s: the program needs more than 2 GiB of memory", e->network->graph->file);
    e->program->code_offset = (uint32_t)code;
    e->program->arena_bytes = round_up((uint32_t)end - ARENA_ALIGNMENT, ARENA_ALIGNMENT);
    put_image(e);
    return QM_OK;
}

enum qm_status pass_emit(struct plan *plan) {
    struct emitter emitter = {.plan = plan, .network = plan->network, .program = qm_program_create()};
    enum qm_status status = put_all(&emitter);
    if (status == QM_OK)
        plan->program = emitter.program;
    else
        qm_program_destroy(emitter.program);
    return status;
}

void emit_print(const struct plan *plan, FILE *out) {
    const struct qm_program *program = plan->program;
    fprintf(out, "arena of %u bytes: maps, constants at 0x%x (%u bytes), code at 0x%x (%u instructions)\n", program->arena_bytes,
            program->image_offset, program->image_bytes, program->code_offset, program->insn_count);
    fprintf(out, "%" PRIu64 " cycles on the device\n", choose_cycles(plan));
    for (uint32_t i = 0; i < program->tensor_count; i++)
        fprintf(out, "tensor %u %s arena 0x%x %u bytes\n", i, qm_shown(program->tensors[i].name).text, program->tensors[i].arena_offset,
                program->tensors[i].size_bytes);
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host)
            fprintf(out, "step %u layer %u on the host, %u operators, to tensor %u\n", i, stage->layer, stage->graph->op_count,
                    stage->output);
        else
            fprintf(out, "step %u instructions %u..%u\n", i, stage->first_insn, stage->first_insn + stage->insn_count);
    }
}
