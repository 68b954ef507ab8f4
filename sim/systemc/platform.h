/* platform.h - the C door to the SystemC platform: one function makes a system, and the device that it returns is its driver's view.
 *
 * The platform is a library of its own, loaded when it is asked for, so that only who uses SystemC needs it.
 */
#ifndef QM_SIM_SYSTEMC_PLATFORM_H
#define QM_SIM_SYSTEMC_PLATFORM_H

#include "sim/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Accelerator with the engine inside, bus, memory of the options, and a host thread that does what the device is told.
 * All operations but create. */
typedef enum qm_status systemc_platform_create_function(const struct qm_device_ops *engine, const struct qm_machine *machine,
                                                        const struct qm_device_options *options, struct qm_device **device,
                                                        struct qm_diag *diag);
systemc_platform_create_function systemc_platform_create;

/* Called before a platform is made: no_memory is what ends the process when C++ gets no memory. */
typedef void systemc_platform_no_memory_function(void (*no_memory)(void));
systemc_platform_no_memory_function systemc_platform_no_memory;

#ifdef __cplusplus
}
#endif

#endif
