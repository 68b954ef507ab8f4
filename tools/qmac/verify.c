/* verify.c - qmac verify: the C model and the RTL in lockstep, on a network or on random programs. Exit status 0 only when all is equal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "driver/driver.h"
#include "sim/lockstep/lockstep.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"
#include "tools/qmac/endurance.h"
#include "tools/qmac/scene.h"
#include "tools/qmac/shrink.h"
#include "tools/qmac/tensors.h"
#include "tools/qmac/verify_random.h"

static const char help[] =
    "usage: qmac verify MODEL|PROGRAM|TEST.prog [options]\n"
    "       qmac verify --random N [options]\n"
    "Runs the C model and the Verilated RTL in lockstep and compares every start and end of an instruction, every\n"
    "memory beat, every register and counter, and at the end all memory. At a difference the run is repeated with the\n"
    "signals between the blocks compared as well: the first that differs, its instruction and layer are named, and\n"
    "waveforms of both are written. Exit status 1.\n\n"
    "  --random N            N random programs instead of a network\n"
    "  --input FILE.npy      examples for an input, one file for each input (default: one, random)\n" CLI_BUILD_HELP
    "  --seed N              of random programs, inputs and stalls (default 1)\n"
    "  --stalls P            probability that a memory channel stalls in a cycle (default 0)\n"
    "  --jobs J              processes for random programs (default 1)\n"
    "  --corpus DIR          keep interesting random programs and how far it came there; a second run with the same\n"
    "                        DIR runs them again and goes on with the next seed. SIGINT and SIGTERM stop and save\n"
    "  --probe               compare the signals between the blocks from the start (slower)\n"
    "  --shrink FILE.prog    reduce a failing random program or TEST.prog, and save it as a program test\n"
    "  --rtl DIR             Verilog to compare instead of rtl/\n"
    "  --waves DIR           where waveforms of a difference go (default qmac-waves)\n";

enum { INPUTS_MAX = 32 };

struct verify_options {
    const char *file; /* NULL: random programs */
    struct cli_build build;
    const char *inputs[INPUTS_MAX];
    unsigned input_count;
    uint64_t random, seed, jobs;
    double stalls;
    const char *rtl_dir, *waves_dir, *shrink_file, *corpus;
    bool wants_help, is_random, probed;
};

static enum qm_status take_option(struct verify_options *options, int option, struct qm_diag *diag) {
    bool taken;
    switch (option) {
    case 'r': options->is_random = true; return cli_parse_number("random", optarg, &options->random, diag);
    case 'i':
        if (options->input_count == INPUTS_MAX) return qm_fail(diag, QM_BAD_INPUT, "--input %s: more than %d of them", optarg, INPUTS_MAX);
        options->inputs[options->input_count++] = optarg;
        return QM_OK;
    case 'S': return cli_parse_number("seed", optarg, &options->seed, diag);
    case 'P': return cli_parse_probability("stalls", optarg, &options->stalls, diag);
    case 'j': return cli_parse_number("jobs", optarg, &options->jobs, diag);
    case 'D': options->corpus = optarg; return QM_OK;
    case 'B': options->probed = true; return QM_OK;
    case 'K': options->shrink_file = optarg; return QM_OK;
    case 'R': options->rtl_dir = optarg; return QM_OK;
    case 'W': options->waves_dir = optarg; return QM_OK;
    case 'h': options->wants_help = true; return QM_OK;
    default: return cli_build_option(&options->build, option, optarg, &taken, diag);
    }
}

static bool is_text(const char *file) {
    size_t length = strlen(file);
    return length > 5 && strcmp(file + length - 5, ".prog") == 0;
}

