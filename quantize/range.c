/* range.c - see range.h. */
#include "quantize/range.h"

#include <math.h>
#include <string.h>

enum { STEPS = 100, ROUNDS = 3 };

struct qm_range qm_range_min_max(const struct qm_points *points) {
    if (points->count == 0) return (struct qm_range){0, 0};
    return (struct qm_range){points->values[0], points->values[points->count - 1]};
}

static double total_of(const struct qm_points *points) {
    double total = 0;
    for (size_t i = 0; i < points->count; i++) total += (double)points->times[i];
    return total;
}

struct qm_range qm_range_percentile(const struct qm_points *points, double percent) {
    struct qm_range range = qm_range_min_max(points);
    double cut = total_of(points) * (100 - percent) / 200, below = 0, above = 0;
    for (size_t i = 0; i < points->count && (below += (double)points->times[i]) <= cut; i++) range.low = points->values[i + 1];
    for (size_t i = points->count; i > 0 && (above += (double)points->times[i - 1]) <= cut; i--) range.high = points->values[i - 2];
    return range;
}

double qm_squared_error(const struct qm_points *points, const struct qm_encoding *encoding) {
    double sum = 0;
    for (size_t i = 0; i < points->count; i++) {
        double error = points->values[i] - (double)qm_dequantize(encoding, qm_quantize(encoding, (float)points->values[i]));
        sum += (double)points->times[i] * error * error;
    }
    return sum / total_of(points);
}

/* Moves one end, `at` of the range, to the step of its full extent where the error is least. */
static void move_end(const struct qm_points *points, const struct qm_format *format, struct qm_range *range, double *at) {
    double full = *at, best = INFINITY, chosen = full;
    for (int step = STEPS; step > 0; step--) {
        *at = full * step / STEPS;
        struct qm_encoding encoding = qm_encoding_of(format, *range);
        double error = qm_squared_error(points, &encoding);
        if (error < best) {
            best = error;
            chosen = *at;
        }
    }
    *at = chosen;
}

/* The range with 0 and, in a symmetric format, with as much below it as above. */
static struct qm_range widened(const struct qm_format *format, struct qm_range range) {
    range = (struct qm_range){fmin(range.low, 0), fmax(range.high, 0)};
    double reach = fmax(-range.low, range.high);
    return format->is_symmetric && format->is_signed ? (struct qm_range){-reach, reach} : range;
}

struct qm_range qm_range_squared_error(const struct qm_points *points, const struct qm_format *format) {
    struct qm_range full = widened(format, qm_range_min_max(points)), range = full;
    if (format->is_symmetric) {
        range.low = 0;
        move_end(points, format, &range, &range.high);
        return widened(format, range);
    }
    for (int round = 0; round < ROUNDS; round++) {
        range.high = full.high;
        move_end(points, format, &range, &range.high);
        range.low = full.low;
        move_end(points, format, &range, &range.low);
    }
    return range;
}

/* What one integer stands for: numbers that occur, and points that they are spread over. */
struct level {
    double times, points;
};

enum { LEVELS = 1 << QM_ENCODING_BITS_MAX };

/* The numbers that a range holds, and those beyond its ends, which become its first and its last one. */
struct cut_points {
    struct level levels[LEVELS];
    double all, inside, below, above;
    size_t first, last; /* of those inside */
};

/* The level of a point inside. */
static struct level *level_of(struct cut_points *cut, const struct qm_encoding *encoding, double value) {
    return &cut->levels[qm_quantize(encoding, (float)value) - encoding->low];
}

static void cut_points(struct cut_points *cut, const struct qm_points *points, const struct qm_encoding *encoding, struct qm_range range) {
    for (size_t i = 0; i < points->count; i++) {
        double times = (double)points->times[i], value = points->values[i];
        if (value == 0) continue;
        cut->all += times;
        if (value < range.low)
            cut->below += times;
        else if (value > range.high)
            cut->above += times;
        else {
            struct level *level = level_of(cut, encoding, value);
            level->times += times;
            level->points++;
            if (cut->inside == 0) cut->first = i;
            cut->last = i;
            cut->inside += times;
        }
    }
}

/* The divergence of the numbers, cut to the range, from their integers, each spread evenly over the points that it stands for. */
static double divergence(const struct qm_points *points, const struct qm_format *format, struct qm_range range) {
    struct qm_encoding encoding = qm_encoding_of(format, range);
    struct cut_points cut = {0};
    double sum = 0;
    cut_points(&cut, points, &encoding, range);
    if (cut.inside == 0) return INFINITY;
    for (size_t i = cut.first; i <= cut.last; i++) {
        if (points->values[i] == 0) continue;
        const struct level *level = level_of(&cut, &encoding, points->values[i]);
        double times = (double)points->times[i] + (i == cut.first ? cut.below : 0) + (i == cut.last ? cut.above : 0);
        double p = times / cut.all, q = level->times / level->points / cut.inside;
        sum += p * log(p / q);
    }
    return sum;
}

struct qm_range qm_range_divergence(const struct qm_points *points, const struct qm_format *format) {
    struct qm_range full = widened(format, qm_range_min_max(points)), chosen = full;
    double best = INFINITY;
    for (int step = STEPS; step > 0; step--) {
        struct qm_range range = {full.low * step / STEPS, full.high * step / STEPS};
        double found = divergence(points, format, range);
        if (found < best) {
            best = found;
            chosen = range;
        }
    }
    return chosen;
}

struct qm_range qm_range_normal(size_t channels, const float *means, const float *deviations, double width, struct qm_range activation) {
    struct qm_range range = {INFINITY, -INFINITY};
    for (size_t c = 0; c < channels; c++) {
        range.low = fmin(range.low, (double)means[c] - width * (double)deviations[c]);
        range.high = fmax(range.high, (double)means[c] + width * (double)deviations[c]);
    }
    range.low = fmin(fmax(range.low, activation.low), activation.high);
    range.high = fmin(fmax(range.high, activation.low), activation.high);
    return channels > 0 ? range : (struct qm_range){0, 0};
}
