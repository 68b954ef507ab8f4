/* scratchpad_map.c - next fit over a sorted list of taken places. */
#include "compiler/passes/scratchpad_map.h"

#include <string.h>

#include "common/status.h"

enum { ALIGNMENT = 16 };

void qm_scratchpad_map_init(struct qm_scratchpad_map *map, uint32_t size_bytes) {
    *map = (struct qm_scratchpad_map){.size_bytes = size_bytes, .free_bytes = size_bytes};
}

/* The gap before place i. */
static struct qm_place gap_before(const struct qm_scratchpad_map *map, uint32_t i) {
    uint32_t first = i == 0 ? 0 : map->places[i - 1].first + map->places[i - 1].size;
    uint32_t end = i == map->place_count ? map->size_bytes : map->places[i].first;
    return (struct qm_place){first, end - first};
}

static bool take_in_gap(struct qm_scratchpad_map *map, uint32_t i, uint32_t from, uint32_t size, uint32_t *first) {
    struct qm_place gap = gap_before(map, i);
    uint32_t start = gap.first < from ? from : gap.first;
    if (start > gap.first + gap.size || gap.first + gap.size - start < size) return false;
    memmove(&map->places[i + 1], &map->places[i], (map->place_count - i) * sizeof *map->places);
    map->places[i] = (struct qm_place){start, size};
    map->place_count++;
    map->free_bytes -= size;
    map->cursor = start + size;
    *first = start;
    return true;
}

static bool take_from(struct qm_scratchpad_map *map, uint32_t from, uint32_t size, uint32_t *first) {
    for (uint32_t i = 0; i <= map->place_count; i++)
        if (take_in_gap(map, i, from, size, first)) return true;
    return false;
}

bool qm_scratchpad_map_take(struct qm_scratchpad_map *map, uint64_t size, uint32_t *first) {
    uint64_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded > map->free_bytes || map->place_count == QM_PLACES_MAX) return false;
    return take_from(map, map->cursor, (uint32_t)rounded, first) || take_from(map, 0, (uint32_t)rounded, first);
}

void qm_scratchpad_map_give(struct qm_scratchpad_map *map, uint32_t first) {
    uint32_t i = 0;
    while (i < map->place_count && map->places[i].first != first) i++;
    QM_CHECK(i < map->place_count);
    map->free_bytes += map->places[i].size;
    map->place_count--;
    memmove(&map->places[i], &map->places[i + 1], (map->place_count - i) * sizeof *map->places);
}
