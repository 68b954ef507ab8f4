/* token.c - saturating counters; a token given and one taken in the same cycle leave the count as it is. */
#include "sim/cycle/token.h"

#include <string.h>

#include "sim/control/sizes.h"

void token_reset(struct token *token) {
    memset(token, 0, sizeof *token);
}

bool token_is_ready(const struct token *token, enum qm_unit taker, int64_t wait) {
    for (int giver = 0; giver < QM_UNITS; giver++)
        if ((wait >> giver & 1) != 0 && token->count[giver][taker] == 0) return false;
    return true;
}

void token_clock(struct token *token, const int64_t wait[QM_UNITS], const int64_t signal[QM_UNITS]) {
    for (int giver = 0; giver < QM_UNITS; giver++) {
        for (int taker = 0; taker < QM_UNITS; taker++) {
            bool gives = (signal[giver] >> taker & 1) != 0, takes = (wait[taker] >> giver & 1) != 0;
            uint16_t *count = &token->count[giver][taker];
            if (gives && !takes && *count < TOKENS_MAX) ++*count;
            if (takes && !gives) --*count;
        }
    }
}
