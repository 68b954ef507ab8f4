/* plan.c - from layers to a program: the list of passes, then the parts of the program that are not instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ir/plan.h"

enum { CODE_ALIGNMENT = 256, ARENA_ALIGNMENT = 4096 };

static const struct pass {
    const char *name;
    enum qm_status (*run)(struct qm_plan *plan, struct qm_diag *diag);
    void (*dump)(const struct qm_plan *plan, FILE *out);
} passes[] = {
    {"tile", qm_pass_tile, qm_plan_dump_tilings},
    {"emit", qm_pass_emit, qm_plan_dump_insns},
    {"synchronize", qm_pass_synchronize, qm_plan_dump_insns},
};

/* ---- printing ---- */

void qm_plan_dump_tilings(const struct qm_plan *plan, FILE *out) {
    static const char *const orders[] = {"all weights", "chunks outside", "blocks outside"};
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        const struct qm_tiling *t = &plan->tilings[i];
        fprintf(out, "layer %u %s: %u blocks", i, plan->network->values[plan->network->layers[i].output].name, t->block_count);
        if (t->block_count > 0) fprintf(out, " of %ux%u", t->blocks[0].h, t->blocks[0].w);
        if (t->chunk_count > 0)
            fprintf(out, ", %u tiles of %u%s in groups of %u, runs %ux%u bytes, %u parts, %u chunks of %u bytes, %s", t->tiles, t->tile,
                    t->depthwise ? " (depthwise)" : "", t->group, t->runs, t->run_bytes, t->part_count, t->chunk_count,
                    t->chunks[0].size_bytes, orders[t->order]);
        fputc('\n', out);
    }
}

void qm_plan_dump_insns(const struct qm_plan *plan, FILE *out) {
    char text[1024];
    for (uint32_t i = 0; i < plan->insns.count; i++) {
        qm_insn_print(&plan->insns.data[i], text, sizeof text);
        fprintf(out, "%5u layer %u: %s\n", i, plan->insns.layer[i], text);
    }
}

static enum qm_status run_passes(struct qm_plan *plan, struct qm_diag *diag) {
    const char *wanted = plan->options->dump_after;
    bool known = wanted == NULL;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) known = known || strcmp(wanted, passes[i].name) == 0;
    if (!known) return qm_fail(diag, QM_BAD_INPUT, "--dump-after %s: the passes are tile, emit, synchronize", wanted);
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        QM_TRY(passes[i].run(plan, diag));
        if (wanted != NULL && strcmp(wanted, passes[i].name) == 0) passes[i].dump(plan, plan->options->dump);
    }
    return QM_OK;
}

enum qm_status qm_pass_synchronize(struct qm_plan *plan, struct qm_diag *diag) {
    (void)diag;
    const struct qm_program *program = plan->program;
    for (uint32_t i = 0; i < program->step_count; i++)
        if (!program->steps[i].on_host)
            qm_synchronize(plan->insns.data + program->steps[i].first_insn, program->steps[i].insn_count, plan->machine);
    return QM_OK;
}

/* ---- the program ---- */

static enum qm_status fill_insns(const struct qm_plan *plan, struct qm_diag *diag) {
    struct qm_program *program = plan->program;
    struct qm_diag why;
    program->insn_count = plan->insns.count;
    program->insns = qm_arena_alloc(program->arena, (size_t)plan->insns.count * QM_INSN_BYTES);
    program->insn_layer = QM_ARENA_NEW(program->arena, uint32_t, plan->insns.count);
    for (uint32_t i = 0; i < plan->insns.count; i++) {
        uint32_t layer = program->insn_layer[i] = plan->insns.layer[i];
        if (qm_insn_pack(&plan->insns.data[i], program->insns[i], &why) != QM_OK)
            return qm_fail(diag, QM_BAD_INPUT, "%s: operator %u: too large for the machine's instructions: %.400s",
                           plan->network->graph->file, plan->network->layers[layer].graph_op, why.text);
    }
    return QM_OK;
}

