/* plan_cycles.h - the exact time of a program that was only planned. */
#ifndef QM_TESTS_SUPPORT_PLAN_CYCLES_H
#define QM_TESTS_SUPPORT_PLAN_CYCLES_H

#include "common/program.h"

/* Cycles of all its steps on the device; the program was made with plan_only. */
uint64_t plan_cycles(const struct qm_program *program);

#endif
