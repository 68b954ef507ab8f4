/* scratchpad_map.h - which bytes of the scratchpad are taken while instructions are emitted.
 *
 * A place that is given back may be taken again at once: the tokens make the new user wait for the old. Places are searched from the last one on, so that
 * a place comes back late and the wait is short: double buffering by itself.
 */
#ifndef QM_COMPILER_PASSES_SCRATCHPAD_MAP_H
#define QM_COMPILER_PASSES_SCRATCHPAD_MAP_H

#include <stdbool.h>
#include <stdint.h>

enum { QM_PLACES_MAX = 512 };

struct qm_place {
    uint32_t first, size;
};

struct qm_scratchpad_map {
    uint32_t size_bytes, cursor, free_bytes, place_count;
    struct qm_place places[QM_PLACES_MAX]; /* taken, by address */
};

void qm_scratchpad_map_init(struct qm_scratchpad_map *map, uint32_t size_bytes);
/* Takes size bytes (rounded up to a multiple of 16); false when there is no gap of that size. */
bool qm_scratchpad_map_take(struct qm_scratchpad_map *map, uint64_t size, uint32_t *first);
void qm_scratchpad_map_give(struct qm_scratchpad_map *map, uint32_t first);

#endif
