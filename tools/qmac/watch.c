/* watch.c - qmac watch: one example through the cycle model, and what it does with it in each cycle. */
#include <stdlib.h>

#include "common/file.h"
#include "common/memory.h"
#include "driver/driver.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/tensors.h"
#include "verify/picture.h"

enum { INPUTS_MAX = CLI_LIST_MAX, CYCLES = 1000 };

struct watch_options {
    const char *file, *waves;
    struct cli_compilation compilation;
    struct cli_list inputs;
    struct cli_number seed, from, cycles;
};

#define FILLS(name) .field = offsetof(struct watch_options, name)
static const struct cli_option option_rows[] = {
    {"input", "FILE.npy", "an example for an input, one file for each input (default: random)", cli_take_list, FILLS(inputs),
     .at_most = INPUTS_MAX},
    {"seed", "N", "of random inputs (default 1)", cli_take_number, FILLS(seed)},
    {"from", "N", "the first cycle to show (default 0)", cli_take_number, FILLS(from)},
    {"cycles", "N", "how many cycles to show (default 1000)", cli_take_max_cycles, FILLS(cycles)},
    {"waves", "FILE.vcd", "write all signals between the blocks in these cycles as a waveform", cli_take_text, FILLS(waves)},
    {.group = cli_compilation_options, FILLS(compilation)},
    {0}};

static enum qm_status read_inputs(const struct watch_options *options, const struct qm_program *program, struct cli_inputs *inputs,
                                  struct qm_diag *diag) {
    if (options->inputs.count == 0) {
        cli_inputs_random(program, options->seed.value, inputs);
        return QM_OK;
    }
    QM_TRY(cli_inputs_read(program, options->inputs.items, options->inputs.count, inputs, diag));
    if (inputs->examples == 1) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: one example is watched: give a file with one", options->inputs.items[0]);
}

static enum qm_status run_example(struct qm_device *device, const struct qm_program *program, const struct cli_inputs *inputs,
                                  struct qm_diag *diag) {
    QM_TRY(qm_driver_load(device, program, diag));
    for (uint32_t i = 0; i < program->input_count; i++) qm_driver_write_tensor(device, program, i, inputs->data[i]);
    return qm_driver_run(device, program, NULL, NULL, diag);
}

static enum qm_status draw(const struct watch_options *options, const struct cli_program *opened, const struct cli_inputs *inputs,
                           FILE *vcd, struct qm_diag *diag) {
    struct qm_device_options device_options = {0};
    struct qm_device *device;
    struct qm_frames frames;
    qm_driver_memory(opened->program, &device_options);
    QM_TRY(qm_device_cycle.create(&opened->machine, &device_options, &device, diag));
    struct qm_picture *picture = qm_picture_create(&opened->machine, options->from.value, options->cycles.value, stdout, vcd, &frames);
    device->ops->probe(device, &frames);
    enum qm_status status = run_example(device, opened->program, inputs, diag);
    device->ops->destroy(device);
    qm_picture_destroy(picture);
    return status;
}

static enum qm_status draw_with_waves(const struct watch_options *options, const struct cli_program *opened,
                                      const struct cli_inputs *inputs, struct qm_diag *diag) {
    char *text;
    size_t size;
    if (options->waves == NULL) return draw(options, opened, inputs, NULL, diag);
    FILE *vcd = qm_text_stream_open(&text, &size);
    enum qm_status status = draw(options, opened, inputs, vcd, diag);
    qm_text_stream_close(vcd);
    if (status == QM_OK) status = qm_file_write(options->waves, text, size, diag);
    free(text);
    return status;
}

static enum qm_status watch_program(const struct watch_options *options, const struct cli_program *opened, struct qm_diag *diag) {
    struct cli_inputs inputs = {0};
    enum qm_status status = read_inputs(options, opened->program, &inputs, diag);
    if (status == QM_OK) status = qm_picture_check(opened->program, diag);
    if (status == QM_OK) status = draw_with_waves(options, opened, &inputs, diag);
    cli_inputs_free(&inputs);
    return status;
}

static void begin(void *fields, struct qm_arena *arena) {
    (void)arena;
    *(struct watch_options *)fields = (struct watch_options){.seed.value = 1, .cycles.value = CYCLES};
}

static enum qm_status watch(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct watch_options *options = fields;
    struct cli_program opened;
    QM_TRY(cli_take_file(line, &options->file, diag));
    if (options->seed.is_given && options->inputs.count > 0)
        return qm_fail(diag, QM_BAD_INPUT, "--seed: nothing is random with --input: leave it out");
    if (options->waves != NULL) QM_TRY(cli_check_writable(options->waves, diag));
    QM_TRY(cli_open(options->file, &options->compilation, &opened, diag));
    QM_TRY(cli_check_weights(opened.program, "watch", diag));
    enum qm_status status = watch_program(options, &opened, diag);
    qm_program_destroy(opened.program);
    return status;
}

const struct cli_command cli_command_watch = {
    .name = "watch",
    .about = "show the array at work, cycle by cycle",
    .usage = "usage: qmac watch MODEL|PROGRAM [options]\n"
             "Runs one example and prints for each cycle what enters the array, the weight x activation that meet in each cell, the\n"
             "sums that leave, what is read from the accumulator and what the post unit writes. Cycles without any of these are\n"
             "left out. For arrays of at most 16 x 16 cells and products of 8 by 8 bits.\n\n",
    .options = option_rows,
    .size = sizeof(struct watch_options),
    .begin = begin,
    .run = watch};
