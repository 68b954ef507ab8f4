/* rtl_request.c - asks the tools for their versions and the processor for its features,
 * and refuses a tree that this program does not belong to.
 *
 * The header of the Verilog is made by this program, so that model and RTL always have the same spec/. A tree whose spec/ or glue is not
 * the one that was compiled in would only seem to be verified: it is refused.
 */
#include "sim/verilated/rtl_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/process.h"
#include "sim/verilated/verilog_defs.h"

/* Changed when what is kept of a build changes. */
static const char FORMAT[] = "5";

const char *const rtl_compile_options[] = {"-std=gnu++17",
                                           "-O2",
                                           "-march=native",
                                           "-fPIC",
                                           "-fvisibility=hidden",
                                           "-DVL_USER_FINISH",
                                           "-DVL_USER_STOP",
                                           "-DVL_USER_FATAL",
                                           "-DVL_PRINTF=rtl_print",
                                           "-include",
                                           RTL_LINK_HOME "/sim/verilated/rtl_glue.h",
                                           "-fno-exceptions",
                                           "-w",
                                           NULL};

static const char *const verilate_options[] = {"verilator_bin", "--cc",       "--prefix", "Vqmac",       "--top-module", "qmac",
                                               "-O3",           "--x-assign", "fast",     "--x-initial", "fast",         "--noassert",
                                               "-Wno-lint",     "-Wno-style", "--Mdir",   "obj",         "-I.",          NULL};
static const char *const verilate_files[] = {"-I" RTL_LINK_SOURCE,          "-I" RTL_LINK_SOURCE "/lib",
                                             "-I" RTL_LINK_SOURCE "/probe", RTL_LINK_HOME "/" RTL_GLUE_FILE,
                                             RTL_LINK_SOURCE "/qmac.v",     NULL};

/* ---- the files that this program was compiled with ---- */

#define EMBED(name, file)                                                                                                                  \
    __asm__(".section .rodata\n" #name ":\n.incbin \"" file "\"\n.byte 0\n.previous");                                                     \
    extern const char name[] __attribute__((visibility("hidden")))

EMBED(rtl_text_counters, "spec/counters.def");
EMBED(rtl_text_csr, "spec/csr.def");
EMBED(rtl_text_hw_params, "spec/hw_params.def");
EMBED(rtl_text_isa, "spec/isa.def");
EMBED(rtl_text_probes, "spec/probes.def");
EMBED(rtl_text_glue, "sim/verilated/rtl_glue.h");

static const struct embedded {
    const char *name, *text;
} embedded[] = {{"spec/counters.def", rtl_text_counters},   {"spec/csr.def", rtl_text_csr},
                {"spec/hw_params.def", rtl_text_hw_params}, {"spec/isa.def", rtl_text_isa},
                {"spec/probes.def", rtl_text_probes},       {"sim/verilated/rtl_glue.h", rtl_text_glue}};
enum { EMBEDDED = sizeof embedded / sizeof *embedded, FILE_BYTES_MAX = 1 << 20, PROCESSORS_BYTES_MAX = 1 << 26 };

static enum qm_status check_embedded(const struct rtl_request *request, struct qm_diag *diag) {
    for (int i = 0; i < EMBEDDED; i++) {
        uint8_t *bytes;
        size_t size;
        const char *file = qm_arena_printf(request->arena, "%s/%s", request->home, embedded[i].name);
        QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
        bool same = strlen(embedded[i].text) == size && memcmp(bytes, embedded[i].text, size) == 0;
        free(bytes);
        if (!same)
            return qm_fail(diag, QM_BAD_INPUT, "%s: is not the file that this program was built from: in %s, run make clean and make", file,
                           request->home);
    }
    return QM_OK;
}

/* ---- folders ---- */

static enum qm_status find_folders(struct rtl_request *request, struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    const char *asked = request->options->folder;
    QM_TRY(qm_home_path(".", path, diag));
    char *home = realpath(path, NULL);
    if (home == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: not a folder: QMAC_HOME must name a tree of qmac", path);
    request->home = qm_arena_strdup(request->arena, home);
    free(home);
    if (asked == NULL) asked = qm_arena_printf(request->arena, "%s/rtl", request->home);
    char *source = realpath(asked, NULL);
    if (source == NULL || access(qm_arena_printf(request->arena, "%s/qmac.v", source), R_OK) != 0) {
        free(source);
        return qm_fail(diag, QM_BAD_INPUT, "%s: not a folder with the Verilog of qmac.v: name a copy of rtl/", asked);
    }
    request->source = qm_arena_strdup(request->arena, source);
    free(source);
    return QM_OK;
}

/* ---- tools ---- */

/* What the program prints; NULL in *answer when there is no such program. */
static enum qm_status ask(const struct rtl_request *request, const char *program, const char *option, const char **answer,
                          struct qm_diag *diag) {
    struct qm_process process = {.arguments = (const char *const[]){program, option, NULL}};
    QM_TRY(qm_process_run(&process, 1, 1, request->arena, diag));
    *answer = process.status == 0 ? process.output : NULL;
    if (process.status == 0 || process.is_missing) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s: cannot be run: %.*s", program, (int)strcspn(process.output, "\n"), process.output);
}

/* The line of /proc/cpuinfo that lists what the first processor can do. */
static enum qm_status processor_features(struct qm_arena *arena, const char **features, struct qm_diag *diag) {
    static const char file[] = "/proc/cpuinfo";
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, PROCESSORS_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(arena, (const char *)bytes);
    free(bytes);
    *features = NULL;
    for (char *line; *features == NULL && (line = strsep(&rest, "\n")) != NULL;)
        if (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0) *features = line;
    if (*features != NULL) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s: does not say what the processor can do", file);
}

/* The folder of what Verilator brings along: of the environment, else the one that it was built with, which it prints first. */
static const char *verilator_root(struct qm_arena *arena, const char *version) {
    static const char mark[] = "VERILATOR_ROOT     = ";
    const char *asked = getenv("VERILATOR_ROOT"), *at = strstr(version, mark);
    if (asked != NULL && asked[0] != '\0') return asked;
    return at == NULL ? "" : qm_arena_printf(arena, "%.*s", (int)strcspn(at + strlen(mark), "\n"), at + strlen(mark));
}

static enum qm_status ask_tools(struct rtl_request *request, struct rtl_tools *tools, struct qm_diag *diag) {
    struct sha256_ctx hash;
    const char *features, *verilator, *compiler;
    QM_TRY(ask(request, "verilator_bin", "-V", &verilator, diag));
    if (verilator == NULL) return qm_fail(diag, QM_INTERNAL, "verilator_bin: is missing; the RTL needs it: make deps installs it");
    QM_TRY(ask(request, tools->compiler = "clang++", "--version", &compiler, diag));
    if (compiler == NULL) QM_TRY(ask(request, tools->compiler = "g++", "--version", &compiler, diag));
    if (compiler == NULL) return qm_fail(diag, QM_INTERNAL, "clang++, g++: both are missing; the RTL needs one: make deps installs them");
    QM_TRY(processor_features(request->arena, &features, diag));
    QM_TRY(qm_path_join(tools->verilator_include, diag, verilator_root(request->arena, verilator), "/include", NULL));
    sha256_init(&hash);
    const char *const texts[] = {FORMAT, verilator, tools->verilator_include, compiler, features};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) qm_digest_add(&hash, texts[i]);
    for (const char *const *option = rtl_compile_options; *option != NULL; option++) qm_digest_add(&hash, *option);
    qm_digest_end(&hash, &tools->digest);
    return QM_OK;
}

/* The tools do not change while a process runs, and asking them takes longer than all the rest: they are asked once. */
static enum qm_status find_tools(struct rtl_request *request, struct qm_diag *diag) {
    static struct rtl_tools tools;
    if (tools.digest.text[0] == '\0') QM_TRY(ask_tools(request, &tools, diag));
    request->tools = &tools;
    return QM_OK;
}

/* ---- arguments ---- */

static void add(struct rtl_request *request, size_t *count, const char *argument) {
    QM_CHECK(*count + 1 < RTL_VERILATE_MAX);
    request->verilate[(*count)++] = argument;
}

/* -GRows=16 and so on, for all knobs that the Verilog has. */
static void add_parameters(struct rtl_request *request, size_t *count) {
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value = qm_machine_knob(request->machine, &qm_params[i]);
        if (qm_params[i].verilog == NULL) continue;
        add(request, count, qm_arena_printf(request->arena, "-G%s=%" PRIu32, qm_params[i].verilog, value));
    }
    add(request, count, qm_arena_printf(request->arena, "-GFastArray=%d", request->options->cells ? 0 : 1));
    add(request, count, qm_arena_printf(request->arena, "-GFingerprint=32'h%08" PRIx32, qm_machine_fingerprint(request->machine)));
    if (request->options->probed) add(request, count, RTL_PROBED_OPTION);
}

