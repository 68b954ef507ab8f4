/* adaround.c - learned rounding, against trials of all that there are and against rounding to the nearest on rows that were not learned. */
#include "quantize/adaround.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/drawn.h"

TestSuite(adaround);

enum { ROWS = 256, WIDTH_MAX = 96, WEIGHTS_MAX = 1600 };

/* A layer on correlated inputs, as windows have them. */
struct drawn_layer {
    struct qm_adaround_layer layer;
    struct qm_encoding encodings[WIDTH_MAX];
    float weights[WEIGHTS_MAX], bias[WIDTH_MAX], windows[2 * ROWS * WIDTH_MAX], targets[2 * ROWS * WIDTH_MAX];
    int32_t integers[WEIGHTS_MAX];
};

/* The result of an output channel of all groups, before its activation. */
static double result_of(const struct drawn_layer *d, const float *weights, size_t row, size_t o) {
    const struct qm_adaround_layer *l = &d->layer;
    double sum = (double)d->bias[o];
    for (size_t i = 0; i < l->inputs; i++)
        sum += (double)weights[o * l->inputs + i] * (double)d->windows[(row * l->groups + o / l->channels) * l->inputs + i];
    return sum;
}

/* The real numbers of the layer's integers. */
static void dequantize(const struct drawn_layer *d, const int32_t *integers, float *weights) {
    for (size_t i = 0; i < (size_t)d->layer.groups * d->layer.channels * d->layer.inputs; i++)
        weights[i] = qm_dequantize(&d->encodings[i / d->layer.inputs], integers[i]);
}

static double cut(const struct drawn_layer *d, double x) {
    return fmin(fmax(x, d->layer.activation.low), d->layer.activation.high);
}

/* Mean squared error of integers over rows from `first` on. */
static double error_of(const struct drawn_layer *d, const int32_t *integers, size_t first, size_t rows) {
    float weights[WEIGHTS_MAX];
    size_t outputs = (size_t)d->layer.groups * d->layer.channels;
    double sum = 0;
    dequantize(d, integers, weights);
    for (size_t row = first; row < first + rows; row++)
        for (size_t o = 0; o < outputs; o++)
            sum += pow(cut(d, result_of(d, weights, row, o)) - cut(d, (double)d->targets[row * outputs + o]), 2);
    return sum / (double)(rows * outputs);
}

static void draw_windows(struct drawn_layer *d, struct qm_prng *prng) {
    size_t width = (size_t)d->layer.groups * d->layer.inputs;
    for (size_t row = 0; row < 2 * ROWS; row++) {
        double common = drawn_normal(prng);
        for (size_t i = 0; i < width; i++) d->windows[row * width + i] = (float)fmax(0, common + 0.5 * drawn_normal(prng));
    }
}

static void draw(struct drawn_layer *d, uint32_t groups, uint32_t channels, uint32_t inputs, uint32_t bits) {
    struct qm_prng prng;
    size_t outputs = (size_t)groups * channels;
    qm_prng_init(&prng, outputs + inputs);
    memset(d, 0, sizeof *d);
    d->layer = (struct qm_adaround_layer){groups,  channels, inputs,     d->weights, d->encodings,
                                          d->bias, ROWS,     d->windows, d->targets, {0, INFINITY}};
    for (size_t o = 0; o < outputs; o++) {
        double most = 0;
        d->bias[o] = (float)drawn_normal(&prng);
        for (size_t i = o * inputs; i < (o + 1) * inputs; i++) {
            d->weights[i] = (float)(drawn_normal(&prng) * (1 + (double)o));
            most = fmax(most, fabs((double)d->weights[i]));
        }
        d->encodings[o] = qm_encoding_of(&(struct qm_format){bits, true, true, false, false}, (struct qm_range){-most, most});
    }
    draw_windows(d, &prng);
    for (size_t row = 0; row < 2 * ROWS; row++)
        for (size_t o = 0; o < outputs; o++) d->targets[row * outputs + o] = (float)result_of(d, d->weights, row, o);
}

static struct qm_adaround_errors learn(struct drawn_layer *d, uint32_t threads) {
    struct qm_blas blas;
    struct qm_diag diag;
    struct qm_adaround_options options = qm_adaround_defaults();
    struct qm_adaround_errors errors;
    options.threads = threads;
    options.iterations = 500;
    cr_assert(qm_blas_open(&blas, &diag) == QM_OK, "%s", diag.text);
    qm_adaround(&blas, &d->layer, &options, d->integers, &errors);
    return errors;
}

static struct drawn_layer d;

static void round_nearest(int32_t *integers) {
    qm_quantize_all(d.encodings, &(struct qm_channels){1, (size_t)d.layer.groups * d.layer.channels, d.layer.inputs}, d.weights, integers);
}

