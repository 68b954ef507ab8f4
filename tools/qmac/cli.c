/* cli.c - options, machines, programs. */
#include "tools/qmac/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

static const struct {
    const char *name;
    uint32_t rounding;
} roundings[] = {{"tflite", QM_rounding_TFLITE},
                 {"single", QM_rounding_SINGLE},
                 {"even", QM_rounding_EVEN},
                 {"floor", QM_rounding_FLOOR},
                 {"away", QM_rounding_AWAY}};
enum { ROUNDINGS = sizeof roundings / sizeof *roundings };

static const struct qm_device_ops *const engines[] = {&qm_device_cycle, &qm_device_rtl, &qm_device_systemc, &qm_device_functional};
enum { ENGINES = sizeof engines / sizeof *engines };

/* One line, also of what did not come by qm_fail. */
int cli_fail(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return QM_OK;
    fputs("qmac: ", stderr);
    qm_text_print(diag->text, stderr);
    fputc('\n', stderr);
    return (int)status;
}

/* The option that getopt_long stopped at: a long one as it was written, a short one by its letter. */
static void option_name(int argc, char **argv, char *name, size_t size) {
    const char *at = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (optopt != 0 && strncmp(at, "--", 2) != 0)
        snprintf(name, size, "-%c", optopt);
    else
        snprintf(name, size, "%s", at);
}

static bool has_output(const struct option *options) {
    while (options->name != NULL && options->val != 'o') options++;
    return options->name != NULL;
}

enum qm_status cli_next_option(int argc, char **argv, const struct option *options, int *option, struct qm_diag *diag) {
    opterr = 0;
    *option = getopt_long(argc, argv, has_output(options) ? ":ho:" : ":h", options, NULL);
    char name[200];
    option_name(argc, argv, name, sizeof name);
    if (*option == '?') return qm_fail(diag, QM_BAD_INPUT, "%s: no such option: qmac %s --help lists them", name, argv[0]);
    if (*option == ':') return qm_fail(diag, QM_BAD_INPUT, "%s: the option needs a value: see qmac %s --help", name, argv[0]);
    return QM_OK;
}

enum qm_status cli_take_file(int argc, char **argv, const char **file, struct qm_diag *diag) {
    if (optind >= argc) return qm_fail(diag, QM_BAD_INPUT, "command line: no file is named: see qmac %s --help", argv[0]);
    if (optind + 1 < argc) return qm_fail(diag, QM_BAD_INPUT, "%s: one file at a time: see qmac %s --help", argv[optind + 1], argv[0]);
    *file = argv[optind];
    return QM_OK;
}

enum qm_status cli_parse_number(const char *option, const char *text, uint64_t *number, struct qm_diag *diag) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--%s %s: not a whole number", option, text);
}

enum qm_status cli_parse_max_cycles(const char *text, uint64_t *cycles, struct qm_diag *diag) {
    QM_TRY(cli_parse_number("max-cycles", text, cycles, diag));
    return *cycles > 0 ? QM_OK : qm_fail(diag, QM_BAD_INPUT, "--max-cycles 0: nothing could run: give 1 or more");
}

enum qm_status cli_parse_probability(const char *option, const char *text, double *probability, struct qm_diag *diag) {
    char *end;
    *probability = strtod(text, &end);
    if (text[0] != '\0' && *end == '\0' && *probability >= 0 && *probability <= 0.95) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--%s %s: not a probability from 0 to 0.95", option, text);
}

enum qm_status cli_parse_rounding(const char *text, uint32_t *rounding, struct qm_diag *diag) {
    char names[100] = "";
    for (int i = 0; i < ROUNDINGS; i++) {
        *rounding = roundings[i].rounding;
        if (text == NULL || strcmp(text, roundings[i].name) == 0) return QM_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", roundings[i].name);
    }
    return qm_fail(diag, QM_BAD_INPUT, "--requant %s: no such rounding; there are: %s", text, names);
}

