/* host_stage.h - a stage of the host for tests: a softmax of int8. */
#ifndef QM_TESTS_SUPPORT_HOST_STAGE_H
#define QM_TESTS_SUPPORT_HOST_STAGE_H

#include "common/program.h"

/* The softmax of a tensor of the program, whose rows are its last dimension, to another one of the same shape. */
struct qm_program_stage host_stage_softmax(const struct qm_program *program, uint32_t layer, uint32_t input, uint32_t output, float beta);

#endif
