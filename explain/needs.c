/* needs.c - what a part of a run needs at least, by its events: docs/machine.md says how many of each the machine does in a cycle. */
#include "explain/explain.h"

static uint64_t divided_up(uint64_t a, uint64_t b) {
    return (a + b - 1) / b;
}

uint64_t explain_need(const struct qm_report_part *part, enum explain_need need) {
    const struct qm_machine *machine = part->report->source.machine;
    const uint64_t *value = part->counters.value;
    uint64_t cols = machine->cols, cells = cols * machine->rows, beats = value[QM_C_dram_read_beats] + value[QM_C_dram_write_beats];
    uint32_t rate = machine->dram_bytes_per_cycle < machine->axi_bytes ? machine->dram_bytes_per_cycle : machine->axi_bytes;
    switch (need) {
    case EXPLAIN_PRODUCTS: return (uint64_t)(part->cell_cycles / (double)cells);
    case EXPLAIN_STREAMS: return divided_up(value[QM_C_acc_writes], cols); /* a row of sums a cycle */
    case EXPLAIN_WEIGHTS: return divided_up(value[QM_C_weight_writes], cols * (value[QM_C_macs_w4a4] > 0 ? 2 : 1)); /* a row a cycle */
    case EXPLAIN_POST: return divided_up(value[QM_C_requantize_ops], cols);                                         /* a vector a cycle */
    case EXPLAIN_MEMORY: return beats * machine->axi_bytes / rate;
    case EXPLAIN_NEEDS: break;
    }
    return 0;
}