enum qm_status cli_parse_engine(const char *text, const struct qm_device_ops **engine, struct qm_diag *diag) {
    char names[100] = "";
    for (int i = 0; i < ENGINES; i++) {
        *engine = engines[i];
        if (strcmp(text, engines[i]->name) == 0) return QM_OK;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", engines[i]->name);
    }
    return qm_fail(diag, QM_BAD_INPUT, "--engine %s: no such engine; there are: %s", text, names);
}

enum qm_status cli_build_option(struct cli_build *build, int option, const char *argument, bool *taken, struct qm_diag *diag) {
    *taken = true;
    switch (option) {
    case 'm': build->machine = argument; break;
    case 'q': build->requant = argument; break;
    case 'w': build->precision = argument; break;
    case 'L': build->keep_layers = true; break;
    case 'C':
        build->model.option = "--saturate";
        build->model.saturate = true;
        break;
    case 'N':
        build->model.option = "--end-at";
        build->model.end_at = argument;
        break;
    case 'I':
        build->model.option = "--integer-inputs";
        build->model.unsigned_inputs = strcmp(argument, "uint8") == 0;
        if (build->model.unsigned_inputs || strcmp(argument, "int8") == 0) break;
        return qm_fail(diag, QM_BAD_INPUT, "--integer-inputs %s: must be int8 or uint8", argument);
    case 's':
        if (build->set_count == CLI_SETS_MAX) return qm_fail(diag, QM_BAD_INPUT, "--set %s: more than %d of them", argument, CLI_SETS_MAX);
        build->sets[build->set_count++] = argument;
        break;
    default: *taken = false;
    }
    return QM_OK;
}

static enum qm_status apply_sets(const struct cli_build *build, struct qm_machine *machine, struct qm_diag *diag) {
    for (unsigned i = 0; i < build->set_count; i++) QM_TRY(qm_machine_set(machine, build->sets[i], diag));
    return qm_machine_check(machine, diag);
}

enum qm_status cli_machine(const struct cli_build *build, struct qm_machine *machine, struct qm_diag *diag) {
    QM_TRY(qm_machine_load(build->machine != NULL ? build->machine : "edge", machine, diag));
    return apply_sets(build, machine, diag);
}

enum qm_status cli_read(const char *file, struct qm_arena *arena, struct qm_model_bytes *read, bool *is_program, struct qm_diag *diag) {
    uint8_t *bytes;
    *read = (struct qm_model_bytes){.name = file};
    QM_TRY(qm_file_read(file, UINT32_MAX, &bytes, &read->size, diag));
    qm_arena_keep(arena, bytes);
    read->bytes = bytes;
    *is_program = qm_program_recognizes(bytes, read->size);
    return QM_OK;
}

/* A compiled program brings its machine; --machine and --set may change what the RTL does not see. */
static enum qm_status load_program(const struct qm_model_bytes *read, const struct cli_build *build, struct cli_program *opened,
                                   struct qm_diag *diag) {
    const char *file = read->name;
    if (build->requant != NULL) return qm_fail(diag, QM_BAD_INPUT, "--requant %s: %s is compiled already", build->requant, file);
    if (build->precision != NULL) return qm_fail(diag, QM_BAD_INPUT, "--precision %s: %s is compiled already", build->precision, file);
    if (build->model.option != NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: %s is compiled already", build->model.option, file);
    if (build->keep_layers) return qm_fail(diag, QM_BAD_INPUT, "--layers: %s is compiled already: give --layers to qmac compile", file);
    QM_TRY(qm_program_parse(read->bytes, read->size, file, &opened->program, diag));
    opened->machine = opened->program->machine;
    if (build->machine != NULL) QM_TRY(qm_machine_load(build->machine, &opened->machine, diag));
    QM_TRY(apply_sets(build, &opened->machine, diag));
    uint32_t theirs = qm_machine_fingerprint(&opened->program->machine), ours = qm_machine_fingerprint(&opened->machine);
    if (theirs == ours) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: was compiled for machine %s (%08x), not for %s (%08x): compile the model again", file,
                   opened->program->machine.name, theirs, opened->machine.name, ours);
}

