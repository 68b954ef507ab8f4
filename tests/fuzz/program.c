/* program.c - fuzz target: any bytes are either a program file in which every offset and index is in range, or refused with one line. What
 * the host computes is either refused, or stays inside of its arrays. Every input gets the checksum that fits it, so that what lies behind
 * is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/program.h"
#include "driver/host_graph.h"
#include "tests/fuzz/fuzz.h"

/* ---- the host ---- */

static double elements(const struct qm_graph *graph, uint32_t tensor) {
    return tensor == QM_NO_TENSOR ? 0 : (double)qm_graph_elements(&graph->tensors[tensor]);
}

/* No operator does more than this many steps. */
static double steps(const struct qm_graph *graph, const struct qm_graph_op *op) {
    double out = elements(graph, op->outputs[0]), first = elements(graph, op->inputs[0]), others = 0;
    for (uint32_t i = 1; i < op->input_count; i++) others += elements(graph, op->inputs[i]);
    return (out + first) * (1 + first + others) + out * (double)op->kernel_h * (double)op->kernel_w;
}

static bool is_short(const struct qm_graph *graph) {
    static const double steps_max = 1 << 22;
    double sum = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) sum += steps(graph, &graph->ops[i]);
    return sum < steps_max;
}

/* Numbers of the arrays are 0, 1, 2 and so on; the sanitizer watches their ends. */
static void run_on_host(const struct qm_program *program, const struct qm_program_stage *stage) {
    if (qm_host_check(stage->graph) != NULL || !is_short(stage->graph)) return;
    uint8_t **inputs = qm_alloc(stage->input_count * sizeof *inputs), *output = qm_alloc(program->tensors[stage->output].size_bytes);
    for (uint32_t i = 0; i < stage->input_count; i++) {
        uint32_t size_bytes = program->tensors[stage->inputs[i]].size_bytes;
        inputs[i] = qm_alloc(size_bytes);
        for (uint32_t b = 0; b < size_bytes; b++) inputs[i][b] = (uint8_t)b;
    }
    (void)qm_host_run(stage->graph, (const void *const *)inputs, output);
    for (uint32_t i = 0; i < stage->input_count; i++) free(inputs[i]);
    free(inputs);
    free(output);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct qm_program *program = NULL;
    struct qm_diag diag = {.text = ""};
    uint8_t *sealed = qm_alloc(size + 1);
    if (size > 0) memcpy(sealed, bytes, size);
    qm_program_seal(sealed, size);
    enum qm_status status = qm_program_parse(sealed, size, FUZZ_NAME, &program, &diag);
    free(sealed);
    if (status != QM_OK) fuzz_check_refusal(status, &diag);
    if (status == QM_OK) fuzz_check_program(program);
    for (uint32_t i = 0; status == QM_OK && i < program->stage_count; i++)
        if (program->stages[i].on_host) run_on_host(program, &program->stages[i]);
    if (status == QM_OK) qm_program_destroy(program);
    return 0;
}
