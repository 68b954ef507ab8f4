/* scale.c - each scaler of this processor against the scaling unit and the output stage of one number, every rounding, any parameters. */
#include "sim/functional/fast/scale.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/fixed_point.h"
#include "common/prng.h"

TestSuite(scale);

enum { ROWS = 3, STRIDE = SCALE_LANES + 5 };

struct job {
    struct qm_prng prng;
    struct qm_insn insn;
    struct scale scale;
    int32_t sums[ROWS * STRIDE];
};

static int64_t draw(struct job *job, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(&job->prng) % (uint64_t)(high - low + 1));
}

/* Often one of the numbers at which a rounding or a saturation turns. */
static int32_t draw_word(struct job *job) {
    static const int32_t edges[] = {INT32_MIN, INT32_MIN + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, (1 << 30) + 1, INT32_MAX};
    switch (draw(job, 0, 3)) {
    case 0: return edges[draw(job, 0, sizeof edges / sizeof *edges - 1)];
    case 1: return (int32_t)draw(job, -70000, 70000);
    default: return (int32_t)draw(job, INT32_MIN, INT32_MAX);
    }
}

static void draw_job(struct job *job, uint64_t seed) {
    qm_prng_init(&job->prng, seed);
    job->insn = (struct qm_insn){.opcode = draw(job, QM_REQUANTIZE, QM_ADD), .rounding = (int64_t)(seed % 7)};
    job->insn.out_zero = draw(job, 0, 1) == 0 ? draw(job, -128, 127) : draw(job, -32768, 32767);
    job->insn.clamp_min = draw(job, 0, 1) == 0 ? -128 : draw(job, -32768, 32767);
    job->insn.clamp_max = draw(job, 0, 1) == 0 ? 127 : draw(job, -32768, 32767);
    if (draw(job, 0, 3) == 0) { /* a zero point that is large beside the outputs */
        job->insn.out_zero = draw(job, -20000, 20000);
        job->insn.clamp_min = job->insn.out_zero - draw(job, 0, 3000);
        job->insn.clamp_max = job->insn.out_zero + draw(job, 0, 3000);
    }
    scale_begin(&job->insn, &job->scale);
    job->scale.n = draw(job, 0, 1) == 0 ? draw(job, 1, SCALE_LANES) : draw(job, 1, 33);
    bool shifts_right = draw(job, 0, 1) == 0; /* all lanes, as networks do */
    int64_t most_right = draw(job, 1, 31);
    for (int64_t i = 0; i < job->scale.n; i++) {
        job->scale.bias[i] = draw_word(job);
        job->scale.multiplier[i] = draw_word(job);
        job->scale.shift[i] = (int32_t)(draw(job, 0, 1) == 0 ? draw(job, -31, 31) : draw(job, -128, 127));
        if (!shifts_right) continue;
        job->scale.shift[i] = (int32_t)-draw(job, 1, most_right);
        if (job->scale.multiplier[i] == INT32_MIN) job->scale.multiplier[i] = 1 << 30;
    }
    for (int64_t i = 0; i < ROWS * STRIDE; i++) job->sums[i] = draw_word(job);
    if (draw(job, 0, 3) == 0) { /* the one product that saturates */
        job->scale.bias[0] = 0;
        job->scale.multiplier[0] = job->sums[0] = INT32_MIN;
        job->scale.shift[0] = (int32_t)draw(job, -3, 0);
    }
    scale_prepare(&job->scale);
}

static int32_t scaled_alone(const struct job *job, int64_t row, int64_t i) {
    int32_t sum = job->sums[row * STRIDE + i], bias = job->scale.bias[i], multiplier = job->scale.multiplier[i];
    if (job->insn.opcode == QM_REQUANTIZE) return qm_scale_biased(sum, bias, multiplier, job->scale.shift[i], (uint32_t)job->insn.rounding);
    return qm_scale(qm_wrap32((int64_t)sum + bias), multiplier, job->scale.shift[i], (uint32_t)job->insn.rounding);
}

/* Lanes beyond n keep what they had. */
static void check_job(const struct scaler *scaler, const struct job *job, uint64_t seed) {
    static uint8_t bytes[ROWS * STRIDE];
    static int32_t words[ROWS * STRIDE];
    memset(bytes, 0x5a, sizeof bytes);
    memset(words, 0x5a, sizeof words);
    scaler->bytes(&job->scale, (struct scale_rows){job->sums, STRIDE, ROWS}, bytes, STRIDE);
    scaler->words(&job->scale, (struct scale_rows){job->sums, STRIDE, ROWS}, words, STRIDE);
    for (int64_t at = 0; at < ROWS * STRIDE; at++) {
        bool is_lane = at % STRIDE < job->scale.n;
        int32_t want = is_lane ? scaled_alone(job, at / STRIDE, at % STRIDE) : 0x5a5a5a5a;
        uint8_t byte =
            is_lane ? qm_output8(want, (int32_t)job->insn.out_zero, (int32_t)job->insn.clamp_min, (int32_t)job->insn.clamp_max) : 0x5a;
        cr_assert(words[at] == want, "%s, seed %lu: word %ld is %d, not %d", scaler->name, seed, at, words[at], want);
        cr_assert(bytes[at] == byte, "%s, seed %lu: byte %ld is %d, not %d", scaler->name, seed, at, bytes[at], byte);
    }
}

Test(scale, every_scaler_of_this_processor_is_the_scaling_unit) {
    static struct job job;
    for (int64_t i = 0; i < scaler_count; i++) {
        if (!scalers[i]->is_supported()) {
            printf("scale: %s not tested, this processor lacks its instructions\n", scalers[i]->name);
            continue;
        }
        int clamp_first = 0;
        for (uint64_t seed = 0; seed < 6000; seed++) {
            draw_job(&job, seed);
            check_job(scalers[i], &job, seed);
            clamp_first += job.scale.clamps_first;
        }
        cr_assert_gt(clamp_first, 100);
    }
}
