/* energy_table.h - a table of prices as report/energy.c sums with it. Rows are checked whole when they are read, and nothing later. */
#ifndef QM_REPORT_ENERGY_TABLE_H
#define QM_REPORT_ENERGY_TABLE_H

#include "report/energy.h"

enum price_unit {
    PER_COUNT,
    PER_HOP,
    PER_BIT,
    PER_ACCESS,
    PER_CELL_CYCLE,
    PER_FLIP_FLOP,
    MICROWATT_CELL,
    MICROWATT_KIB,
    NANOWATT_UM2,
    MILLIWATT,
    MILLIWATT_CHANNEL
};
enum price_memory { MEMORY_SCRATCHPAD, MEMORY_ACCUMULATOR };
enum price_access { ACCESS_ROWS, ACCESS_COLS, ACCESS_AXI, ACCESS_SUMS };
enum price_hops { HOPS_ROWS, HOPS_ROWS_SKEW, HOPS_COLS_SKEW };

struct price_row {
    enum qm_counter counter;
    enum qm_component component;
    enum price_unit unit;
    enum price_memory memory;
    enum price_access access;
    enum price_hops hops;
    double kb_exponent, bits_exponent;
    uint32_t cell;          /* of machines that the row is for; 0: of all */
    uint32_t origin;        /* index */
    struct qm_energy price; /* of one unit */
};

/* What the laws of pJ/access were fitted to; all 0: the table has none. */
struct price_fit {
    double kib_least, kib_most, bits_least, bits_most;
};

struct qm_energy_table {
    char name[QM_ENERGY_NAME_BYTES];
    struct qm_digest digest;
    char *about; /* NULL until the first file is read */
    double node_nm, clock_mhz_most;
    double dram_channel_gb_s; /* what a channel of the DRAM delivers; 0: no price is of channels */
    struct price_fit fit;
    struct price_row *rows;
    uint32_t row_count;
    const char *origins[QM_ENERGY_ORIGINS_MAX];
    uint32_t origin_count;
    uint32_t accounted[QM_COUNTERS]; /* bit CELL: it is priced on machines with that kind of cells, or said not to be */
};

#endif
