/* rtl_files.c - the digests of the files that a build was made of, and changes of them that must be seen. */
#include "sim/verilated/rtl_files.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

/* A folder with two files of Verilog and one outside of it, and the list that Verilator would write of them. */
struct bench {
    struct qm_arena *arena;
    char root[64];
    const char *source, *top, *header, *outside, *list;
    struct qm_digest names; /* of before */
    struct rtl_files files;
};

static struct qm_diag diag;

static void put(const char *file, const char *text) {
    cr_assert(qm_file_write(file, text, strlen(text), &diag) == QM_OK, "%s", diag.text);
}

static const char *below(struct bench *bench, const char *name) {
    return qm_arena_printf(bench->arena, "%s/%s", bench->root, name);
}

static const char *line_of(struct bench *bench, const char *file, const char *name) {
    struct stat info;
    cr_assert(stat(file, &info) == 0);
    return qm_arena_printf(bench->arena, "S %ju %ju %jd %ld %jd %ld \"%s\"\n", (uintmax_t)info.st_size, (uintmax_t)info.st_ino,
                           (intmax_t)info.st_ctim.tv_sec, info.st_ctim.tv_nsec, (intmax_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec, name);
}

static enum qm_status read_list(struct bench *bench) {
    struct rtl_places places = {.source = bench->source, .home = bench->root};
    return rtl_files_of_list(bench->list, &places, &bench->names, bench->arena, &bench->files, &diag);
}

static void bench_init(struct bench *bench) {
    *bench = (struct bench){.arena = qm_arena_create(), .root = "/tmp/qmac-unit-XXXXXX"};
    cr_assert(mkdtemp(bench->root) != NULL);
    bench->source = below(bench, "rtl");
    bench->top = below(bench, "rtl/top.v");
    bench->header = below(bench, "rtl/a \"b\".vh");
    bench->outside = below(bench, "outside.vh");
    bench->list = below(bench, "list");
    cr_assert(mkdir(bench->source, 0755) == 0);
    put(bench->top, "module top;\n");
    put(bench->header, "`define A 1\n");
    put(bench->outside, "`define B 1\n");
    put(bench->list,
        qm_arena_printf(bench->arena, "C \"--cc\"\n%sS 1 2 3 4 5 6 \"/usr/bin/verilator_bin\"\nT 1 2 3 4 5 6 \"obj/x.cpp\"\n%s%s",
                        line_of(bench, bench->top, "rtl/top.v"), line_of(bench, bench->header, "rtl/a \"b\".vh"),
                        line_of(bench, bench->outside, bench->outside)));
    cr_assert(rtl_files_names(bench->source, &bench->names, &diag) == QM_OK, "%s", diag.text);
    cr_assert(read_list(bench) == QM_OK, "%s", diag.text);
}

static void bench_fini(struct bench *bench) {
    const char *const files[] = {bench->top, bench->header, bench->outside, bench->list, below(bench, "rtl/new.vh"), below(bench, "kept")};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) remove(files[i]);
    cr_assert(rmdir(bench->source) == 0 && rmdir(bench->root) == 0);
    qm_arena_destroy(bench->arena);
}

static bool holds(struct bench *bench) {
    return rtl_files_hold(&bench->files, bench->source, bench->arena);
}

Test(rtl_files, are_those_that_verilator_read_and_none_that_it_wrote) {
    struct bench bench;
    bench_init(&bench);
    cr_assert(eq(sz, bench.files.count, 3));
    cr_assert(eq(str, (char *)bench.files.files[0].name, (char *)bench.outside));
    cr_assert(eq(str, (char *)bench.files.files[1].name, "a \"b\".vh"));
    cr_assert(eq(str, (char *)bench.files.files[2].name, "top.v"));
    cr_assert(holds(&bench));
    bench_fini(&bench);
}

Test(rtl_files, show_a_change_that_keeps_size_and_time) {
    struct bench bench;
    bench_init(&bench);
    const char *const files[] = {bench.top, bench.header, bench.outside};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct stat info;
        uint8_t *before;
        size_t size;
        cr_assert(stat(files[i], &info) == 0 && qm_file_read(files[i], 100, &before, &size, &diag) == QM_OK);
        char *after = qm_arena_strdup(bench.arena, (const char *)before);
        after[0] = '\t';
        put(files[i], after);
        cr_assert(utimensat(AT_FDCWD, files[i], (struct timespec[]){info.st_atim, info.st_mtim}, 0) == 0);
        cr_expect(not(holds(&bench)), "%s", files[i]);
        put(files[i], (const char *)before);
        cr_expect(holds(&bench), "%s", files[i]);
        free(before);
    }
    bench_fini(&bench);
}

