/* clock.h - a clock to measure durations with. */
#ifndef QM_COMMON_CLOCK_H
#define QM_COMMON_CLOCK_H

/* Seconds of a clock that only goes forward. */
double qm_seconds(void);

#endif
