/* dram.h - the memory behind the AXI4 port: docs/machine.md, DRAM. Ticked by the cycle model and by the RTL bench alike.
 *
 * It decides when beats move. The bytes are its own, or behind a function (options.memory), which sees whole bursts and may take longer.
 */
#ifndef QM_SIM_MEMORY_DRAM_H
#define QM_SIM_MEMORY_DRAM_H

#include <stddef.h>

#include "common/machine.h"
#include "sim/device.h"
#include "sim/memory/memory.h"

/* Of the options: memory, memory_context, memory_base, memory_bytes, seed, stalls. qm_dram_destroy frees it. */
struct qm_memory *qm_dram_create(const struct qm_machine *machine, const struct qm_device_options *options);
void qm_dram_destroy(struct qm_memory *memory);

/* [size] of its own bytes from a bus address on, borrowed; must lie inside. */
uint8_t *qm_dram_at(struct qm_memory *memory, uint64_t address, size_t size);

#endif
