/* info.c - qmac info: inputs, outputs, operators of a network; tensors, layers and machine of a program. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

static void print_dims(const uint32_t *dims, uint32_t rank) {
    for (uint32_t i = 0; i < rank; i++) printf("%s%u", i > 0 ? "x" : "", dims[i]);
    if (rank == 0) printf("scalar");
}

/* ---- programs ---- */

static void print_tensors(const struct qm_program *program) {
    for (uint32_t i = 0; i < program->tensor_count; i++) {
        const struct qm_program_tensor *tensor = &program->tensors[i];
        const char *role = i < program->input_count ? "input" : i < program->input_count + program->output_count ? "output" : "kept";
        printf("%-7s %s ", role, qm_dtype_name(tensor->dtype));
        print_dims(tensor->dims, tensor->rank);
        printf(", scale %g, zero point %d, at 0x%x: %s\n", (double)tensor->scale, tensor->zero_point, tensor->arena_offset,
               qm_shown(tensor->name).text);
    }
}

static void print_program(const struct qm_program *program) {
    uint64_t macs = 0;
    printf("program of %s, SHA-256 %s, rounding %s", qm_shown(program->model).text, qm_shown(program->model_sha256).text,
           qm_shown(program->requant).text);
    cli_print_search(program);
    printf("machine %s, fingerprint %08x\n", qm_shown(program->machine.name).text, qm_machine_fingerprint(&program->machine));
    printf("%u instructions in %u steps, %u bytes of constants, %u bytes of memory\n", program->insn_count, program->stage_count,
           program->image_bytes, program->arena_bytes);
    print_tensors(program);
    for (uint32_t i = 0; i < program->layer_count; i++) {
        const struct qm_program_layer *layer = &program->layers[i];
        macs += layer->macs;
        printf("%5u  %-18s %-30s %s%s\n", layer->op_index, qm_shown(layer->op).text, qm_shown(layer->shape).text,
               qm_shown(layer->name).text, layer->on_host ? " (on the host)" : "");
    }
    printf("%" PRIu64 " MACs\n", macs);
}

static enum qm_status info_program(const struct qm_model_bytes *read, struct qm_diag *diag) {
    struct qm_program *program;
    QM_TRY(qm_program_parse(read->bytes, read->size, read->name, &program, diag));
    print_program(program);
    qm_program_destroy(program);
    return QM_OK;
}

/* ---- models ---- */

static void print_tensor(const char *role, const struct qm_graph_tensor *tensor) {
    printf("%-7s %s ", role, qm_dtype_name(tensor->dtype));
    print_dims(tensor->dims, tensor->rank);
    if (tensor->quant.count > 0) printf(", scale %g, zero point %" PRId64, (double)tensor->quant.scale[0], tensor->quant.zero_point[0]);
    printf(": %s\n", qm_shown(tensor->name).text);
}

static void print_graph(const struct qm_graph *graph) {
    printf("%s, SHA-256 %s, %u operators\n", qm_shown(graph->file).text, graph->sha256, graph->op_count);
    for (uint32_t i = 0; i < graph->input_count; i++) print_tensor("input", &graph->tensors[graph->inputs[i]]);
    for (uint32_t i = 0; i < graph->output_count; i++) print_tensor("output", &graph->tensors[graph->outputs[i]]);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
        printf("%5u  %-18s %s ", op->index, qm_graph_op_name(op->kind), qm_dtype_name(out->dtype));
        print_dims(out->dims, out->rank);
        struct qm_shown name = qm_shown(out->name);
        printf("  %.*s\n", (int)strcspn(name.text, ";"), name.text); /* TFLite joins the names of what it fused */
    }
}

static enum qm_status info_model(const struct qm_model_bytes *model, const struct qm_model_options *options, struct qm_arena *arena,
                                 struct qm_diag *diag) {
    struct qm_graph *graph;
    struct qm_network *network;
    uint64_t macs = 0;
    QM_TRY(qm_model_parse(model, options, arena, &graph, diag));
    print_graph(graph);
    QM_TRY(qm_integers(graph, options, arena, &graph, diag));
    QM_TRY(qm_legalize(graph, NULL, arena, &network, diag));
    for (uint32_t i = 0; i < network->layer_count; i++) macs += network->layers[i].macs;
    printf("%" PRIu64 " MACs\n", macs);
    return QM_OK;
}

static enum qm_status info(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    const struct qm_model_options *options = fields;
    const char *file;
    struct qm_model_bytes read;
    bool is_program;
    QM_TRY(cli_take_file(line, &file, diag));
    QM_TRY(cli_read(file, line->arena, &read, &is_program, diag));
    if (!is_program) return info_model(&read, options, line->arena, diag);
    if (options->batch != 0) return qm_fail(diag, QM_BAD_INPUT, "--batch %u: %s is compiled already", options->batch, file);
    if (options->option != NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: %s is compiled already", options->option, file);
    return info_program(&read, diag);
}

const struct cli_command cli_command_info = {
    .name = "info",
    .about = "print what is in a network or a program",
    .usage = "usage: qmac info MODEL|PROGRAM [options]\n"
             "Prints what is in a network, TFLite or ONNX, and whether qmac can run it, or what is in a compiled program.\n\n",
    .more = "\nThe operators that are read, and where each runs: docs/operators.md\n",
    .options = cli_model_options,
    .size = sizeof(struct qm_model_options),
    .run = info};
