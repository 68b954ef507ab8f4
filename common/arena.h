/* arena.h - memory that is freed all at once: one arena per compilation or loaded file.
 *
 * Allocation never fails (common/memory.h says what happens when the system has no memory). Memory is zeroed and aligned to 64 bytes.
 */
#ifndef QM_COMMON_ARENA_H
#define QM_COMMON_ARENA_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qm_arena;

struct qm_arena *qm_arena_create(void);
void qm_arena_destroy(struct qm_arena *arena); /* NULL is fine */
/* Frees the block, of qm_alloc, with the arena. */
void qm_arena_keep(struct qm_arena *arena, void *block);
void *qm_arena_alloc(struct qm_arena *arena, size_t size_bytes);
/* A list of `count` items with room for one more. When it has none, *room grows and the items move; items of size_bytes each. */
void *qm_arena_grow(struct qm_arena *arena, void *items, size_t size_bytes, uint32_t count, uint32_t *room);
char *qm_arena_strdup(struct qm_arena *arena, const char *text);
/* Closes a stream of qm_text_stream_open (common/memory.h); its text, which is returned, is freed with the arena. */
char *qm_arena_close_text(struct qm_arena *arena, FILE *stream, char **text);
char *qm_arena_printf(struct qm_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define QM_ARENA_NEW(arena, type, count) ((type *)qm_arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
