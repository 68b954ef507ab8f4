/* yaml.h - small YAML files as a tree that knows its lines: mappings of keys to texts or to mappings, nothing else.
 *
 * Lists, anchors, tags, a key that is given twice, a second document: all refused with FILE:LINE. What the keys mean is the caller's.
 */
#ifndef QM_COMMON_YAML_H
#define QM_COMMON_YAML_H

#include <stddef.h>

#include "common/arena.h"
#include "common/status.h"

struct qm_yaml_node {
    const char *file;
    size_t line;
    const char *key;                   /* NULL for the root */
    const char *text;                  /* NULL for a mapping */
    struct qm_yaml_node *first, *next; /* children in the order of the file; next sibling */
};

/* Reads a file into arena; the root is a mapping. */
QM_MUST_USE enum qm_status qm_yaml_load(const char *file, struct qm_arena *arena, struct qm_yaml_node **root, struct qm_diag *diag);

/* The child of a mapping with that key, or NULL. */
struct qm_yaml_node *qm_yaml_find(const struct qm_yaml_node *mapping, const char *key);

/* QM_BAD_INPUT as FILE:LINE: and the formatted text. */
enum qm_status qm_yaml_fail(const struct qm_yaml_node *node, struct qm_diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
