/* encoding.c - see encoding.h. */
#include "quantize/encoding.h"

#include <math.h>

#include "common/status.h"

/* The next number upwards with so few significant bits that the product of two is a float. */
static double shortened(double scale) {
    enum { HALF_OF_A_FLOAT = 12 };
    int exponent;
    double part = frexp(scale, &exponent);
    return ldexp(ceil(ldexp(part, HALF_OF_A_FLOAT)), exponent - HALF_OF_A_FLOAT);
}

/* The scale, neither below the smallest nor above the largest, as the format wants it. */
static float scale_of(const struct qm_format *format, double scale) {
    QM_CHECK(isfinite(scale) && scale >= 0);
    if (scale == 0) return 1;
    scale = fmin(scale, QM_SCALE_MAX);
    if (format->power_of_two) scale = exp2(ceil(log2(scale)));
    if (format->is_short) scale = shortened(scale);
    return fmaxf((float)scale, QM_SCALE_MIN);
}

struct qm_encoding qm_encoding_of(const struct qm_format *format, struct qm_range range) {
    QM_CHECK(format->bits >= QM_ENCODING_BITS_MIN && format->bits <= QM_ENCODING_BITS_MAX);
    int32_t half = 1 << (format->bits - 1);
    struct qm_encoding encoding = {.low = format->is_signed ? -half : 0, .high = format->is_signed ? half - 1 : 2 * half - 1};
    double low = fmin(range.low, 0), high = fmax(range.high, 0);
    if (format->is_symmetric) {
        if (format->is_signed) encoding.low = -encoding.high;
        encoding.scale = scale_of(format, (format->is_signed ? fmax(-low, high) : high) / encoding.high);
        return encoding;
    }
    encoding.scale = scale_of(format, (high - low) / (encoding.high - encoding.low));
    double zero = encoding.low - rint(low / (double)encoding.scale);
    encoding.zero = (int32_t)fmin(zero, encoding.high);
    return encoding;
}

struct qm_encoding qm_encoding_of_bias(float input_scale, float weight_scale) {
    return (struct qm_encoding){.scale = input_scale * weight_scale, .low = -INT32_MAX, .high = INT32_MAX};
}

int32_t qm_quantize(const struct qm_encoding *encoding, float real) {
    double integer = (double)rintf(real / encoding->scale) + encoding->zero;
    return integer >= encoding->low ? integer <= encoding->high ? (int32_t)integer : encoding->high : encoding->low;
}

float qm_dequantize(const struct qm_encoding *encoding, int32_t integer) {
    return (float)(integer - encoding->zero) * encoding->scale;
}

void qm_quantize_all(const struct qm_encoding *encodings, const struct qm_channels *shape, const float *reals, int32_t *integers) {
    for (size_t i = 0; i < shape->outer * shape->channels * shape->inner; i++)
        integers[i] = qm_quantize(&encodings[i / shape->inner % shape->channels], reals[i]);
}
