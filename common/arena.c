/* arena.c - a list of blocks; each allocation comes from the newest block or opens one. */
#include "common/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/status.h"

enum { ALIGNMENT = 64, BLOCK_BYTES = 1 << 16 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(ALIGNMENT) unsigned char data[];
};

/* A block of somebody else. */
struct kept {
    struct kept *next;
    void *block;
};

struct qm_arena {
    struct block *newest;
    struct kept *kept; /* in the arena's own blocks */
    size_t taken;      /* bytes of all blocks */
};

struct qm_arena *qm_arena_create(void) {
    struct qm_arena *arena = qm_alloc_zeroed(1, sizeof *arena);
    return arena;
}

void qm_arena_destroy(struct qm_arena *arena) {
    if (arena == NULL) return;
    for (const struct kept *kept = arena->kept; kept != NULL; kept = kept->next) free(kept->block);
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

static void open_block(struct qm_arena *arena, size_t size) {
    QM_CHECK(size < SIZE_MAX / 2);
    struct block *block = qm_alloc_aligned(ALIGNMENT, sizeof(struct block) + size);
    *block = (struct block){.next = arena->newest, .size = size};
    arena->newest = block;
    arena->taken += size;
}

void *qm_arena_alloc(struct qm_arena *arena, size_t size_bytes) {
    QM_CHECK(size_bytes < SIZE_MAX / 4);
    size_t size = (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        size_t room = arena->taken / 2 > BLOCK_BYTES ? arena->taken / 2 : BLOCK_BYTES;
        open_block(arena, size > room ? size : room);
        block = arena->newest;
    }
    void *result = block->data + block->used;
    block->used += size;
    return memset(result, 0, size);
}

void qm_arena_keep(struct qm_arena *arena, void *block) {
    struct kept *kept = QM_ARENA_NEW(arena, struct kept, 1);
    *kept = (struct kept){.next = arena->kept, .block = block};
    arena->kept = kept;
}

void *qm_arena_grow(struct qm_arena *arena, void *items, size_t size_bytes, uint32_t count, uint32_t *room) {
    if (count < *room) return items;
    *room = 2 * (count + 8);
    void *larger = qm_arena_alloc(arena, size_bytes * *room);
    if (count > 0) memcpy(larger, items, size_bytes * count);
    return larger;
}

char *qm_arena_strdup(struct qm_arena *arena, const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(qm_arena_alloc(arena, size), text, size);
}

char *qm_arena_close_text(struct qm_arena *arena, FILE *stream, char **text) {
    qm_text_stream_close(stream);
    qm_arena_keep(arena, *text);
    return *text;
}

char *qm_arena_printf(struct qm_arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    QM_CHECK(size >= 0);
    char *text = qm_arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}