static void fill_image(const struct qm_plan *plan) {
    struct qm_program *program = plan->program;
    program->image_bytes = (uint32_t)plan->image.size;
    program->image = qm_arena_alloc(program->arena, plan->image.size + 1);
    if (plan->image.size > 0) memcpy(program->image, plan->image.data, plan->image.size);
    program->code_offset = (plan->arena_end + CODE_ALIGNMENT - 1) / CODE_ALIGNMENT * CODE_ALIGNMENT;
    program->arena_bytes =
        (program->code_offset + program->insn_count * QM_INSN_BYTES + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

static uint32_t add_tensor(const struct qm_plan *plan, uint32_t value) {
    struct qm_program *program = plan->program;
    const struct qm_graph_tensor *from = &plan->network->graph->tensors[plan->network->values[value].graph_tensor];
    struct qm_program_tensor *to = &program->tensors[program->tensor_count];
    snprintf(to->name, sizeof to->name, "%s", from->name);
    to->dtype = from->dtype;
    to->rank = from->rank;
    memcpy(to->dims, from->dims, sizeof to->dims);
    to->scale = from->quant.count > 0 ? from->quant.scale[0] : 0;
    to->zero_point = from->quant.count > 0 ? (int32_t)from->quant.zero_point[0] : 0;
    to->arena_offset = plan->arena_offsets[value];
    to->size_bytes = (uint32_t)qm_graph_elements(from) * (uint32_t)qm_dtype_bytes(from->dtype);
    return program->tensor_count++;
}

/* Inputs, outputs, operands of host steps, and every layer's output when they are kept. */
static void fill_tensors(const struct qm_plan *plan) {
    struct qm_program *program = plan->program;
    const struct qm_network *network = plan->network;
    program->tensors = QM_ARENA_NEW(program->arena, struct qm_program_tensor,
                                    network->input_count + network->output_count + 2 * program->step_count + network->layer_count);
    for (uint32_t i = 0; i < network->input_count; i++) add_tensor(plan, network->inputs[i]);
    for (uint32_t i = 0; i < network->output_count; i++) add_tensor(plan, network->outputs[i]);
    program->input_count = network->input_count;
    program->output_count = network->output_count;
    for (uint32_t i = 0; i < program->step_count; i++) {
        struct qm_program_step *step = &program->steps[i];
        if (!step->on_host) continue;
        step->input = add_tensor(plan, step->input);
        step->output = add_tensor(plan, step->output);
    }
    for (uint32_t i = 0; plan->options->keep_layers && i < network->layer_count; i++) add_tensor(plan, network->layers[i].output);
}

/* "32x32x3 > 32x32x16, 3x3/1": maps in rows, positions and channels, then window and stride. */
static void print_shape(const struct qm_network *network, const struct qm_layer *layer, char *text, size_t size) {
    const struct qm_value *in = &network->values[layer->inputs[0]], *out = &network->values[layer->output];
    int used = snprintf(text, size, "%ux%ux%u > %ux%ux%u", in->h, in->w, in->c, out->h, out->w, out->c);
    bool has_window = layer->kernel_h * layer->kernel_w > 1 || layer->stride_h * layer->stride_w > 1;
    if (has_window && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, ", %ux%u/%u", layer->kernel_h, layer->kernel_w, layer->stride_h);
}

static void fill_layers(const struct qm_plan *plan) {
    struct qm_program *program = plan->program;
    const struct qm_network *network = plan->network;
    program->layer_count = network->layer_count;
    program->layers = QM_ARENA_NEW(program->arena, struct qm_program_layer, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *from = &network->layers[i];
        const struct qm_value *in = &network->values[from->inputs[0]], *out = &network->values[from->output];
        struct qm_program_layer *to = &program->layers[i];
        snprintf(to->name, sizeof to->name, "%s", out->name);
        snprintf(to->op, sizeof to->op, "%s", qm_graph_op_name(network->graph->ops[from->graph_op].kind));
        snprintf(to->precision, sizeof to->precision, "w8a8");
        print_shape(network, from, to->shape, sizeof to->shape);
        to->op_index = network->graph->ops[from->graph_op].index;
        to->on_host = from->kind == QM_LAYER_SOFTMAX;
        to->macs = from->macs;
        if (to->on_host) to->host_bytes = (uint64_t)in->h * in->w * in->c + (uint64_t)out->h * out->w * out->c;
    }
}

static const char *rounding_name(uint32_t rounding) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, "rounding") == 0 && qm_enum_values[i].value == rounding) return qm_enum_values[i].name;
    return "UNKNOWN";
}

static enum qm_status fill_program(const struct qm_plan *plan, struct qm_diag *diag) {
    struct qm_program *program = plan->program;
    program->machine = *plan->machine;
    snprintf(program->model, sizeof program->model, "%s", plan->network->graph->file);
    snprintf(program->model_sha256, sizeof program->model_sha256, "%s", plan->network->graph->sha256);
    snprintf(program->requant, sizeof program->requant, "%s", rounding_name(plan->options->rounding));
    for (char *c = program->requant; *c != '\0'; c++) *c = (char)(*c | 0x20); /* the command line's lower case */
    QM_TRY(fill_insns(plan, diag));
    fill_image(plan);
    fill_tensors(plan);
    fill_layers(plan);
    return QM_OK;
}

enum qm_status qm_plan(const struct qm_network *network, const struct qm_machine *machine, const struct qm_compile_options *options,
                       struct qm_program **program, struct qm_diag *diag) {
    struct qm_plan plan = {
        .network = network, .machine = machine, .options = options, .arena = qm_arena_create(), .program = qm_program_create()};
    enum qm_status status = run_passes(&plan, diag);
    if (status == QM_OK) status = fill_program(&plan, diag);
    if (status == QM_OK)
        *program = plan.program;
    else
        qm_program_destroy(plan.program);
    free(plan.image.data);
    free(plan.insns.data);
    free(plan.insns.layer);
    qm_arena_destroy(plan.arena);
    return status;
}
