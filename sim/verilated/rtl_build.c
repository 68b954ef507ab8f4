/* rtl_build.c - the folder has links to the Verilog and to the home, so that the tools see only the names of the links,
 * never the user's paths.
 *
 * Verilator writes a few large files with what runs in every cycle, and others with what runs once: the large ones are compiled side by
 * side, the others as one file with little optimization.
 */
#include "sim/verilated/rtl_build.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/process.h"
#include "common/text.h"

enum { LARGE_BYTES = 100000, SOURCES_MAX = 4096, ARGUMENTS_MAX = 64 + SOURCES_MAX };

struct unit {
    const char *source, *object; /* in the folder; an object with a '/' is elsewhere */
    const char *optimization;    /* NULL: that of rtl_compile_options */
};

struct build {
    const struct rtl_request *request;
    struct qm_arena *arena;
    const char *folder, *runtime;
    struct unit *units; /* [count], the longest first */
    size_t count;
    struct qm_diag *diag;
};

static const char *in_folder(const struct build *build, const char *name) {
    return qm_arena_printf(build->arena, "%s/%s", build->folder, name);
}

static void say(const struct build *build, const char *what) {
    const struct qm_rtl_options *options = build->request->options;
    const struct qm_machine *machine = build->request->machine;
    if (options->progress == NULL) return;
    options->progress(options->context, qm_arena_printf(build->arena, "building the RTL of machine %s (%ux%u): %s", machine->name,
                                                        machine->rows, machine->cols, what));
}

/* ---- what a tool says when it fails ---- */

/* What a tool says at its end, that there were errors, tells nothing. */
static bool is_count(const char *line) {
    return strstr(line, "Exiting due to") != NULL || strstr(line, " generated.") != NULL || strstr(line, "linker command failed") != NULL;
}

static const char *last_line_with(const char *text, const char *word, struct qm_arena *arena) {
    const char *last = NULL;
    for (char *line, *rest = qm_arena_strdup(arena, text); (line = strsep(&rest, "\n")) != NULL;)
        if (*line != '\0' && strcasestr(line, word) != NULL && !is_count(line)) last = line;
    return last;
}

/* A failing tool is our fault or the system's. */
static enum qm_status blame_tool(const struct build *build, const struct qm_process *process) {
    static const char *const words[] = {"No space left", "error:", "error", ""};
    const char *line = NULL;
    for (size_t i = 0; line == NULL && i < sizeof words / sizeof *words; i++)
        line = last_line_with(process->output, words[i], build->arena);
    if (process->status > 128) line = qm_arena_printf(build->arena, "was ended by the signal %s", sigdescr_np(process->status - 128));
    return qm_fail(build->diag, QM_INTERNAL, "%s: %s (building the RTL of machine %s)", process->arguments[0],
                   line != NULL ? line : "failed without a word", build->request->machine->name);
}

/* The place of an error of Verilator's, FILE:LINE:COLUMN: and what follows, when that is in the user's Verilog; else NULL. */
static const char *place_of(const char *line, const char *source, struct qm_arena *arena) {
    static const char mark[] = "%Error", own[] = RTL_LINK_SOURCE "/", ours[] = RTL_LINK_HOME "/";
    const char *place = strncmp(line, mark, strlen(mark)) == 0 ? strstr(line, ": ") : NULL;
    unsigned row, column;
    int end = 0;
    if (place == NULL) return NULL;
    place += 2;
    for (const char *colon = place; end == 0 && (colon = strchr(colon, ':')) != NULL; colon++)
        if (sscanf(colon, ":%u:%u: %n", &row, &column, &end) != 2) end = 0;
    if (end == 0 || strncmp(place, ours, strlen(ours)) == 0) return NULL;
    return strncmp(place, own, strlen(own)) == 0 ? qm_arena_printf(arena, "%s/%s", source, place + strlen(own)) : place;
}

/* The first error of Verilator that has a place in the Verilog is the user's. */
static enum qm_status blame_verilog(const struct build *build, const struct qm_process *process) {
    for (char *line, *rest = qm_arena_strdup(build->arena, process->output); (line = strsep(&rest, "\n")) != NULL;) {
        const char *place = place_of(line, build->request->source, build->arena);
        if (place != NULL) return qm_fail(build->diag, QM_BAD_INPUT, "%s (building machine %s)", place, build->request->machine->name);
    }
    return blame_tool(build, process);
}