enum qm_status cli_compile(const struct qm_model_bytes *model, const struct cli_build *build, const char *dump_after,
                           struct cli_program *opened, struct qm_diag *diag) {
    struct qm_compile_options options = {
        .model = build->model, .precision = build->precision, .keep_layers = build->keep_layers, .dump_after = dump_after, .dump = stdout};
    memset(opened, 0, sizeof *opened);
    opened->was_compiled = true;
    QM_TRY(cli_parse_rounding(build->requant, &options.rounding, diag));
    QM_TRY(cli_machine(build, &opened->machine, diag));
    return qm_compile(model, &opened->machine, &options, &opened->program, diag);
}

static enum qm_status open_in(struct qm_arena *arena, const char *file, const struct cli_build *build, struct cli_program *opened,
                              struct qm_diag *diag) {
    struct qm_model_bytes read;
    bool is_program;
    memset(opened, 0, sizeof *opened);
    QM_TRY(cli_read(file, arena, &read, &is_program, diag));
    if (!is_program) return cli_compile(&read, build, NULL, opened, diag);
    enum qm_status status = load_program(&read, build, opened, diag);
    if (status == QM_OK) return QM_OK;
    qm_program_destroy(opened->program);
    opened->program = NULL;
    return status;
}

enum qm_status cli_open(const char *file, const struct cli_build *build, struct cli_program *opened, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = open_in(arena, file, build, opened, diag);
    qm_arena_destroy(arena);
    return status;
}

/* A file is made and removed: permissions alone do not tell (root, read-only mounts, /proc). */
static bool can_make_file_in(const char *folder) {
    char path[QM_PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/.qmac-XXXXXX", folder);
    if (size >= (int)sizeof path) return errno = ENAMETOOLONG, false;
    int file = mkstemp(path);
    if (file < 0) return false;
    unlink(path);
    return close(file) == 0;
}

/* The folder that a path lies in: "a" in ".", "/a" in "/". */
static void folder_of(const char *path, char *folder) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    while (size > 0 && path[size - 1] != '/') size--;
    snprintf(folder, QM_PATH_BYTES, "%.*s", size > 0 ? (int)size : 1, size > 0 ? path : ".");
}

enum qm_status cli_check_writable(const char *file, struct qm_diag *diag) {
    struct stat info;
    char folder[QM_PATH_BYTES];
    if (strlen(file) >= QM_PATH_BYTES || file[0] == '\0') return qm_fail(diag, QM_BAD_INPUT, "%.100s: not a file name", file);
    if (stat(file, &info) == 0) {
        if (S_ISDIR(info.st_mode)) return qm_fail(diag, QM_BAD_INPUT, "%s: is a folder, not a file", file);
        if (!S_ISREG(info.st_mode)) return QM_OK;
    }
    folder_of(file, folder);
    if (file[strlen(file) - 1] != '/' && can_make_file_in(folder)) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be written: %s", file,
                   file[strlen(file) - 1] == '/' ? "no such folder" : strerror(errno));
}

enum qm_status cli_check_folder(const char *folder, struct qm_diag *diag) {
    struct stat info;
    char parent[QM_PATH_BYTES];
    if (strlen(folder) >= QM_PATH_BYTES || folder[0] == '\0')
        return qm_fail(diag, QM_BAD_INPUT, "%.100s: not the name of a folder", folder);
    bool exists = stat(folder, &info) == 0;
    if (exists && !S_ISDIR(info.st_mode)) return qm_fail(diag, QM_BAD_INPUT, "%s: is not a folder", folder);
    folder_of(folder, parent);
    if (can_make_file_in(exists ? folder : parent)) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, exists ? "%s: files cannot be written there: %s" : "%s: the folder cannot be made: %s", folder,
                   strerror(errno));
}