static enum qm_status parse_options(int argc, char **argv, struct verify_options *options, struct qm_diag *diag) {
    static const struct option table[] = {{"random", required_argument, NULL, 'r'},
                                          {"input", required_argument, NULL, 'i'},
                                          {"seed", required_argument, NULL, 'S'},
                                          {"stalls", required_argument, NULL, 'P'},
                                          {"jobs", required_argument, NULL, 'j'},
                                          {"corpus", required_argument, NULL, 'D'},
                                          {"probe", no_argument, NULL, 'B'},
                                          {"shrink", required_argument, NULL, 'K'},
                                          {"rtl", required_argument, NULL, 'R'},
                                          {"waves", required_argument, NULL, 'W'},
                                          {"help", no_argument, NULL, 'h'},
                                          CLI_BUILD_OPTIONS,
                                          {NULL, 0, NULL, 0}};
    int option;
    *options = (struct verify_options){.seed = 1, .jobs = 1, .waves_dir = "qmac-waves"};
    for (;;) {
        QM_TRY(cli_next_option(argc, argv, table, &option, diag));
        if (option == -1) break;
        QM_TRY(take_option(options, option, diag));
        if (options->wants_help) return QM_OK;
    }
    if (!options->is_random && (options->corpus != NULL || options->jobs != 1))
        return qm_fail(diag, QM_BAD_INPUT, "--%s: only with --random", options->corpus != NULL ? "corpus" : "jobs");
    if (!options->is_random) QM_TRY(cli_take_file(argc, argv, &options->file, diag));
    if (options->shrink_file != NULL && !options->is_random && !is_text(options->file))
        return qm_fail(diag, QM_BAD_INPUT, "--shrink %s: only random programs and TEST.prog are reduced", options->shrink_file);
    if (!options->is_random) return QM_OK;
    if (optind < argc) return qm_fail(diag, QM_BAD_INPUT, "%s: --random takes no file", argv[optind]);
    if (options->random == 0) return qm_fail(diag, QM_BAD_INPUT, "--random 0: nothing would be compared: give 1 or more");
    if (options->jobs < 1 || options->jobs > QM_ENDURANCE_JOBS_MAX)
        return qm_fail(diag, QM_BAD_INPUT, "--jobs %" PRIu64 ": give 1 to %d", options->jobs, QM_ENDURANCE_JOBS_MAX);
    return QM_OK;
}

static void print_stats(const char *what, const struct qm_machine *machine, struct qm_lockstep_stats stats, double seconds) {
    printf("%s on %s (%ux%u): %" PRIu64 " runs, %" PRIu64 " cycles, %" PRIu64 " events compared, no difference (%.2f s, %.2f Mcycle/s)\n",
           qm_shown(what).text, qm_shown(machine->name).text, machine->rows, machine->cols, stats.runs, stats.cycles, stats.events, seconds,
           1e-6 * (double)stats.cycles / seconds);
}

/* ---- programs ---- */

static struct qm_verify_random verify_of(const struct verify_options *options, const struct qm_machine *machine) {
    return (struct qm_verify_random){.machine = machine,
                                     .model = &qm_device_cycle,
                                     .rtl = &qm_device_rtl,
                                     .stalls = options->stalls,
                                     .probed = options->probed,
                                     .rtl_dir = options->rtl_dir,
                                     .waves_dir = options->waves_dir};
}

static enum qm_status verify_random(const struct verify_options *options, struct qm_diag *diag) {
    struct qm_machine machine;
    QM_TRY(cli_machine(&options->build, &machine, diag));
    struct qm_verify_random verify = verify_of(options, &machine);
    struct qm_endurance endurance = {.count = options->random,
                                     .seed = options->seed,
                                     .jobs = options->jobs,
                                     .corpus = options->corpus,
                                     .shrink_file = options->shrink_file};
    return qm_endurance_run(&endurance, &verify, diag);
}

static enum qm_status verify_text_in(const struct verify_options *options, struct qm_arena *arena, struct qm_diag *diag) {
    struct qm_lockstep_stats stats = {0};
    struct qm_program_text *program;
    double begin = cli_seconds();
    QM_TRY(qm_program_text_read(options->file, arena, &program, diag));
    struct qm_verify_random verify = verify_of(options, &program->machine);
    enum qm_status status = qm_verify_text(&verify, program, &stats, diag);
    struct qm_diag difference = *diag;
    if (status == QM_MISMATCH && options->shrink_file != NULL) QM_TRY(qm_shrink(&verify, program, options->shrink_file, diag));
    if (status != QM_OK) return qm_fail(diag, status, "%s", difference.text);
    print_stats(program->file, &program->machine, stats, cli_seconds() - begin);
    return QM_OK;
}