static void list_arguments(struct rtl_request *request) {
    size_t count = 0;
    for (const char *const *option = verilate_options; *option != NULL; option++) add(request, &count, *option);
    add_parameters(request, &count);
    for (const char *const *option = verilate_files; *option != NULL; option++) add(request, &count, *option);
    request->verilate[count] = NULL;
}

static void make_defs(struct rtl_request *request) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    verilog_defs_print(stream);
    qm_text_stream_close(stream);
    request->defs = qm_arena_strdup(request->arena, text);
    free(text);
}

/* ---- the key ---- */

static enum qm_status make_key(struct rtl_request *request, struct qm_diag *diag) {
    static const char *const glue[] = {"sim/verilated/rtl_glue.cpp", RTL_GLUE_FILE};
    struct sha256_ctx hash;
    sha256_init(&hash);
    qm_digest_add(&hash, request->tools->digest.text);
    for (const char *const *argument = request->verilate; *argument != NULL; argument++) qm_digest_add(&hash, *argument);
    qm_digest_add(&hash, request->defs);
    for (int i = 0; i < EMBEDDED; i++) qm_digest_add(&hash, embedded[i].text);
    for (size_t i = 0; i < sizeof glue / sizeof *glue; i++) {
        struct qm_digest digest;
        QM_TRY(qm_digest_file(qm_arena_printf(request->arena, "%s/%s", request->home, glue[i]), &digest, diag));
        qm_digest_add(&hash, digest.text);
    }
    qm_digest_end(&hash, &request->key);
    return QM_OK;
}

enum qm_status rtl_request_make(const struct qm_machine *machine, const struct qm_rtl_options *options, struct qm_arena *arena,
                                struct rtl_request *request, struct qm_diag *diag) {
    *request = (struct rtl_request){.arena = arena, .machine = machine, .options = options};
    QM_TRY(find_folders(request, diag));
    QM_TRY(check_embedded(request, diag));
    QM_TRY(find_tools(request, diag));
    list_arguments(request);
    make_defs(request);
    return make_key(request, diag);
}
