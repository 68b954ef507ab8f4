/* npy_read.c - magic and version (8 bytes), header length (2 or 4), a Python dictionary as text, the elements. */
#include "tests/support/npy_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/status.h"

static size_t read_whole(const char *file, struct qm_arena *arena, char **text) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) fprintf(stderr, "cannot open %s\n", file);
    QM_CHECK(stream != NULL && fseek(stream, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(stream);
    rewind(stream);
    *text = qm_arena_alloc(arena, size + 1);
    QM_CHECK(fread(*text, 1, size, stream) == size);
    fclose(stream);
    return size;
}

struct npy_data npy_read(const char *file, struct qm_arena *arena) {
    char *text;
    size_t size = read_whole(file, arena, &text);
    QM_CHECK(size > 12 && memcmp(text, "\x93NUMPY", 6) == 0);
    uint32_t length = 0, width = text[6] == 1 ? 2 : 4;
    memcpy(&length, text + 8, width);
    size_t start = 8 + width + length;
    QM_CHECK(start <= size && strstr(text + 8 + width, "'fortran_order': False") != NULL);
    const char *shape = strstr(text + 8 + width, "'shape': (");
    QM_CHECK(shape != NULL);
    return (struct npy_data){.bytes = text + start, .size_bytes = size - start, .rows = strtoul(shape + strlen("'shape': ("), NULL, 10)};
}
