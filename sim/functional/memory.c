/* memory.c - the scratchpad and the accumulator that the routines work on. */
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

#include "sim/functional/commit.h"
#include "sim/functional/functional.h"

static size_t accumulator_words(const struct qm_functional_memory *memory) {
    return (size_t)memory->machine->accumulator_rows * memory->machine->cols;
}

void qm_functional_init(struct qm_functional_memory *memory, const struct qm_machine *machine) {
    *memory = (struct qm_functional_memory){.machine = machine};
    memory->scratchpad = qm_alloc_zeroed(machine->scratchpad_bytes, 1);
    memory->accumulator = qm_alloc_zeroed(accumulator_words(memory), sizeof *memory->accumulator);
}

void qm_functional_fini(struct qm_functional_memory *memory) {
    free(memory->scratchpad);
    free(memory->accumulator);
}

void qm_functional_read(const struct qm_functional_memory *memory, uint8_t *scratchpad, int32_t *accumulator) {
    if (scratchpad != NULL) memcpy(scratchpad, memory->scratchpad, memory->machine->scratchpad_bytes);
    if (accumulator != NULL) memcpy(accumulator, memory->accumulator, accumulator_words(memory) * sizeof *accumulator);
}

void qm_functional_write(struct qm_functional_memory *memory, const uint8_t *scratchpad, const int32_t *accumulator) {
    if (scratchpad != NULL) memcpy(memory->scratchpad, scratchpad, memory->machine->scratchpad_bytes);
    for (size_t i = 0; accumulator != NULL && i < accumulator_words(memory); i++)
        memory->accumulator[i] = commit_wrap(accumulator[i], memory->machine);
}
