/* vectors.c - see vectors.h. A line begins with case, kernels, generator, def or array; an array's numbers follow on lines of their own. */
#include "tests/support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/status.h"

/* What follows the case's name, in either case of letters, and an underscore. */
static const char *own_name(const struct vectors *v, const char *name) {
    size_t length = strlen(v->name);
    return strncasecmp(name, v->name, length) == 0 && name[length] == '_' ? name + length + 1 : name;
}

static void read_number(struct vectors *v, const char *line) {
    char name[160];
    long long value;
    int found = sscanf(line, "def %159s %lld", name, &value);
    bool word = found == 1 && strchr(line, '\\') == NULL; /* PADDING SAME: the numbers say it, too */
    if (word) return;
    if (v->number_count == VECTORS_MAX || found != 2) {
        v->whole = false;
        return;
    }
    snprintf(v->numbers[v->number_count].name, sizeof v->numbers->name, "%.79s", own_name(v, name));
    v->numbers[v->number_count++].value = value;
}

static void read_array(struct vectors *v, const char *line, FILE *file, struct qm_arena *arena) {
    char name[160];
    size_t count = 0;
    if (v->array_count == VECTORS_MAX || sscanf(line, "array %159s %*s %zu", name, &count) < 1) {
        v->whole = false;
        return;
    }
    snprintf(v->arrays[v->array_count].name, sizeof v->arrays->name, "%.79s", own_name(v, name));
    int32_t *values = QM_ARENA_NEW(arena, int32_t, count + 1);
    for (size_t i = 0; i < count; i++) QM_CHECK(fscanf(file, "%d", &values[i]) == 1);
    v->arrays[v->array_count].values = values;
    v->arrays[v->array_count++].count = count;
}

struct vectors *vectors_read(const char *name, struct qm_arena *arena) {
    struct vectors *v = QM_ARENA_NEW(arena, struct vectors, 1);
    FILE *file = fopen(name, "r");
    char line[4096];
    QM_CHECK(file != NULL);
    v->whole = true;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "case ", 5) == 0) sscanf(line, "case %79s", v->name);
        if (strncmp(line, "kernels ", 8) == 0) snprintf(v->kernels, sizeof v->kernels, "%.*s", (int)strcspn(line + 8, "\n"), line + 8);
        if (strncmp(line, "def ", 4) == 0) read_number(v, line);
        if (strncmp(line, "array ", 6) == 0) read_array(v, line, file, arena);
    }
    fclose(file);
    return v;
}

int64_t vectors_number(const struct vectors *v, const char *name, int64_t fallback) {
    for (uint32_t i = 0; i < v->number_count; i++)
        if (strcmp(v->numbers[i].name, name) == 0) return v->numbers[i].value;
    return fallback;
}

const int32_t *vectors_array(const struct vectors *v, const char *name, size_t *count) {
    for (uint32_t i = 0; i < v->array_count; i++) {
        if (strcmp(v->arrays[i].name, name) != 0 || v->arrays[i].count == 0) continue;
        if (count != NULL) *count = v->arrays[i].count;
        return v->arrays[i].values;
    }
    return NULL;
}

int8_t *vectors_bytes(const struct vectors *v, const char *name, struct qm_arena *arena) {
    size_t count;
    const int32_t *values = vectors_array(v, name, &count);
    QM_CHECK(values != NULL);
    int8_t *bytes = QM_ARENA_NEW(arena, int8_t, count);
    for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)values[i];
    return bytes;
}