/* ---- Verilator ---- */

static enum qm_status make_link(const struct build *build, const char *target, const char *name) {
    if (symlink(target, in_folder(build, name)) == 0) return QM_OK;
    return qm_fail(build->diag, QM_INTERNAL, "%s/%s: cannot be made: %s", build->folder, name, strerror(errno));
}

static enum qm_status write_text(const struct build *build, const char *name, const char *text) {
    enum qm_status status = qm_file_write(in_folder(build, name), text, strlen(text), build->diag);
    return status == QM_OK ? QM_OK : QM_INTERNAL;
}

static enum qm_status verilate(const struct build *build) {
    const struct rtl_request *request = build->request;
    struct qm_process process = {.arguments = request->verilate, .folder = build->folder};
    QM_TRY(make_link(build, request->source, RTL_LINK_SOURCE));
    QM_TRY(make_link(build, request->home, RTL_LINK_HOME));
    QM_TRY(write_text(build, RTL_DEFS_FILE, request->defs));
    say(build, "Verilator");
    QM_TRY(qm_process_run(&process, 1, 1, build->arena, build->diag));
    return process.status == 0 ? QM_OK : blame_verilog(build, &process);
}

/* ---- the compiler ---- */

static void add_unit(struct build *build, struct unit unit) {
    QM_CHECK(build->count < SOURCES_MAX);
    build->units[build->count++] = unit;
}

static int is_cpp(const struct dirent *entry) {
    return qm_text_ends_in(entry->d_name, ".cpp");
}

/* Sorts what Verilator wrote into units. The texts are sources that include the small files. */
static enum qm_status list_units(struct build *build) {
    struct dirent **entries;
    const char *fast = "#include \"" RTL_LINK_HOME "/sim/verilated/rtl_glue.cpp\"\n", *once = "";
    int count = scandir(in_folder(build, "obj"), &entries, is_cpp, alphasort);
    if (count <= 0) return qm_fail(build->diag, QM_INTERNAL, "%s/obj: has nothing that Verilator wrote", build->folder);
    for (int i = 0; i < count; i++) {
        struct stat info = {0};
        const char *name = qm_arena_printf(build->arena, "obj/%s", entries[i]->d_name);
        const char *include = qm_arena_printf(build->arena, "#include \"%s\"\n", name);
        if (strstr(name, "Slow") != NULL)
            once = qm_arena_printf(build->arena, "%s%s", once, include);
        else if (stat(in_folder(build, name), &info) == 0 && info.st_size >= LARGE_BYTES)
            add_unit(build, (struct unit){.source = name, .object = qm_arena_printf(build->arena, "%d.o", i)});
        else
            fast = qm_arena_printf(build->arena, "%s%s", fast, include);
        free(entries[i]);
    }
    free(entries);
    QM_TRY(write_text(build, "once.cc", once));
    QM_TRY(write_text(build, "fast.cc", fast));
    add_unit(build, (struct unit){.source = "once.cc", .object = "once.o", .optimization = "-O1"});
    add_unit(build, (struct unit){.source = "fast.cc", .object = "fast.o"});
    return QM_OK;
}

static const char *runtime_digest_path(const struct build *build) {
    return qm_arena_printf(build->arena, "%s.sha256", build->runtime);
}

/* Whether it is there and undamaged. */
static bool has_runtime(const struct build *build) {
    struct qm_digest digest;
    struct qm_diag ignored;
    uint8_t *kept;
    size_t size;
    if (qm_digest_file(build->runtime, &digest, &ignored) != QM_OK) return false;
    if (qm_file_read(runtime_digest_path(build), QM_DIGEST_BYTES, &kept, &size, &ignored) != QM_OK) return false;
    bool same = strcmp((const char *)kept, digest.text) == 0;
    free(kept);
    return same;
}

/* What Verilator brings along is the same for all machines. */
static enum qm_status add_runtime(struct build *build) {
    if (has_runtime(build)) return QM_OK;
    QM_TRY(write_text(build, "runtime.cc", "#include \"verilated.cpp\"\n#include \"verilated_threads.cpp\"\n"));
    add_unit(build, (struct unit){.source = "runtime.cc", .object = "runtime.o"});
    return QM_OK;
}

