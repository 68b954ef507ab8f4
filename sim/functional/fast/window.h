/* window.h - runs of windows many bytes at a time: in place when the whole run lies inside the map, else copied with the padding around
 * it. */
#ifndef QM_SIM_FUNCTIONAL_FAST_WINDOW_H
#define QM_SIM_FUNCTIONAL_FAST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sim/functional/window.h"

/* Where size bytes from the run's begin on lie in the scratchpad, or NULL when one of them is outside the map. */
static inline const uint8_t *window_inside(const struct qm_insn *insn, const uint8_t *scratchpad, struct run run, int64_t size) {
    bool inside = run.y >= 0 && run.y < insn->in_rows && run.x >= 0 && run.x + size <= insn->in_row_bytes;
    return inside ? scratchpad + insn->in_addr + run.y * insn->in_pitch + run.x : NULL;
}

/* memcpy for the short sizes of runs, in line. */
static inline void window_copy(uint8_t *out, const uint8_t *in, int64_t size) {
    enum { WORD = 16 };
    int64_t i = 0;
    if (size < WORD) {
        for (; i < size; i++) out[i] = in[i];
        return;
    }
    for (; i + WORD <= size; i += WORD) memcpy(out + i, in + i, WORD);
    memcpy(out + size - WORD, in + size - WORD, WORD);
}

/* Reads size bytes from x + piece on into out. */
static inline void window_read(const struct qm_insn *insn, const uint8_t *scratchpad, struct run run, int64_t piece, int64_t size,
                               uint8_t *out) {
    int64_t first = run.x + piece, end = first + size;
    const uint8_t *inside = window_inside(insn, scratchpad, (struct run){run.y, first}, size);
    if (inside != NULL) {
        window_copy(out, inside, size);
        return;
    }
    if (run.y < 0 || run.y >= insn->in_rows || end <= 0 || first >= insn->in_row_bytes) {
        memset(out, (int)insn->pad_value, (size_t)size);
        return;
    }
    const uint8_t *row = scratchpad + insn->in_addr + run.y * insn->in_pitch;
    int64_t inside_first = first < 0 ? 0 : first, inside_end = end > insn->in_row_bytes ? insn->in_row_bytes : end;
    memset(out, (int)insn->pad_value, (size_t)(inside_first - first));
    memcpy(out + (inside_first - first), row + inside_first, (size_t)(inside_end - inside_first));
    memset(out + (inside_end - first), (int)insn->pad_value, (size_t)(end - inside_end));
}

#endif
