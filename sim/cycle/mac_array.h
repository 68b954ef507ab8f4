/* mac_array.h - the systolic array as a delay: a row issued in cycle t leaves in cycle t + rows + cols, when its output is committed.
 *
 * The rows of a step are issued without a gap, and kept together while they are in flight. Values are computed when an instruction ends.
 */
#ifndef QM_SIM_CYCLE_MAC_ARRAY_H
#define QM_SIM_CYCLE_MAC_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/machine.h"
#include "common/opcode/opcode.h"

struct mac_array_rows {
    uint64_t commit; /* cycle of the first row that is still in flight */
    uint64_t done;   /* rows that are not any more */
    struct qm_matmul_stream stream;
    bool adds;    /* to the accumulator, instead of overwriting */
    bool is_last; /* of the instruction */
};

struct mac_array {
    uint32_t delay_cycles, cols;
    struct mac_array_rows *in_flight; /* [mask + 1] oldest at first & mask */
    uint64_t *ends;                   /* [mask + 1] cycles in which instructions end, oldest at first_end & mask */
    uint64_t mask;
    uint64_t first, next;
    uint64_t first_end, next_end;
};

void mac_array_init(struct mac_array *array, const struct qm_machine *machine);
void mac_array_fini(struct mac_array *array);
void mac_array_reset(struct mac_array *array);

/* The first of the rows is issued in cycle now, the others after it. */
void mac_array_push(struct mac_array *array, struct mac_array_rows rows, uint64_t now);

/* The cycle of the next end of an instruction; UINT64_MAX: none in sight. */
uint64_t mac_array_next_end(const struct mac_array *array);

/* The edges of cycles now .. now + cycles - 1; counts the commits. */
void mac_array_clock(struct mac_array *array, uint64_t now, uint64_t cycles, struct qm_counters *counters);

static inline bool mac_array_is_empty(const struct mac_array *array) {
    return array->first == array->next;
}

#endif
