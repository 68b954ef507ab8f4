/* token.c - the token counters at their edges. */
#include "sim/cycle/token.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(cycle_token);

static const int64_t nobody[QM_UNITS] = {0};
static const int64_t to_matmul[QM_UNITS] = {[QM_UNIT_LOAD] = 1 << QM_UNIT_MATMUL};
static const int64_t from_load[QM_UNITS] = {[QM_UNIT_MATMUL] = 1 << QM_UNIT_LOAD};

Test(cycle_token, a_token_can_be_taken_once_by_the_unit_it_was_given_to) {
    struct token token;
    token_reset(&token);
    cr_assert(not(token_is_ready(&token, QM_UNIT_MATMUL, 1 << QM_UNIT_LOAD)));
    token_clock(&token, nobody, to_matmul);
    cr_assert(token_is_ready(&token, QM_UNIT_MATMUL, 1 << QM_UNIT_LOAD));
    cr_assert(not(token_is_ready(&token, QM_UNIT_LOAD, 1 << QM_UNIT_MATMUL)));
    token_clock(&token, from_load, nobody);
    cr_assert(not(token_is_ready(&token, QM_UNIT_MATMUL, 1 << QM_UNIT_LOAD)));
}

Test(cycle_token, a_full_counter_stays_full) {
    struct token token;
    token_reset(&token);
    for (int i = 0; i < 65535 + 3; i++) token_clock(&token, nobody, to_matmul);
    token_clock(&token, from_load, to_matmul);
    for (int i = 0; i < 65535; i++) {
        cr_assert(token_is_ready(&token, QM_UNIT_MATMUL, 1 << QM_UNIT_LOAD));
        token_clock(&token, from_load, nobody);
    }
    cr_assert(not(token_is_ready(&token, QM_UNIT_MATMUL, 1 << QM_UNIT_LOAD)));
}
