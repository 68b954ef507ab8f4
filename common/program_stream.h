/* program_stream.h - the program file as it is read or written: the words that the walk in program.c goes through, one after the other.
 *
 * A stream writes, or reads, or only measures. After the first problem nothing is read or written any more.
 */
#ifndef QM_COMMON_PROGRAM_STREAM_H
#define QM_COMMON_PROGRAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/graph.h"
#include "common/status.h"

struct stream {
    bool writing;
    uint8_t *bytes; /* NULL, when writing: only measures */
    size_t size, at;
    const char *name;
    struct qm_diag *diag;
    enum qm_status status;
};

/* Ends the reading with this problem, if it is the first. */
void walk_refuse(struct stream *s, const char *what);
/* The same, when reading, if it does not hold. */
void walk_require(struct stream *s, bool holds, const char *what);

void walk_bytes(struct stream *s, void *data, size_t size);
void walk_u32(struct stream *s, uint32_t *value);
void walk_u64(struct stream *s, uint64_t *value);
void walk_i32(struct stream *s, int32_t *value);
void walk_float(struct stream *s, float *value); /* finite */
void walk_double(struct stream *s, double *value);
void walk_bool(struct stream *s, bool *value);
void walk_text(struct stream *s, char *text, size_t size);
/* A number below a limit, of an enumeration. */
void walk_choice(struct stream *s, uint32_t *value, uint32_t limit);
/* Reads a count of records of at least record_bytes each, which must still be there. */
void walk_count(struct stream *s, uint32_t *count, size_t record_bytes);

/* ---- program_graph.c ---- */

/* A graph of the host; reading allocates it in the arena. NULL: none. What its operators say is checked where they are run. */
void walk_graph(struct stream *s, struct qm_arena *arena, const struct qm_graph **graph);

#endif
