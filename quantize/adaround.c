/* adaround.c - see adaround.h.
 *
 * Output channels do not depend on each other, so a layer is learned in blocks of some channels of a group, each by one thread from begin
 * to end. All blocks draw the same rows. A channel's loss is relative to what rounding to the nearest has, so that one set of options suits
 * layers of all scales.
 */
#include "quantize/adaround.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"

enum { BLOCK_CHANNELS = 32, EVALUATED_ROWS = 1024 };

/* The rectified sigmoid runs from LOW to HIGH and is cut to 0..1. */
static const float LOW = -0.1F, HIGH = 1.1F;

struct qm_adaround_options qm_adaround_defaults(void) {
    return (struct qm_adaround_options){.iterations = 1000,
                                        .rows = 256,
                                        .learning_rate = 0.02,
                                        .regularization = 10,
                                        .warm_up = 0.2,
                                        .beta_from = 20,
                                        .beta_to = 2,
                                        .seed = 1,
                                        .threads = 1};
}

/* What all blocks share. */
struct job {
    const struct qm_blas *blas;
    const struct qm_adaround_layer *layer;
    const struct qm_adaround_options *options;
    int32_t *integers;
    struct qm_adaround_errors *errors; /* [blocks] sums of squares */
    uint32_t blocks;                   /* of a group */
    atomic_uint next;
};

/* One variable of a weight, with what Adam remembers of it. */
struct variable {
    float alpha, mean, square;
    float slope; /* of its share in 0..1 by alpha */
};

struct block {
    const struct job *job;
    uint32_t group, first, channels; /* first and number of its output channels, of those of all groups */
    uint32_t inputs, rows;           /* rows of a step */
    struct variable *variables;      /* [channels][inputs] */
    float *floors;                   /* [channels][inputs] the integer below, before it is cut */
    float *shares;                   /* [channels][inputs] */
    float *weights;                  /* [channels][inputs] */
    float *slopes;                   /* [channels][inputs] of the loss by the weight */
    float *windows;                  /* [max(rows, EVALUATED_ROWS)][inputs] */
    float *results, *targets;        /* [max(rows, EVALUATED_ROWS)][channels] */
    double *nearest;                 /* [channels] mean squared error when all weights are rounded to the nearest */
};

static size_t weight_count(const struct block *b) {
    return (size_t)b->channels * b->inputs;
}

/* The encoding of channel c of the block, and its weights as the layer has them. */
static const struct qm_encoding *encoding_of(const struct block *b, uint32_t c) {
    return &b->job->layer->encodings[b->first + c];
}

static const float *weights_of(const struct block *b, uint32_t c) {
    return b->job->layer->weights + (size_t)(b->first + c) * b->inputs;
}

