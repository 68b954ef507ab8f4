/* clock.c - the system's monotonic clock. */
#include "common/clock.h"

#include <time.h>

double qm_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}
