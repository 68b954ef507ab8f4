/* emulated_vnni.h - the kernel of AVX-512 VNNI with each instruction in plain C, so that it is tested on processors that lack them. */
#ifndef QM_TESTS_UNIT_SIM_FUNCTIONAL_EMULATED_VNNI_H
#define QM_TESTS_UNIT_SIM_FUNCTIONAL_EMULATED_VNNI_H

#include "sim/functional/fast/kernels.h"

#ifdef __x86_64__
extern const struct kernel emulated_vnni;
#endif

#endif
