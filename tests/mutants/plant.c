/* plant.c - plants mutants in a copy of the RTL.
 *
 *   plant SEED COUNT ONLY FOLDER EQUIVALENT FILE...
 *
 * Draws COUNT mutants of all that the files can have, some of each file first, or of the file ONLY unless that is `all`, and writes
 * FOLDER/FILE for each file, and FOLDER/mutants: a line for each drawn one with number, file, line number, mutant, the line's text and, of
 * one in the file EQUIVALENT, why it changes nothing. A file that would be the same is not written again, so that make builds nothing anew.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/prng.h"
#include "tests/mutants/equivalent.h"

enum { OF_EACH_FILE = 3, OUTPUT_BYTES_MAX = 1 << 26, FILES = 6 /* the first of the arguments */ };

struct source {
    const char *file;
    struct tokens tokens;
    struct node *root;
    size_t header; /* where qmac.mutant is declared, or 0 */
    unsigned drawn;
};

struct planting {
    struct qm_arena *arena;
    const char *folder, *only;
    size_t source_count;
    struct source *sources;
    struct mutations mutations;
    unsigned drawn;
};

/* ---- drawing ---- */

static struct source *source_of(const struct planting *planting, const struct mutation *mutation) {
    for (size_t i = 0; i < planting->source_count; i++)
        if (strcmp(planting->sources[i].file, mutation->file) == 0) return &planting->sources[i];
    return NULL;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) hash = qm_hash3(hash, (uint8_t)*text, 0);
    return hash;
}

static int compare_keys(const void *a, const void *b) {
    uint64_t x = (*(struct mutation *const *)a)->key, y = (*(struct mutation *const *)b)->key;
    return (x > y) - (x < y);
}

/* The mutants in an order that follows from the seed and their own texts, so that an edit of the RTL changes no draw but its own. */
static struct mutation **shuffle(const struct planting *planting, uint64_t seed) {
    struct mutation **list = QM_ARENA_NEW(planting->arena, struct mutation *, planting->mutations.count);
    size_t count = 0;
    for (struct mutation *at = planting->mutations.first; at != NULL; at = at->next) {
        at->key = hash_text(hash_text(hash_text(seed, at->file), at->line_text), at->what);
        list[count++] = at;
    }
    qsort(list, count, sizeof *list, compare_keys);
    return list;
}

static bool is_asked_for(const struct planting *planting, const struct source *source) {
    return strcmp(planting->only, "all") == 0 || strcmp(planting->only, source->file) == 0;
}

static void draw(struct planting *planting, uint64_t seed, size_t wanted) {
    struct mutation **list = shuffle(planting, seed);
    size_t count = planting->mutations.count, drawn = 0;
    unsigned limits[] = {OF_EACH_FILE, UINT_MAX};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < count && drawn < wanted; i++) {
            struct source *source = source_of(planting, list[i]);
            if (list[i]->mutant != 0 || source->drawn >= limits[round] || !is_asked_for(planting, source)) continue;
            list[i]->mutant = 1;
            source->drawn++;
            drawn++;
        }
    unsigned mutant = 0;
    for (struct mutation *at = planting->mutations.first; at != NULL; at = at->next)
        if (at->mutant != 0) at->mutant = ++mutant;
    planting->drawn = mutant;
}

/* ---- files ---- */

static enum qm_status read_sources(struct planting *planting, char **files, struct qm_diag *diag) {
    for (size_t i = 0; i < planting->source_count; i++) {
        struct source *source = &planting->sources[i];
        size_t header;
        source->file = files[i];
        QM_TRY(tokens_read(files[i], planting->arena, &source->tokens, diag));
        QM_TRY(tree_parse(&source->tokens, planting->arena, &source->root, &header, diag));
        if (token_is(&source->tokens.list[1], "qmac")) source->header = header;
        mutations_find(&source->tokens, source->root, planting->arena, &planting->mutations);
    }
    return QM_OK;
}

static bool holds(const char *file, const char *text, size_t size) {
    struct qm_diag ignored;
    uint8_t *bytes;
    size_t held;
    if (qm_file_read(file, OUTPUT_BYTES_MAX, &bytes, &held, &ignored) != QM_OK) return false;
    bool same = held == size && memcmp(bytes, text, size) == 0;
    free(bytes);
    return same;
}

static enum qm_status write_changed(const char *file, const char *text, size_t size, struct qm_diag *diag) {
    return holds(file, text, size) ? QM_OK : qm_file_write(file, text, size, diag);
}

static enum qm_status write_sources(const struct planting *planting, struct qm_diag *diag) {
    for (size_t i = 0; i < planting->source_count; i++) {
        const struct source *source = &planting->sources[i];
        char *text;
        size_t size;
        FILE *stream = qm_text_stream_open(&text, &size);
        mutations_write(&source->tokens, source->root, source->header, stream);
        qm_text_stream_close(stream);
        enum qm_status status = write_changed(qm_arena_printf(planting->arena, "%s/%s", planting->folder, source->file), text, size, diag);
        free(text);
        QM_TRY(status);
    }
    return QM_OK;
}

static enum qm_status write_mutants(const struct planting *planting, struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    for (const struct mutation *at = planting->mutations.first; at != NULL; at = at->next)
        if (at->mutant != 0)
            fprintf(stream, "%u\t%s\t%u\t%s\t%s\t%s\n", at->mutant, at->file, at->line, at->what, at->line_text,
                    at->equivalent == NULL ? "" : at->equivalent);
    qm_text_stream_close(stream);
    enum qm_status status = write_changed(qm_arena_printf(planting->arena, "%s/mutants", planting->folder), text, size, diag);
    free(text);
    return status;
}

static enum qm_status parse(const char *what, const char *text, uint64_t *number, struct qm_diag *diag) {
    char *end;
    *number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *number > 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s %s: not a number from 1 on", what, text);
}

static enum qm_status plant(struct planting *planting, char **arguments, struct qm_diag *diag) {
    uint64_t seed, count;
    QM_TRY(parse("MUTANT_SEED", arguments[1], &seed, diag));
    QM_TRY(parse("MUTANTS", arguments[2], &count, diag));
    QM_TRY(read_sources(planting, arguments + FILES, diag));
    QM_TRY(equivalent_mark(arguments[5], planting->arena, &planting->mutations, diag));
    draw(planting, seed, count);
    if (planting->drawn == 0) return qm_fail(diag, QM_BAD_INPUT, "MUTANT_FILE %s: no such file has a mutant", planting->only);
    QM_TRY(write_sources(planting, diag));
    return write_mutants(planting, diag);
}

int main(int argc, char **argv) {
    if (argc <= FILES) {
        fputs("usage: plant SEED COUNT ONLY FOLDER EQUIVALENT FILE...\n", stderr);
        return QM_BAD_INPUT;
    }
    struct qm_diag diag;
    struct planting planting = {.arena = qm_arena_create(), .only = argv[3], .folder = argv[4], .source_count = (size_t)argc - FILES};
    planting.sources = QM_ARENA_NEW(planting.arena, struct source, planting.source_count);
    planting.mutations.end = &planting.mutations.first;
    enum qm_status status = plant(&planting, argv, &diag);
    if (status == QM_OK)
        printf("%u mutants planted of %zu that can be, in %zu files\n", planting.drawn, planting.mutations.count, planting.source_count);
    else
        fprintf(stderr, "plant: %s\n", diag.text);
    qm_arena_destroy(planting.arena);
    return (int)status;
}
