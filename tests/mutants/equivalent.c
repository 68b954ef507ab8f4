/* equivalent.c - reads entries of four named lines and finds the mutant of each. */
#include "tests/mutants/equivalent.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { FILE_BYTES_MAX = 1 << 20, KEYS = 4 };

struct entry {
    const char *values[KEYS]; /* file, line, mutant, why; NULL: not there */
    unsigned line;            /* of its last line */
};

static const char *const keys[KEYS] = {"file: ", "line: ", "mutant: ", "why: "};

static struct mutation *find(const struct mutations *mutations, const struct entry *entry) {
    for (struct mutation *at = mutations->first; at != NULL; at = at->next)
        if (strcmp(at->file, entry->values[0]) == 0 && strcmp(at->line_text, entry->values[1]) == 0 &&
            strcmp(at->what, entry->values[2]) == 0)
            return at;
    return NULL;
}

static enum qm_status finish(const char *file, struct entry *entry, struct mutations *mutations, struct qm_diag *diag) {
    bool empty = true;
    for (int i = 0; i < KEYS; i++) empty = empty && entry->values[i] == NULL;
    if (empty) return QM_OK;
    for (int i = 0; i < KEYS; i++)
        if (entry->values[i] == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s:%u: the entry has no '%s'", file, entry->line, keys[i]);
    struct mutation *mutation = find(mutations, entry);
    if (mutation == NULL)
        return qm_fail(diag, QM_BAD_INPUT, "%s:%u: %s has no such line with this mutant any more: '%s'; look at it again or remove it",
                       file, entry->line, entry->values[0], entry->values[2]);
    if (mutation->equivalent != NULL) return qm_fail(diag, QM_BAD_INPUT, "%s:%u: the mutant has an entry already", file, entry->line);
    mutation->equivalent = entry->values[3];
    *entry = (struct entry){0};
    return QM_OK;
}

static enum qm_status take_line(const char *file, char *text, struct entry *entry, struct mutations *mutations, struct qm_diag *diag) {
    if (*text == '#') return QM_OK;
    if (*text == '\0') return finish(file, entry, mutations, diag);
    for (int i = 0; i < KEYS; i++) {
        if (strncmp(text, keys[i], strlen(keys[i])) != 0 || entry->values[i] != NULL) continue;
        entry->values[i] = text + strlen(keys[i]);
        return QM_OK;
    }
    return qm_fail(diag, QM_BAD_INPUT, "%s:%u: expected 'file: ', 'line: ', 'mutant: ' and 'why: ', each once in an entry", file,
                   entry->line);
}

enum qm_status equivalent_mark(const char *file, struct qm_arena *arena, struct mutations *mutations, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(arena, (const char *)bytes), *line;
    free(bytes);
    struct entry entry = {0};
    for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        entry.line = number;
        QM_TRY(take_line(file, line, &entry, mutations, diag));
    }
    return finish(file, &entry, mutations, diag);
}