static inline float bounded(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

/* ---- variables ---- */

/* The share that is added to a floor: the rectified sigmoid, and its slope. */
static float share(struct variable *v) {
    float sigmoid = 1 / (1 + expf(-v->alpha)), stretched = sigmoid * (HIGH - LOW) + LOW;
    bool is_cut = stretched <= 0 || stretched >= 1;
    v->slope = is_cut ? 0 : (HIGH - LOW) * sigmoid * (1 - sigmoid);
    return is_cut ? (float)(stretched >= 1) : stretched;
}

/* Starts where the shares give the weights themselves. */
static void start_variables(struct block *b, uint32_t c) {
    const struct qm_encoding *encoding = encoding_of(b, c);
    const float *weights = weights_of(b, c);
    for (size_t i = 0, at = (size_t)c * b->inputs; i < b->inputs; i++, at++) {
        float scaled = weights[i] / encoding->scale, below = floorf(scaled), sigmoid = (scaled - below - LOW) / (HIGH - LOW);
        b->floors[at] = below + (float)encoding->zero;
        b->variables[at] = (struct variable){.alpha = logf(sigmoid / (1 - sigmoid))};
    }
}

/* Sets a weight of an integer that need not be whole, and says whether it lies among those that there are. */
static bool set_weight(struct block *b, const struct qm_encoding *encoding, size_t at, float integer) {
    float cut = bounded(integer, (float)encoding->low, (float)encoding->high);
    b->weights[at] = (cut - (float)encoding->zero) * encoding->scale;
    return cut == integer;
}

/* Weights between the integers; what is cut has no slope. */
static void set_soft_weights(struct block *b, uint32_t c) {
    const struct qm_encoding *encoding = encoding_of(b, c);
    for (size_t at = (size_t)c * b->inputs; at < (size_t)(c + 1) * b->inputs; at++) {
        b->shares[at] = share(&b->variables[at]);
        if (!set_weight(b, encoding, at, b->floors[at] + b->shares[at])) b->variables[at].slope = 0;
    }
}

/* ---- losses ---- */

/* Takes a row of windows and targets. */
static void take_row(struct block *b, uint32_t to, size_t row) {
    const struct qm_adaround_layer *layer = b->job->layer;
    size_t outputs = (size_t)layer->groups * layer->channels;
    const float *windows = layer->windows + (row * layer->groups + b->group) * b->inputs;
    const float *targets = layer->targets + row * outputs + b->first;
    memcpy(b->windows + (size_t)to * b->inputs, windows, b->inputs * sizeof *windows);
    memcpy(b->targets + (size_t)to * b->channels, targets, b->channels * sizeof *targets);
}

/* Makes of results [rows][channels] their differences from the targets, 0 where the activation cuts and so no weight matters; adds their
 * squares to sums [channels]. */
static void compare(struct block *b, uint32_t rows, double *sums) {
    const struct qm_adaround_layer *layer = b->job->layer;
    float low = (float)layer->activation.low, high = (float)layer->activation.high;
    for (uint32_t row = 0; row < rows; row++) {
        float *results = b->results + (size_t)row * b->channels, *targets = b->targets + (size_t)row * b->channels;
        for (uint32_t c = 0; c < b->channels; c++) {
            float result = results[c] + (layer->bias != NULL ? layer->bias[b->first + c] : 0), cut = bounded(result, low, high);
            float difference = cut - bounded(targets[c], low, high);
            results[c] = cut == result ? difference : 0;
            sums[c] += (double)difference * (double)difference;
        }
    }
}

static void multiply(struct block *b, uint32_t rows) {
    int channels = (int)b->channels, inputs = (int)b->inputs;
    qm_blas_multiply(b->job->blas, &(struct qm_blas_product){.m = (int)rows,
                                                             .n = channels,
                                                             .k = inputs,
                                                             .a = b->windows,
                                                             .a_stride = inputs,
                                                             .b = b->weights,
                                                             .b_transposed = true,
                                                             .b_stride = inputs,
                                                             .out = b->results,
                                                             .out_stride = channels});
}

/* Mean squared errors [channels] of the weights over all rows. */
static void measure(struct block *b, double *errors) {
    uint32_t all = b->job->layer->rows;
    memset(errors, 0, b->channels * sizeof *errors);
    for (uint32_t from = 0; from < all; from += EVALUATED_ROWS) {
        uint32_t rows = all - from < EVALUATED_ROWS ? all - from : EVALUATED_ROWS;
        for (uint32_t i = 0; i < rows; i++) take_row(b, i, from + i);
        multiply(b, rows);
        compare(b, rows, errors);
    }
    for (uint32_t c = 0; c < b->channels; c++) errors[c] /= all;
}

/* ---- steps ---- */

/* The exponent of the regularizing term, 0 while it is off: a half cosine from beta_from to beta_to. */
static double beta_of(const struct qm_adaround_options *options, uint32_t iteration) {
    double done = (double)iteration / options->iterations;
    if (done < options->warm_up) return 0;
    double course = (done - options->warm_up) / (1 - options->warm_up);
    return options->beta_to + (options->beta_from - options->beta_to) * (1 + cos(M_PI * course)) / 2;
}

/* The slope of 1 - |2 share - 1|^beta by the share. */
static float regularizing_slope(float shared, float beta) {
    float distance = 2 * shared - 1;
    return -2 * beta * copysignf(powf(fabsf(distance), beta - 1), distance);
}

/* Fills the slopes of the loss by the weights, from rows drawn for the iteration. */
static void find_slopes(struct block *b, uint32_t iteration) {
    int channels = (int)b->channels, inputs = (int)b->inputs;
    for (uint32_t i = 0; i < b->rows; i++) take_row(b, i, qm_hash3(b->job->options->seed, iteration, i) % b->job->layer->rows);
    multiply(b, b->rows);
    compare(b, b->rows, (double[BLOCK_CHANNELS]){0});
    qm_blas_multiply(b->job->blas, &(struct qm_blas_product){.m = channels,
                                                             .n = inputs,
                                                             .k = (int)b->rows,
                                                             .a = b->results,
                                                             .a_transposed = true,
                                                             .a_stride = channels,
                                                             .b = b->windows,
                                                             .b_stride = inputs,
                                                             .out = b->slopes,
                                                             .out_stride = inputs});
}

/* Adam's: what stays of the means in each step, and what keeps it from dividing by 0. */
static const float MEAN_KEPT = 0.9F, SQUARE_KEPT = 0.999F, SMALL = 1e-8F;

/* One step of Adam (Kingma, Ba 2015) down the slope. rate is the learning rate, with both of its corrections for the first steps. */
static void descend(struct variable *v, float slope, float rate) {
    v->mean = MEAN_KEPT * v->mean + (1 - MEAN_KEPT) * slope;
    v->square = SQUARE_KEPT * v->square + (1 - SQUARE_KEPT) * slope * slope;
    v->alpha -= rate * v->mean / (sqrtf(v->square) + SMALL);
}

/* One step of the variables of a channel, whose loss is relative to that of rounding to the nearest. */
static void descend_channel(struct block *b, uint32_t c, float rate, float beta) {
    if (b->nearest[c] == 0) return;
    float scale = (float)(2 * (double)encoding_of(b, c)->scale / (b->rows * b->nearest[c]));
    float pull = (float)(b->job->options->regularization / b->inputs);
    for (size_t at = (size_t)c * b->inputs; at < (size_t)(c + 1) * b->inputs; at++) {
        struct variable *v = &b->variables[at];
        if (v->slope == 0) continue;
        float slope = scale * b->slopes[at];
        if (beta > 0) slope += pull * regularizing_slope(b->shares[at], beta);
        descend(v, slope * v->slope, rate);
    }
}

static void step(struct block *b, uint32_t iteration) {
    const struct qm_adaround_options *options = b->job->options;
    float beta = (float)beta_of(options, iteration), t = (float)iteration + 1;
    float rate = (float)options->learning_rate * sqrtf(1 - powf(SQUARE_KEPT, t)) / (1 - powf(MEAN_KEPT, t));
    for (uint32_t c = 0; c < b->channels; c++) set_soft_weights(b, c);
    find_slopes(b, iteration);
    for (uint32_t c = 0; c < b->channels; c++) descend_channel(b, c, rate, beta);
}

/* ---- a block ---- */

/* Rounds the weights of a channel to the nearest integers. */
static void round_nearest(struct block *b, uint32_t c, int32_t *integers) {
    const struct qm_encoding *encoding = encoding_of(b, c);
    for (size_t i = 0, at = (size_t)c * b->inputs; i < b->inputs; i++, at++) {
        integers[at] = qm_quantize(encoding, weights_of(b, c)[i]);
        set_weight(b, encoding, at, (float)integers[at]);
    }
}

/* Rounds each weight of a channel to the side that its share has come to. */
static void round_learned(struct block *b, uint32_t c, int32_t *integers) {
    const struct qm_encoding *encoding = encoding_of(b, c);
    for (size_t at = (size_t)c * b->inputs; at < (size_t)(c + 1) * b->inputs; at++) {
        set_weight(b, encoding, at, b->floors[at] + roundf(share(&b->variables[at])));
        integers[at] = qm_quantize(encoding, b->weights[at]);
    }
}

static struct block open_block(const struct job *job, uint32_t index) {
    const struct qm_adaround_layer *layer = job->layer;
    uint32_t begin = index % job->blocks * BLOCK_CHANNELS, left = layer->channels - begin;
    struct block b = {.job = job, .group = index / job->blocks, .inputs = layer->inputs, .rows = job->options->rows};
    b.first = b.group * layer->channels + begin;
    b.channels = left < BLOCK_CHANNELS ? left : BLOCK_CHANNELS;
    size_t weights = weight_count(&b), rows = b.rows > EVALUATED_ROWS ? b.rows : EVALUATED_ROWS;
    b.variables = qm_alloc(weights * sizeof *b.variables);
    b.floors = qm_alloc(weights * sizeof *b.floors);
    b.shares = qm_alloc(weights * sizeof *b.shares);
    b.weights = qm_alloc(weights * sizeof *b.weights);
    b.slopes = qm_alloc(weights * sizeof *b.slopes);
    b.windows = qm_alloc(rows * b.inputs * sizeof *b.windows);
    b.results = qm_alloc(rows * b.channels * sizeof *b.results);
    b.targets = qm_alloc(rows * b.channels * sizeof *b.targets);
    b.nearest = qm_alloc(b.channels * sizeof *b.nearest);
    return b;
}

static void close_block(struct block *b) {
    free(b->variables);
    free(b->floors);
    free(b->shares);
    free(b->weights);
    free(b->slopes);
    free(b->windows);
    free(b->results);
    free(b->targets);
    free(b->nearest);
}

/* Takes the learned integers of the channels whose error became less. */
static void choose(const struct block *b, const double *learned, const int32_t *rounded, int32_t *integers,
                   struct qm_adaround_errors *sums) {
    for (uint32_t c = 0; c < b->channels; c++) {
        bool better = learned[c] < b->nearest[c];
        if (better) memcpy(integers + (size_t)c * b->inputs, rounded + (size_t)c * b->inputs, b->inputs * sizeof *integers);
        sums->nearest += b->nearest[c];
        sums->learned += better ? learned[c] : b->nearest[c];
    }
}

static void learn(const struct job *job, uint32_t index) {
    struct block b = open_block(job, index);
    int32_t *integers = job->integers + (size_t)b.first * b.inputs, *rounded = qm_alloc(weight_count(&b) * sizeof *rounded);
    double learned[BLOCK_CHANNELS];
    for (uint32_t c = 0; c < b.channels; c++) round_nearest(&b, c, integers);
    measure(&b, b.nearest);
    for (uint32_t c = 0; c < b.channels; c++) start_variables(&b, c);
    for (uint32_t i = 0; i < job->options->iterations; i++) step(&b, i);
    for (uint32_t c = 0; c < b.channels; c++) round_learned(&b, c, rounded);
    measure(&b, learned);
    choose(&b, learned, rounded, integers, &job->errors[index]);
    free(rounded);
    close_block(&b);
}

static void *work(void *context) {
    struct job *job = context;
    uint32_t all = job->blocks * job->layer->groups;
    for (uint32_t index; (index = atomic_fetch_add(&job->next, 1)) < all;) learn(job, index);
    return NULL;
}

/* Works on this thread and, as far as the system gives them, on others. */
static void work_on_threads(struct job *job) {
    enum { THREADS_MAX = 64 };
    pthread_t threads[THREADS_MAX];
    uint32_t others = 0;
    while (others + 1 < job->options->threads && others < THREADS_MAX && pthread_create(&threads[others], NULL, work, job) == 0) others++;
    work(job);
    for (uint32_t t = 0; t < others; t++) pthread_join(threads[t], NULL);
}

void qm_adaround(const struct qm_blas *blas, const struct qm_adaround_layer *layer, const struct qm_adaround_options *options,
                 int32_t *integers, struct qm_adaround_errors *errors) {
    uint32_t blocks = (layer->channels + BLOCK_CHANNELS - 1) / BLOCK_CHANNELS, all = blocks * layer->groups;
    struct job job = {.blas = blas, .layer = layer, .options = options, .integers = integers, .blocks = blocks};
    QM_CHECK(layer->rows > 0);
    job.errors = qm_alloc_zeroed(all, sizeof *job.errors);
    work_on_threads(&job);
    *errors = (struct qm_adaround_errors){0};
    for (uint32_t i = 0; i < all; i++) {
        errors->nearest += job.errors[i].nearest / ((double)layer->groups * layer->channels);
        errors->learned += job.errors[i].learned / ((double)layer->groups * layer->channels);
    }
    free(job.errors);
}