static struct qm_process compile_process(const struct build *build, const struct unit *unit) {
    const struct rtl_request *request = build->request;
    const char **arguments = QM_ARENA_NEW(build->arena, const char *, ARGUMENTS_MAX);
    size_t count = 0;
    arguments[count++] = request->tools->compiler;
    for (const char *const *option = rtl_compile_options; *option != NULL; option++) arguments[count++] = *option;
    if (request->options->probed) arguments[count++] = RTL_PROBED_OPTION;
    if (unit->optimization != NULL) arguments[count++] = unit->optimization;
    const char *const rest[] = {"-I.",
                                "-Iobj",
                                "-I" RTL_LINK_HOME,
                                "-isystem",
                                request->tools->verilator_include,
                                "-isystem",
                                qm_arena_printf(build->arena, "%s/vltstd", request->tools->verilator_include),
                                "-c",
                                "-o",
                                unit->object,
                                unit->source};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) arguments[count++] = rest[i];
    return (struct qm_process){.arguments = arguments, .folder = build->folder};
}

static enum qm_status run_all(const struct build *build, struct qm_process *processes, size_t count) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    QM_TRY(qm_process_run(processes, count, processors > 1 ? (unsigned)processors : 1, build->arena, build->diag));
    for (size_t i = 0; i < count; i++)
        if (processes[i].status != 0) return blame_tool(build, &processes[i]);
    return QM_OK;
}

static enum qm_status compile(const struct build *build) {
    struct qm_process *processes = QM_ARENA_NEW(build->arena, struct qm_process, build->count);
    for (size_t i = 0; i < build->count; i++) processes[i] = compile_process(build, &build->units[i]);
    say(build, qm_arena_printf(build->arena, "compiling %zu files", build->count));
    return run_all(build, processes, build->count);
}

/* The runtime that was just made is for the next build, too. */
static enum qm_status keep_runtime(const struct build *build) {
    struct qm_digest digest;
    const char *made = in_folder(build, "runtime.o");
    if (access(made, R_OK) != 0) return QM_OK; /* it was there */
    QM_TRY(qm_file_sync(made, build->diag));
    QM_TRY(qm_digest_file(made, &digest, build->diag));
    QM_TRY(qm_file_write(runtime_digest_path(build), digest.text, strlen(digest.text), build->diag));
    chmod(runtime_digest_path(build), 0644); /* for others to read, and not to write */
    if (rename(made, build->runtime) == 0) return QM_OK;
    return qm_fail(build->diag, QM_INTERNAL, "%s: cannot be written: %s", build->runtime, strerror(errno));
}

static enum qm_status link_library(const struct build *build) {
    const char **arguments = QM_ARENA_NEW(build->arena, const char *, ARGUMENTS_MAX);
    size_t count = 0;
    const char *const first[] = {build->request->tools->compiler, "-shared", "-Wl,-Bsymbolic,-z,defs", "-o", RTL_LIBRARY_FILE};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) arguments[count++] = first[i];
    for (size_t i = 0; i < build->count; i++)
        if (strcmp(build->units[i].object, "runtime.o") != 0) arguments[count++] = build->units[i].object;
    arguments[count++] = build->runtime;
    arguments[count++] = "-latomic"; /* clang++ asks it whether atomic types have locks */
    struct qm_process process = {.arguments = arguments, .folder = build->folder};
    return run_all(build, &process, 1);
}

enum qm_status rtl_build(const struct rtl_request *request, const char *folder, const char *runtime, struct rtl_files *files,
                         struct qm_diag *diag) {
    struct build build = {.request = request,
                          .arena = request->arena,
                          .folder = folder,
                          .runtime = runtime,
                          .units = QM_ARENA_NEW(request->arena, struct unit, SOURCES_MAX),
                          .diag = diag};
    struct rtl_places places = {.source = request->source, .home = request->home};
    struct qm_digest names;
    QM_TRY(rtl_files_names(request->source, &names, diag));
    QM_TRY(verilate(&build));
    QM_TRY(rtl_files_of_list(in_folder(&build, "obj/Vqmac__verFiles.dat"), &places, &names, request->arena, files, diag));
    QM_TRY(list_units(&build));
    QM_TRY(add_runtime(&build));
    QM_TRY(compile(&build));
    QM_TRY(keep_runtime(&build));
    return link_library(&build);
}
