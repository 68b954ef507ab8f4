/* token.h - the token counters, one for each ordered pair of different units. */
#ifndef QM_SIM_CYCLE_TOKEN_H
#define QM_SIM_CYCLE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

struct token {
    uint16_t count[QM_UNITS][QM_UNITS]; /* [giver][taker] */
};

void token_reset(struct token *token);

/* Each unit in `wait` has a token for the taker. */
bool token_is_ready(const struct token *token, enum qm_unit taker, int64_t wait);

/* One edge. wait[u]: from whom unit u takes in this cycle; signal[u]: to whom it gives. A full counter stays full. */
void token_clock(struct token *token, const int64_t wait[QM_UNITS], const int64_t signal[QM_UNITS]);

#endif
