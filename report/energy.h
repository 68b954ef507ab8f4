/* energy.h - picojoules: event counters times a table of prices (spec/energy/NAME.yaml).
 *
 * A table is one self-consistent set; a report never mixes two. It states its node, its voltage, its class of cells (low standby, high
 * performance; logic and memory alike), the highest clock that its cells are known at (clock_mhz_most), above which nothing is priced, and
 * the sizes of memories that its laws were fitted to (memory_fit), beyond which reports say so. Every row has a counter, a component, a
 * value with low and high, a unit, a node, a status (published, derived, measured, assumed: of the value), a source (also of low and high)
 * and an origin. A counter of events that no row prices must stand under not_priced with the reason, so that nothing is free by accident.
 *
 * An addition (a file with `adds_to`: the table that its rows are of one set with, or any) replaces rows of a table by their names, and may
 * add some: TABLE+ADDITION is another DRAM, say, or the same machine with gated clocks.
 *
 * A row with `cell` is of machines with that kind of cells.
 *
 * The unit says how the counter is multiplied:
 *
 *   pJ/<unit of the counter>   the count                       pJ/bit        bits of the beats, bytes or words counted
 *   pJ/access                  accesses of a memory: value * KiB^kb_exponent * (bits/64)^bits_exponent, memory: and access: say which
 *   pJ/byte/hop, pJ/word/hop   registers that each passes, hops: down all rows, or the mean of the skew before rows or behind columns
 *   pJ/cell/cycle, uW/cell     of cycles: per array cell                  uW/KiB       per KiB of a memory
 *   fJ/flip-flop/cycle, nW/um2 of cycles: per flip-flop, per um2 of logic of the component (blocks.h, area.h)
 *   mW, mW/channel             of cycles: for the whole, for each DRAM channel of dram_channel_gb_s that the bandwidth needs
 */
#ifndef QM_REPORT_ENERGY_H
#define QM_REPORT_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/counters.h"
#include "common/digest.h"
#include "common/machine.h"
#include "common/status.h"
#include "report/blocks.h"

struct qm_energy {
    double nominal_pj, low_pj, high_pj;
};

enum { QM_ENERGY_ORIGINS_MAX = 12, QM_ENERGY_NAME_BYTES = 128 };

/* What a sum would be less, or more, if all prices of one origin were at their low, or high, ends. */
struct qm_energy_deviation {
    double down_pj, up_pj;
};

/* Prices of one origin (a synthesis, a memory compiler, an assumption) are wrong together: their deviations add up. Those of different
 * origins know nothing of each other: low and high are the root of the sum of their squares away from the nominal sum. */
struct qm_energy_sum {
    struct qm_energy total;
    struct qm_energy components[QM_COMPONENTS];
    struct qm_energy_deviation origins[QM_ENERGY_ORIGINS_MAX]; /* of the total */
};

struct qm_energy_ratio {
    double low, high;
};
/* Within what a's total by b's lies: prices of an origin move in both together. Both sums are of one table. */
struct qm_energy_ratio qm_energy_compare(const struct qm_energy_sum *a, const struct qm_energy_sum *b);

struct qm_energy_table;

/* Reads a table by name or file, with additions behind it: cmos45+ddr4. The table belongs to arena. */
QM_MUST_USE enum qm_status qm_energy_load(const char *names, struct qm_arena *arena, struct qm_energy_table **table, struct qm_diag *diag);
const char *qm_energy_table_name(const struct qm_energy_table *table);
const struct qm_digest *qm_energy_table_digest(const struct qm_energy_table *table); /* of its file, or files */
const char *qm_energy_table_about(const struct qm_energy_table *table);              /* one line: node, voltage, which cells and memories */

/* QM_BAD_INPUT: the machine's clock is above what the table has prices for. */
QM_MUST_USE enum qm_status qm_energy_check(const struct qm_energy_table *table, const struct qm_machine *machine, struct qm_diag *diag);

/* Which memory of the machine is smaller, larger, narrower or wider than what the table's laws were fitted to, as text for people in
 * text [size]; false: none is. */
bool qm_energy_is_outside_fit(const struct qm_energy_table *table, const struct qm_machine *machine, char *text, size_t size);

/* What the counters cost on machine. Nominal sums are linear in the counters, so that those of the parts of a run add up to the whole. */
void qm_energy_of(const struct qm_energy_table *table, const struct qm_machine *machine, const struct qm_counters *counters,
                  struct qm_energy_sum *sum);

#endif
