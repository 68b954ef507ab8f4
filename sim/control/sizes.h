/* sizes.h - sizes of the machine that no knob changes and no instruction shows: docs/machine.md, Fetch and Queues, tokens, starts. */
#ifndef QM_SIM_CONTROL_SIZES_H
#define QM_SIM_CONTROL_SIZES_H

enum {
    FETCH_FIFO = 8,     /* instructions that fetch holds */
    FETCH_CHUNK = 4,    /* instructions of a fetch burst, fewer at the end of a program */
    TOKENS_MAX = 0xffff /* that a token counter holds */
};

#endif