Test(rtl_files, show_a_new_file_and_a_missing_one) {
    struct bench bench;
    bench_init(&bench);
    put(below(&bench, "rtl/new.vh"), "");
    cr_assert(not(holds(&bench)));
    cr_assert(remove(below(&bench, "rtl/new.vh")) == 0);
    cr_assert(holds(&bench));
    cr_assert(remove(bench.outside) == 0);
    cr_assert(not(holds(&bench)));
    bench_fini(&bench);
}

Test(rtl_files, that_change_while_they_are_read_are_refused) {
    struct bench bench;
    bench_init(&bench);
    put(bench.top, "module top; \n");
    cr_assert(eq(int, read_list(&bench), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "top.v: changed while it was read") != NULL, "%s", diag.text);
    bench_fini(&bench);
}

Test(rtl_files, that_come_while_they_are_read_are_refused) {
    struct bench bench;
    bench_init(&bench);
    put(below(&bench, "rtl/new.vh"), "");
    cr_assert(eq(int, read_list(&bench), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "came or went") != NULL, "%s", diag.text);
    bench_fini(&bench);
}

/* A folder that is a link: what is found in it depends on where it leads. */
Test(rtl_files, show_a_new_file_behind_a_link) {
    struct bench bench;
    bench_init(&bench);
    const char *behind = below(&bench, "behind"), *lib = below(&bench, "rtl/lib"), *file = below(&bench, "behind/top.v");
    cr_assert(mkdir(behind, 0755) == 0 && symlink(behind, lib) == 0);
    cr_assert(rtl_files_names(bench.source, &bench.names, &diag) == QM_OK && read_list(&bench) == QM_OK, "%s", diag.text);
    cr_assert(holds(&bench));
    put(file, "module top;\n");
    cr_assert(not(holds(&bench)));
    cr_assert(remove(file) == 0 && remove(lib) == 0 && rmdir(behind) == 0);
    bench_fini(&bench);
}

/* ../x.vh is looked for outside of the folder, where no names are noted. */
Test(rtl_files, show_a_new_file_that_is_found_before_another) {
    struct bench bench;
    bench_init(&bench);
    const char *lib = below(&bench, "rtl/lib"), *header = below(&bench, "rtl/x.vh"), *before = below(&bench, "x.vh");
    cr_assert(mkdir(lib, 0755) == 0);
    put(header, "");
    put(bench.list, line_of(&bench, header, "rtl/lib/../x.vh"));
    cr_assert(rtl_files_names(bench.source, &bench.names, &diag) == QM_OK && read_list(&bench) == QM_OK, "%s", diag.text);
    cr_assert(holds(&bench));
    put(before, "");
    cr_assert(not(holds(&bench)));
    cr_assert(remove(before) == 0 && remove(header) == 0 && rmdir(lib) == 0);
    bench_fini(&bench);
}

Test(rtl_files, that_would_let_the_tools_wait_are_refused) {
    struct bench bench;
    bench_init(&bench);
    const char *pipe = below(&bench, "rtl/pipe.v"), *circle = below(&bench, "rtl/circle");
    cr_assert(mkfifo(pipe, 0644) == 0);
    cr_assert(eq(int, rtl_files_names(bench.source, &bench.names, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "pipe.v: is not a regular file") != NULL, "%s", diag.text);
    cr_assert(remove(pipe) == 0 && symlink(bench.source, circle) == 0);
    cr_assert(eq(int, rtl_files_names(bench.source, &bench.names, &diag), QM_BAD_INPUT));
    cr_assert(remove(circle) == 0);
    bench_fini(&bench);
}

Test(rtl_files, are_the_same_after_they_were_kept) {
    struct bench bench;
    struct rtl_files kept;
    bench_init(&bench);
    const char *file = below(&bench, "kept");
    bench.files.library = bench.names;
    cr_assert(rtl_files_write(&bench.files, file, &diag) == QM_OK, "%s", diag.text);
    cr_assert(rtl_files_read(file, bench.arena, &kept, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(sz, kept.count, bench.files.count));
    cr_assert(eq(str, kept.digest.text, bench.files.digest.text));
    cr_assert(eq(str, kept.names.text, bench.files.names.text));
    cr_assert(eq(str, kept.library.text, bench.files.library.text));
    for (long cut = 0; cut < 70; cut += 23) {
        cr_assert(truncate(file, cut) == 0);
        cr_expect(eq(int, rtl_files_read(file, bench.arena, &kept, &diag), QM_BAD_INPUT), "%ld bytes", cut);
    }
    bench_fini(&bench);
}
