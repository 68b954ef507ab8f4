/* rtl_library.h - the Verilated form of one machine as a loaded library. */
#ifndef QM_SIM_VERILATED_RTL_LIBRARY_H
#define QM_SIM_VERILATED_RTL_LIBRARY_H

#include <stdbool.h>

#include "common/status.h"
#include "sim/verilated/rtl_glue.h"

struct rtl_library {
    void *handle;
    struct rtl_model *(*create)(const struct rtl_host *host);
    void (*destroy)(struct rtl_model *model);
    void (*reset)(struct rtl_model *model);
    void (*tick)(struct rtl_model *model, const struct rtl_in *in, struct rtl_out *out);
    uint8_t *(*scratchpad)(struct rtl_model *model);
    uint8_t *(*accumulator)(struct rtl_model *model);
    uint32_t (*accumulator_row_bytes)(const struct rtl_model *model);
    /* NULL unless it was built for probes */
    void (*probe)(const struct rtl_model *model, uint32_t *values, uint8_t *data, const uint32_t *sizes, const uint32_t *offsets);
};

/* Loads a library that qm_rtl_build has built; QM_INTERNAL when it is not one, or not built for what probed says. */
QM_MUST_USE enum qm_status rtl_library_open(const char *file, bool probed, struct rtl_library *library, struct qm_diag *diag);
void rtl_library_close(struct rtl_library *library);

#endif