static enum qm_status verify_text(const struct verify_options *options, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = verify_text_in(options, arena, diag);
    qm_arena_destroy(arena);
    return status;
}

/* ---- a network ---- */

static enum qm_status run_examples(struct qm_device *pair, const struct qm_program *program, const struct cli_inputs *inputs,
                                   struct qm_diag *diag) {
    QM_TRY(qm_driver_load(pair, program, diag));
    for (uint64_t example = 0; example < inputs->examples; example++) {
        for (uint32_t i = 0; i < program->input_count; i++)
            qm_driver_write_tensor(pair, program, i, inputs->data[i] + example * program->tensors[i].size_bytes);
        QM_TRY(qm_driver_run(pair, program, NULL, NULL, diag));
    }
    qm_lockstep_compare_memories(pair);
    return QM_OK;
}

/* A difference stops the pair, and the driver then sees a device that does not answer: the difference is the news. */
static enum qm_status verify_on_pair(struct qm_device *pair, const struct cli_program *opened, const struct cli_inputs *inputs,
                                     const char *waves_dir, struct qm_diag *diag) {
    double begin = cli_seconds();
    enum qm_status status = run_examples(pair, opened->program, inputs, diag);
    const char *difference = qm_lockstep_difference(pair);
    if (difference != NULL) {
        struct qm_lockstep_scene scene = qm_lockstep_scene(pair);
        struct scene_program run = scene_of_program(opened->program, &scene);
        QM_TRY(scene_report(pair, &run, waves_dir, diag));
        return qm_fail(diag, QM_MISMATCH, "%s on %s: model and RTL differ: %s", opened->program->model, opened->machine.name, difference);
    }
    if (status == QM_OK) print_stats(opened->program->model, &opened->machine, qm_lockstep_stats(pair), cli_seconds() - begin);
    return status;
}

static enum qm_status verify_once(const struct verify_options *options, const struct cli_program *opened, const struct cli_inputs *inputs,
                                  bool probed, struct qm_diag *diag) {
    struct qm_device_options device = {.seed = options->seed, .stalls = options->stalls, .rtl_dir = options->rtl_dir, .probed = probed};
    struct qm_device *pair;
    qm_driver_memory(opened->program, &device);
    QM_TRY(qm_lockstep_create(&qm_device_cycle, &qm_device_rtl, &opened->machine, &device, &pair, diag));
    enum qm_status status = verify_on_pair(pair, opened, inputs, options->waves_dir, diag);
    pair->ops->destroy(pair);
    return status;
}

static enum qm_status verify_program(const struct verify_options *options, const struct cli_program *opened, struct qm_diag *diag) {
    struct cli_inputs inputs = {0};
    if (options->input_count > 0)
        QM_TRY(cli_inputs_read(opened->program, options->inputs, options->input_count, &inputs, diag));
    else
        cli_inputs_random(opened->program, options->seed, &inputs);
    enum qm_status status = verify_once(options, opened, &inputs, options->probed, diag);
    if (status == QM_MISMATCH && !options->probed) status = verify_once(options, opened, &inputs, true, diag);
    cli_inputs_free(&inputs);
    return status;
}

static enum qm_status verify_file(const struct verify_options *options, struct qm_diag *diag) {
    if (is_text(options->file)) return verify_text(options, diag);
    struct cli_program opened = {0};
    QM_TRY(cli_open(options->file, &options->build, &opened, diag));
    enum qm_status status = verify_program(options, &opened, diag);
    qm_program_destroy(opened.program);
    return status;
}

int qm_cmd_verify(int argc, char **argv) {
    struct verify_options options;
    struct qm_diag diag;
    enum qm_status status = parse_options(argc, argv, &options, &diag);
    if (status == QM_OK && options.wants_help) return fputs(help, stdout) < 0;
    if (status == QM_OK) status = options.is_random ? verify_random(&options, &diag) : verify_file(&options, &diag);
    return cli_fail(status, &diag);
}
