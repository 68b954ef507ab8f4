/* cli.c - the options of a compilation, and how they open machines and programs. */
#include "tools/qmac/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/text.h"

enum { FIRST_MODE = QM_REQUANT_FILE + 1 };

static const char *const mode_notes[QM_REQUANT_MODES] = {[QM_REQUANT_TFLITE] = "default of TFLite",
                                                         [QM_REQUANT_LITERT] = "of TFLite, as LiteRT's reference kernels",
                                                         [QM_REQUANT_XNNPACK] = "of TFLite, as LiteRT with XNNPACK",
                                                         [QM_REQUANT_EVEN] = "default of ONNX"};
static const char *const search_notes[QM_SEARCHES] = {[QM_SEARCH_PLANS] = "default", [QM_SEARCH_NONE] = "compiles fastest"};

const struct qm_device_ops cli_engine_float = {.name = "float", .has = QM_HAS_VALUES};

static const struct {
    const struct qm_device_ops *ops;
    const char *note;
} engines[] = {{&qm_device_fast, "default for a model"},
               {&qm_device_cycle, "default for a program"},
               {&qm_device_rtl, NULL},
               {&qm_device_systemc, NULL},
               {&qm_device_functional, "values only"},
               {&qm_device_timing, "no values"},
               {&cli_engine_float, "float networks, values only"}};
enum { ENGINES = sizeof engines / sizeof *engines };

/* One line, also of what did not come by qm_fail. */
int cli_fail(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return QM_OK;
    fputs("qmac: ", stderr);
    qm_text_print(diag->text, stderr);
    fputc('\n', stderr);
    return (int)status;
}

/* ---- options ---- */

struct cli_word cli_roundings(unsigned index) {
    unsigned mode = index + FIRST_MODE;
    return mode < QM_REQUANT_MODES ? (struct cli_word){qm_requant_name((enum qm_requant_mode)mode, false), mode_notes[mode]}
                                   : (struct cli_word){NULL, "rounding"};
}

struct cli_word cli_searches(unsigned index) {
    return index < QM_SEARCHES ? (struct cli_word){qm_search_name((enum qm_search)index), search_notes[index]}
                               : (struct cli_word){NULL, "search"};
}

struct cli_word cli_engines(unsigned index) {
    return index < ENGINES ? (struct cli_word){engines[index].ops->name, engines[index].note} : (struct cli_word){NULL, "engine"};
}

enum qm_status cli_parse_requant(const char *text, enum qm_requant_mode *mode, struct qm_diag *diag) {
    unsigned index;
    *mode = QM_REQUANT_FILE;
    if (text == NULL) return QM_OK;
    QM_TRY(cli_find_word(cli_roundings, "requant", text, &index, diag));
    *mode = (enum qm_requant_mode)(index + FIRST_MODE);
    return QM_OK;
}

enum qm_status cli_parse_search(const char *text, enum qm_search *search, struct qm_diag *diag) {
    unsigned index = 0;
    if (text != NULL) QM_TRY(cli_find_word(cli_searches, "search", text, &index, diag));
    *search = (enum qm_search)index;
    return QM_OK;
}

enum qm_status cli_take_engine(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    unsigned index;
    QM_TRY(cli_find_word(cli_engines, option->name, value, &index, diag));
    *(const struct qm_device_ops **)field = engines[index].ops;
    return QM_OK;
}

static enum qm_status take_end_at(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    (void)option, (void)diag;
    model->option = "--end-at";
    model->end_at = value;
    return QM_OK;
}

