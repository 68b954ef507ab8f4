/* machine_4x4.h - the small machine of tests that look at single cycles. */
#ifndef QM_TESTS_SUPPORT_MACHINE_4X4_H
#define QM_TESTS_SUPPORT_MACHINE_4X4_H

#include "common/machine.h"

/* 4x4 cells, 4 KiB of scratchpad, 64 rows of sums, beats of 8 bytes, queues of 4; all else as usual. */
struct qm_machine machine_4x4(void);

#endif
