/* driver.h - runs programs on any device through its registers and memory, as software on a chip would.
 *
 *   qm_driver_load          code and constants, once
 *   qm_driver_write_tensor  each input
 *   qm_driver_run           all stages, on the device and on the host
 *   qm_driver_read_tensor   outputs, or any other tensor of the program
 *
 * Inputs must be written again before every run: the program may reuse their memory.
 */
#ifndef QM_DRIVER_DRIVER_H
#define QM_DRIVER_DRIVER_H

#include "common/program.h"
#include "common/run.h"
#include "sim/device.h"

struct qm_driver_options {
    uint64_t limit_cycles;            /* of a stage; 0: more than it can need (qm_work_limit) on machine with stalls */
    const struct qm_machine *machine; /* with the knobs of the device's memory; NULL: the program's */
    double stalls;                    /* probability of the device's stalls */
    /* Called now and then with the cycles that have passed in this stage at least; false gives the run up. NULL: nobody is called. */
    bool (*progress)(void *context, uint64_t cycles);
    void *context;
    bool no_values; /* leave out the operators of the host, which have nothing to work on when the device has no_values */
};

/* Sets the memory of a device so that it holds the program. */
void qm_driver_memory(const struct qm_program *program, struct qm_device_options *options);

/* Refuses a device whose fingerprint is not that of the program's machine, and operators of the host that cannot be run (QM_BAD_INPUT).
 * The arena goes to where qm_driver_memory has put the device's memory. */
QM_MUST_USE enum qm_status qm_driver_load(struct qm_device *device, const struct qm_program *program, struct qm_diag *diag);
/* The same without the constants, for a device with no_values. */
QM_MUST_USE enum qm_status qm_driver_load_code(struct qm_device *device, const struct qm_program *program, struct qm_diag *diag);

/* The same for a memory that is elsewhere: arena_bytes from the bus address memory_base on, a multiple of 4096. */
QM_MUST_USE enum qm_status qm_driver_load_at(struct qm_device *device, const struct qm_program *program, uint64_t memory_base,
                                             struct qm_diag *diag);

/* data: size_bytes of program->tensors[tensor] */
void qm_driver_write_tensor(struct qm_device *device, const struct qm_program *program, uint32_t tensor, const void *data);
void qm_driver_read_tensor(struct qm_device *device, const struct qm_program *program, uint32_t tensor, void *data);

/* Runs the stages in order. An ERROR names its cause and the instruction; a stage that is still BUSY at the limit is QM_BAD_INPUT, and
 * run->over_limit is set; so are numbers without a result on the host, and run->has_no_result. run may be NULL; options may be NULL. The
 * device's observer is replaced when run is given, and none is left. */
QM_MUST_USE enum qm_status qm_driver_run(struct qm_device *device, const struct qm_program *program,
                                         const struct qm_driver_options *options, struct qm_run *run, struct qm_diag *diag);

#endif
