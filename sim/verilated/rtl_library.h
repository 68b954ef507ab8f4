/* rtl_library.h - the Verilated form of one machine as a loaded library, built when it is missing or older than the RTL. */
#ifndef QM_SIM_VERILATED_RTL_LIBRARY_H
#define QM_SIM_VERILATED_RTL_LIBRARY_H

#include "common/machine.h"
#include "common/status.h"
#include "sim/device.h"
#include "sim/verilated/rtl_glue.h"

struct rtl_library {
    void *handle;
    struct rtl_model *(*create)(void (*no_memory)(void));
    void (*destroy)(struct rtl_model *model);
    void (*reset)(struct rtl_model *model);
    void (*tick)(struct rtl_model *model, const struct rtl_in *in, struct rtl_out *out);
    uint8_t *(*scratchpad)(struct rtl_model *model);
    uint8_t *(*accumulator)(struct rtl_model *model);
    uint32_t (*accumulator_row_bytes)(const struct rtl_model *model);
    /* NULL unless it was built for probes */
    void (*probe)(const struct rtl_model *model, uint32_t *values, uint8_t *data, const uint32_t *sizes, const uint32_t *offsets);
};

/* Builds what options->rtl_dir and options->probed ask for (some ten seconds, at most once for a machine) and loads. A build that fails is
 * QM_INTERNAL and names the log. */
QM_MUST_USE enum qm_status rtl_library_open(const struct qm_machine *machine, const struct qm_device_options *options,
                                            struct rtl_library *library, struct qm_diag *diag);
void rtl_library_close(struct rtl_library *library);

#endif
