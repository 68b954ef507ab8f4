/* yaml.c - libyaml's events, one after another, into a tree. */
#include "common/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/file.h"
#include "common/memory.h"

enum { DEPTH_MAX = 8, FILE_BYTES_MAX = 1 << 20 };

struct reader {
    struct qm_arena *arena;
    const char *file;
    yaml_parser_t parser;
    yaml_event_t event; /* current; type YAML_NO_EVENT: none */
    struct qm_diag *diag;
};

static size_t line_of(const struct reader *reader) {
    return reader->event.start_mark.line + 1;
}

static enum qm_status fail_here(const struct reader *reader, const char *what) {
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s:%zu: %s", reader->file, line_of(reader), what);
}

static enum qm_status next_event(struct reader *reader) {
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event)) return QM_OK;
    if (reader->parser.error == YAML_MEMORY_ERROR) qm_out_of_memory();
    const char *problem = reader->parser.problem;
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s:%zu: not YAML: %s", reader->file, reader->parser.problem_mark.line + 1,
                   problem != NULL ? problem : "unreadable");
}

static enum qm_status expect(struct reader *reader, yaml_event_type_t type, const char *what) {
    QM_TRY(next_event(reader));
    return reader->event.type == type ? QM_OK : fail_here(reader, what);
}

static struct qm_yaml_node *new_node(struct reader *reader, const char *key) {
    struct qm_yaml_node *node = QM_ARENA_NEW(reader->arena, struct qm_yaml_node, 1);
    *node = (struct qm_yaml_node){.file = reader->file, .line = line_of(reader), .key = key};
    return node;
}

static const char *event_text(struct reader *reader) {
    return qm_arena_strdup(reader->arena, (const char *)reader->event.data.scalar.value);
}

static int compare_keys(const void *a, const void *b) {
    const struct qm_yaml_node *x = *(const struct qm_yaml_node *const *)a, *y = *(const struct qm_yaml_node *const *)b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted, equal keys stand side by side; the one that comes first in the file is named. */
static enum qm_status check_keys(struct reader *reader, const struct qm_yaml_node *mapping, size_t count) {
    const struct qm_yaml_node **sorted = qm_alloc_zeroed(count, sizeof *sorted), *twice = NULL;
    size_t at = 0;
    for (const struct qm_yaml_node *node = mapping->first; node != NULL; node = node->next) sorted[at++] = node;
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 && (twice == NULL || sorted[i]->line < twice->line)) twice = sorted[i];
    free(sorted);
    return twice == NULL ? QM_OK : qm_yaml_fail(twice, reader->diag, "'%s' is given twice", twice->key);
}

/* The current event begins the node's value: a scalar, or a mapping that is read to its end. */
static enum qm_status read_value(struct reader *reader, struct qm_yaml_node *node, unsigned depth) {
    if (reader->event.type == YAML_SCALAR_EVENT) {
        node->text = event_text(reader);
        return QM_OK;
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT || depth == DEPTH_MAX)
        return fail_here(reader, "only 'key: value' lines are allowed here");
    struct qm_yaml_node **end = &node->first;
    size_t count = 0;
    QM_TRY(next_event(reader));
    while (reader->event.type != YAML_MAPPING_END_EVENT) {
        if (reader->event.type != YAML_SCALAR_EVENT) return fail_here(reader, "a key must be a word");
        struct qm_yaml_node *child = new_node(reader, event_text(reader));
        *end = child;
        end = &child->next;
        count++;
        QM_TRY(next_event(reader));
        QM_TRY(read_value(reader, child, depth + 1));
        QM_TRY(next_event(reader));
    }
    return check_keys(reader, node, count);
}

static enum qm_status read_document(struct reader *reader, struct qm_yaml_node **root) {
    QM_TRY(expect(reader, YAML_STREAM_START_EVENT, "not YAML"));
    QM_TRY(expect(reader, YAML_DOCUMENT_START_EVENT, "the file is empty: 'key: value' lines were expected"));
    QM_TRY(expect(reader, YAML_MAPPING_START_EVENT, "'key: value' lines were expected"));
    *root = new_node(reader, NULL);
    QM_TRY(read_value(reader, *root, 0));
    QM_TRY(expect(reader, YAML_DOCUMENT_END_EVENT, "one mapping was expected"));
    return expect(reader, YAML_STREAM_END_EVENT, "only one document is allowed");
}

enum qm_status qm_yaml_load(const char *file, struct qm_arena *arena, struct qm_yaml_node **root, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    struct reader reader = {.arena = arena, .file = qm_arena_strdup(arena, file), .diag = diag};
    if (!yaml_parser_initialize(&reader.parser)) qm_out_of_memory();
    yaml_parser_set_input_string(&reader.parser, bytes, size);
    enum qm_status status = read_document(&reader, root);
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    free(bytes);
    return status;
}

struct qm_yaml_node *qm_yaml_find(const struct qm_yaml_node *mapping, const char *key) {
    for (struct qm_yaml_node *node = mapping->first; node != NULL; node = node->next)
        if (strcmp(node->key, key) == 0) return node;
    return NULL;
}

enum qm_status qm_yaml_fail(const struct qm_yaml_node *node, struct qm_diag *diag, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return qm_fail(diag, QM_BAD_INPUT, "%s:%zu: %s", node->file, node->line, text);
}