/* What is reported is what the definition says, each weight is next to its real number, and rows that were not learned gain, too. */
static void compare_gain(double gain) {
    int32_t nearest[WEIGHTS_MAX];
    struct qm_adaround_errors errors = learn(&d, 1);
    round_nearest(nearest);
    double before = error_of(&d, nearest, 0, ROWS), after = error_of(&d, d.integers, 0, ROWS);
    cr_assert(epsilon_eq(dbl, errors.nearest, before, before * 1e-3));
    cr_assert(epsilon_eq(dbl, errors.learned, after, after * 1e-3));
    cr_assert(lt(dbl, after * gain, before));
    cr_assert(lt(dbl, error_of(&d, d.integers, ROWS, ROWS) * gain, error_of(&d, nearest, ROWS, ROWS)));
    for (size_t i = 0; i < (size_t)d.layer.groups * d.layer.channels * d.layer.inputs; i++) {
        const struct qm_encoding *e = &d.encodings[i / d.layer.inputs];
        cr_assert(le(flt, fabsf(qm_dequantize(e, d.integers[i]) - d.weights[i]), e->scale * 1.0001F));
        cr_assert(ge(i32, d.integers[i], e->low));
        cr_assert(le(i32, d.integers[i], e->high));
    }
}

Test(adaround, gains_on_a_dense_layer) {
    draw(&d, 1, 40, 36, 4); /* two blocks, the second not full */
    compare_gain(3);
}

Test(adaround, gains_on_groups) {
    draw(&d, 4, 3, 18, 4);
    compare_gain(2);
}

Test(adaround, gains_on_a_depthwise_layer) {
    draw(&d, 8, 1, 9, 4);
    compare_gain(2);
}

Test(adaround, gains_with_two_bits) {
    draw(&d, 1, 16, 36, 2);
    compare_gain(2);
}

Test(adaround, gains_on_asymmetric_weights_without_activation) {
    draw(&d, 1, 8, 27, 4);
    for (int o = 0; o < 8; o++)
        d.encodings[o] = qm_encoding_of(&(struct qm_format){4, false, false, false, false}, (struct qm_range){-3 - o, 2 + o});
    d.layer.activation = (struct qm_range){-INFINITY, INFINITY};
    for (int i = 0; i < 8 * 27; i++) d.weights[i] = fmaxf(-3, fminf(d.weights[i], 2));
    for (int row = 0; row < 2 * ROWS; row++)
        for (int o = 0; o < 8; o++) d.targets[row * 8 + o] = (float)result_of(&d, d.weights, row, o);
    compare_gain(3);
}

/* Of seven weights there are 128 roundings: the learned one is among the best. */
Test(adaround, comes_near_the_best_of_all_roundings) {
    enum { INPUTS = 7 };
    draw(&d, 1, 1, INPUTS, 4);
    d.layer.activation.low = -INFINITY;
    double least = INFINITY, learned = learn(&d, 1).learned;
    for (uint32_t up = 0; up < 1 << INPUTS; up++) {
        int32_t integers[INPUTS];
        for (int i = 0; i < INPUTS; i++) {
            int32_t below = (int32_t)floorf(d.weights[i] / d.encodings[0].scale) + (int32_t)(up >> i & 1);
            integers[i] = below > 7 ? 7 : below;
        }
        least = fmin(least, error_of(&d, integers, 0, ROWS));
    }
    cr_assert(lt(dbl, learned, least * 1.5));
}

Test(adaround, does_not_depend_on_the_number_of_threads) {
    int32_t alone[WEIGHTS_MAX];
    draw(&d, 2, 40, 20, 4);
    struct qm_adaround_errors one = learn(&d, 1);
    memcpy(alone, d.integers, sizeof alone);
    struct qm_adaround_errors three = learn(&d, 3);
    cr_assert(eq(int, memcmp(alone, d.integers, sizeof alone), 0));
    cr_assert(eq(dbl, one.learned, three.learned));
}

/* Where every weight is an integer there is nothing to learn. */
Test(adaround, leaves_what_is_exact) {
    draw(&d, 1, 4, 9, 8);
    round_nearest(d.integers);
    dequantize(&d, d.integers, d.weights);
    for (int row = 0; row < ROWS; row++)
        for (int o = 0; o < 4; o++) d.targets[row * 4 + o] = (float)result_of(&d, d.weights, row, o);
    int32_t exact[36];
    memcpy(exact, d.integers, sizeof exact);
    learn(&d, 1);
    cr_assert(eq(int, memcmp(exact, d.integers, sizeof exact), 0));
}