static enum qm_status take_integer_inputs(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    (void)option;
    model->option = "--integer-inputs";
    model->unsigned_inputs = strcmp(value, "uint8") == 0;
    if (model->unsigned_inputs || strcmp(value, "int8") == 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--integer-inputs %s: must be int8 or uint8", value);
}

static enum qm_status take_input_layout(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    (void)option;
    model->option = "--input-layout";
    model->channels_last = strcmp(value, "nhwc") == 0;
    if (model->channels_last || strcmp(value, "nchw") == 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--input-layout %s: must be nchw or nhwc", value);
}

static enum qm_status take_batch(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct cli_number number = {0};
    enum { BATCH_MAX = 65535 };
    QM_TRY(cli_take_number(option, value, &number, diag));
    if (number.value < 1 || number.value > BATCH_MAX) return qm_fail(diag, QM_BAD_INPUT, "--batch %s: must be 1 to %d", value, BATCH_MAX);
    ((struct qm_model_options *)field)->batch = (uint32_t)number.value;
    return QM_OK;
}

static enum qm_status take_saturate(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    (void)option, (void)value, (void)diag;
    model->option = "--saturate";
    model->saturate = true;
    return QM_OK;
}

static enum qm_status take_weight_seed(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    struct cli_number number = {0};
    QM_TRY(cli_take_number(option, value, &number, diag));
    model->has_seed = true;
    model->weight_seed = number.value;
    return QM_OK;
}

static enum qm_status take_size(const struct cli_option *option, const char *value, void *field, struct qm_diag *diag) {
    struct qm_model_options *model = field;
    if (strchr(value, '=') == NULL) return qm_fail(diag, QM_BAD_INPUT, "--size %s: write parameter=number", value);
    if (model->size_count == QM_SIZES_MAX)
        return qm_fail(diag, QM_BAD_INPUT, "--%s %s: more than %d of them", option->name, value, QM_SIZES_MAX);
    model->sizes[model->size_count++] = value;
    return QM_OK;
}

enum { OF_A_NETWORK = CLI_TEXT | CLI_RANDOM }; /* has no use for others */

const struct cli_option cli_model_options[] = {
    {"batch", "N", "the batch of a network that leaves it open (default 1)", take_batch, .not_for = OF_A_NETWORK},
    {"end-at", "NAME,...", "ONNX: compute these tensors instead of the file's outputs", take_end_at, .not_for = OF_A_NETWORK},
    {"input-layout", "ORDER",
     "ONNX: the order in which inputs of four dimensions are given: nchw (default) or nhwc, which saves a transposition", take_input_layout,
     .not_for = OF_A_NETWORK},
    {"integer-inputs", "TYPE", "ONNX: what float inputs carry that are not quantized: int8 (default) or uint8", take_integer_inputs,
     .not_for = OF_A_NETWORK},
    {"seed-weights", "N", "tables of shapes: draw weights from this seed, so that values mean something, too", take_weight_seed,
     .not_for = OF_A_NETWORK},
    {"size", "NAME=N", "tables of shapes: a parameter of the table, as seq=128; may be repeated", take_size, .not_for = OF_A_NETWORK},
    {"saturate", NULL, "ONNX: cut integers that might not fit 8 bits, rather than refuse them", take_saturate, .not_for = OF_A_NETWORK},
    {0}};

#define FILLS(name) .field = offsetof(struct cli_compilation, name)
const struct cli_option cli_compilation_options[] = {
    {"machine", "NAME|FILE", "spec/machines/NAME.yaml, or a file (default edge)", cli_take_text, FILLS(machine), .not_for = CLI_TEXT},
    {"set", "KNOB=VALUE", "change one knob of the machine; may be repeated", cli_take_list, FILLS(sets), .at_most = CLI_LIST_MAX,
     .not_for = CLI_TEXT},
    {"requant", "MODE", "rounding of scales: ", cli_take_text, FILLS(requant), .words = cli_roundings, .not_for = OF_A_NETWORK},
    {"precision", "P", "round weights and maps to w8a8, w4a8 or w4a4, for time and energy: P, or LAYER=P,...,default=P", cli_take_text,
     FILLS(precision), .not_for = OF_A_NETWORK},
    {"search", "WHAT", "what is tried and timed for a fast schedule: ", cli_take_text, FILLS(search), .words = cli_searches,
     .not_for = OF_A_NETWORK},
    {.group = cli_model_options, FILLS(model)},
    {"layers", NULL, "keep the output of every layer", cli_take_flag, FILLS(keep_layers), .not_for = OF_A_NETWORK},
    {0}};

enum qm_status cli_check_float(const struct qm_model_options *model, struct qm_diag *diag) {
    bool other = model->option != NULL && strcmp(model->option, "--end-at") != 0;
    const char *of_integers = model->saturate          ? "--saturate"
                              : model->channels_last   ? "--input-layout"
                              : model->unsigned_inputs ? "--integer-inputs"
                              : other                  ? model->option
                                                       : NULL;
    if (of_integers == NULL) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: says how integers are read, and a float network has none: leave it out", of_integers);
}

/* ---- machines and programs ---- */

static enum qm_status apply_sets(const struct cli_compilation *compilation, struct qm_machine *machine, struct qm_diag *diag) {
    for (unsigned i = 0; i < compilation->sets.count; i++) QM_TRY(qm_machine_set(machine, compilation->sets.items[i], diag));
    return qm_machine_check(machine, diag);
}

enum qm_status cli_machine(const struct cli_compilation *compilation, struct qm_machine *machine, struct qm_diag *diag) {
    QM_TRY(qm_machine_load(compilation->machine != NULL ? compilation->machine : "edge", machine, diag));
    return apply_sets(compilation, machine, diag);
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

enum qm_status cli_read_graph(const char *file, const struct qm_model_options *options, struct qm_arena *arena, struct qm_graph **graph,
                              struct qm_diag *diag) {
    struct qm_model_bytes read;
    bool is_program;
    QM_TRY(cli_read(file, arena, &read, &is_program, diag));
    if (is_program) return qm_fail(diag, QM_BAD_INPUT, "%s: is compiled already, for one machine: give the model", file);
    return qm_model_parse(&read, options, arena, graph, diag);
}

enum qm_status cli_make_network(struct qm_graph *graph, const struct qm_compile_options *options, struct qm_arena *arena,
                                struct qm_network **network, struct qm_diag *diag) {
    QM_TRY(qm_integers(graph, &options->model, arena, &graph, diag));
    QM_TRY(qm_legalize(graph, options, arena, network, diag));
    return qm_narrow(*network, options->precision, arena, diag);
}

enum qm_status cli_check_weights(const struct qm_program *program, const char *what, struct qm_diag *diag) {
    if (!program->has_no_weights) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: has shapes and no weights, and %s needs them: give --seed-weights N", program->model, what);
}

void cli_print_search(const struct qm_program *program) {
    if (program->search[0] != '\0') printf(", search %s", qm_shown(program->search).text);
    putchar('\n');
}

/* A compiled program brings its machine; --machine and --set may change what the RTL does not see. */
static enum qm_status load_program(const struct qm_model_bytes *read, const struct cli_compilation *compilation, struct cli_program *opened,
                                   struct qm_diag *diag) {
    const char *file = read->name;
    if (compilation->requant != NULL)
        return qm_fail(diag, QM_BAD_INPUT, "--requant %s: %s is compiled already", compilation->requant, file);
    if (compilation->accept_error) return qm_fail(diag, QM_BAD_INPUT, "--accept-error: %s is compiled already", file);
    if (compilation->search != NULL) return qm_fail(diag, QM_BAD_INPUT, "--search %s: %s is compiled already", compilation->search, file);
    if (compilation->precision != NULL)
        return qm_fail(diag, QM_BAD_INPUT, "--precision %s: %s is compiled already", compilation->precision, file);
    if (compilation->model.batch != 0)
        return qm_fail(diag, QM_BAD_INPUT, "--batch %u: %s is compiled already", compilation->model.batch, file);
    if (compilation->model.option != NULL)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s is compiled already", compilation->model.option, file);
    if (compilation->keep_layers)
        return qm_fail(diag, QM_BAD_INPUT, "--layers: %s is compiled already: give --layers to qmac compile", file);
    QM_TRY(qm_program_parse(read->bytes, read->size, file, &opened->program, diag));
    opened->machine = opened->program->machine;
    if (compilation->machine != NULL) QM_TRY(qm_machine_load(compilation->machine, &opened->machine, diag));
    QM_TRY(apply_sets(compilation, &opened->machine, diag));
    uint32_t theirs = qm_machine_fingerprint(&opened->program->machine), ours = qm_machine_fingerprint(&opened->machine);
    if (theirs == ours) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: was compiled for machine %s (%08x), not for %s (%08x): compile the model again", file,
                   opened->program->machine.name, theirs, opened->machine.name, ours);
}

static bool has_inexact_layers(const struct qm_program *program) {
    for (uint32_t i = 0; i < program->layer_count; i++)
        if (program->layers[i].is_inexact) return true;
    return false;
}

/* Only its values count, so that any schedule will do. */
static enum qm_status compile_comparison(const struct qm_model_bytes *model, const struct qm_compile_options *plain,
                                         struct cli_program *opened, struct qm_diag *diag) {
    struct qm_compile_options options = *plain;
    options.compare = true;
    options.search = QM_SEARCH_NONE;
    options.keep_layers = false;
    options.dump_after = NULL;
    return qm_compile(model, &opened->machine, &options, &opened->comparison, diag);
}

enum qm_status cli_compile_options(const struct cli_compilation *compilation, struct qm_compile_options *options, struct qm_diag *diag) {
    *options = (struct qm_compile_options){.model = compilation->model,
                                           .precision = compilation->precision,
                                           .keep_layers = compilation->keep_layers,
                                           .accept_error = compilation->accept_error};
    QM_TRY(cli_parse_requant(compilation->requant, &options->requant, diag));
    return cli_parse_search(compilation->search, &options->search, diag);
}

enum qm_status cli_compile(const struct qm_model_bytes *model, const struct cli_compilation *compilation, const char *dump_after,
                           struct cli_program *opened, struct qm_diag *diag) {
    struct qm_compile_options options;
    memset(opened, 0, sizeof *opened);
    opened->was_compiled = true;
    QM_TRY(cli_compile_options(compilation, &options, diag));
    options.dump_after = dump_after;
    options.dump = stdout;
    QM_TRY(cli_machine(compilation, &opened->machine, diag));
    QM_TRY(qm_compile(model, &opened->machine, &options, &opened->program, diag));
    if (has_inexact_layers(opened->program)) return compile_comparison(model, &options, opened, diag);
    return QM_OK;
}

static enum qm_status open_in(struct qm_arena *arena, const char *file, const struct cli_compilation *compilation,
                              struct cli_program *opened, struct qm_diag *diag) {
    struct qm_model_bytes read;
    bool is_program;
    memset(opened, 0, sizeof *opened);
    QM_TRY(cli_read(file, arena, &read, &is_program, diag));
    if (!is_program) return cli_compile(&read, compilation, NULL, opened, diag);
    enum qm_status status = load_program(&read, compilation, opened, diag);
    if (status == QM_OK) return QM_OK;
    qm_program_destroy(opened->program);
    opened->program = NULL;
    return status;
}

enum qm_status cli_open(const char *file, const struct cli_compilation *compilation, struct cli_program *opened, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = open_in(arena, file, compilation, opened, diag);
    qm_arena_destroy(arena);
    return status;
}

/* ---- the command itself ---- */

/* A word as a shell reads it back. */
static void print_quoted(FILE *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=,:+@%-";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++) fprintf(out, *word == '\'' ? "'\\%c'" : "%c", *word);
    fputc('\'', out);
}

char *cli_command_text(const struct cli_line *line) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    fputs("qmac", out);
    for (int i = 0; i < line->argc; i++) {
        fputc(' ', out);
        print_quoted(out, line->argv[i]);
    }
    return qm_arena_close_text(line->arena, out, &text);
}

/* ---- places to write to ---- */

/* Whether a file can be made in the folder: makes one and removes it, for permissions alone do not tell (root, read-only mounts, /proc). */
static bool can_make_file_in(const char *folder) {
    char path[QM_PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/.qmac-XXXXXX", folder);
    if (size >= (int)sizeof path) return errno = ENAMETOOLONG, false;
    int file = mkstemp(path);
    if (file < 0) return false;
    unlink(path);
    return close(file) == 0;
}

/* Writes the folder that a path lies in: "." for "a", "/" for "/a". */
static void folder_of(const char *path, char *folder) {
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') size--;
    while (size > 0 && path[size - 1] != '/') size--;
    snprintf(folder, QM_PATH_BYTES, "%.*s", size > 0 ? (int)size : 1, size > 0 ? path : ".");
}

static const struct cli_line *begun;

void cli_begin(const struct cli_line *line) {
    begun = line;
}

/* Whether a word of the command line, or what stands behind its "=", names the file. */
static bool names_file(const char *word, const char *file, const struct stat *info) {
    struct stat other;
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    if (equals != NULL) word = equals + 1;
    if (strcmp(word, file) == 0) return true;
    return info != NULL && stat(word, &other) == 0 && other.st_dev == info->st_dev && other.st_ino == info->st_ino;
}

/* info: NULL when the file is not there yet. */
static enum qm_status check_named_once(const char *file, const struct stat *info, struct qm_diag *diag) {
    int count = 0;
    for (int i = 1; begun != NULL && i < begun->argc; i++) count += names_file(begun->argv[i], file, info);
    if (count <= 1) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: the command line names this file twice, and it would be written over", file);
}

enum qm_status cli_check_writable(const char *file, struct qm_diag *diag) {
    struct stat info;
    char folder[QM_PATH_BYTES];
    if (strlen(file) >= QM_PATH_BYTES || file[0] == '\0') return qm_fail(diag, QM_BAD_INPUT, "%.100s: not a file name", file);
    bool exists = stat(file, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return qm_fail(diag, QM_BAD_INPUT, "%s: is a folder, not a file", file);
    if (exists && !S_ISREG(info.st_mode)) return QM_OK;
    QM_TRY(check_named_once(file, exists ? &info : NULL, diag));
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
