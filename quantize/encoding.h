/* encoding.h - which integers stand for which real numbers: real = scale * (integer - zero).
 *
 * An encoding is made of the range that real numbers have, in a format that says how many integers there are. Zero is always one of the
 * real numbers that are met exactly, because padding and ReLU make many of it. Equations: docs/quantization.md, Encodings.
 */
#ifndef QM_QUANTIZE_ENCODING_H
#define QM_QUANTIZE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Smallest scale of an encoding: the product of two is still a normal float, which a bias has as its scale. */
#define QM_SCALE_MAX 0x1p126 /* a larger one would not be a float, of a power of two or rounded upwards */
#define QM_SCALE_MIN 0x1p-60F

enum { QM_ENCODING_BITS_MIN = 2, QM_ENCODING_BITS_MAX = 8 };

struct qm_format {
    uint32_t bits; /* QM_ENCODING_BITS_MIN..QM_ENCODING_BITS_MAX */
    bool is_signed;
    bool is_symmetric; /* zero is 0, and signed integers are -(2^(bits-1)-1)..2^(bits-1)-1 */
    bool power_of_two; /* the scale is one, rounded upwards */
    bool is_short;     /* the scale has 12 significant bits, rounded upwards: the product of two is exact in float32 */
};

struct qm_encoding {
    float scale;
    int32_t zero;
    int32_t low, high; /* integers that there are */
};

struct qm_range {
    double low, high;
};

/* The encoding of a range of finite numbers, which is widened to contain 0. A range of 0 alone has the scale 1. In a format that is
 * unsigned and symmetric all that is below 0 becomes 0. */
struct qm_encoding qm_encoding_of(const struct qm_format *format, struct qm_range range);

/* The encoding of a bias, which is added to sums of products of integers of these scales: 32 bits, symmetric. */
struct qm_encoding qm_encoding_of_bias(float input_scale, float weight_scale);

/* The nearest integer, ties to even, cut to those that there are: what QuantizeLinear of ONNX computes, in floats. */
int32_t qm_quantize(const struct qm_encoding *encoding, float real);
float qm_dequantize(const struct qm_encoding *encoding, int32_t integer);

/* How the channels of an array lie: [outer][channels][inner], row-major. channels is 1 for an encoding per tensor. */
struct qm_channels {
    size_t outer, channels, inner;
};

/* The integers of an array, with encodings [channels]. */
void qm_quantize_all(const struct qm_encoding *encodings, const struct qm_channels *shape, const float *reals, int32_t *integers);

#endif
