/* range.h - the range of real numbers that integers are given for, chosen from the numbers that occur.
 *
 * A narrower range has a finer step and cuts what lies outside. Equations: docs/quantization.md, Ranges.
 */
#ifndef QM_QUANTIZE_RANGE_H
#define QM_QUANTIZE_RANGE_H

#include "quantize/encoding.h"
#include "quantize/histogram.h"

/* From the smallest to the largest number; of none 0 to 0. */
struct qm_range qm_range_min_max(const struct qm_points *points);

/* Without (100 - percent) / 2 percent of the numbers on either side; percent is above 0, at most 100. */
struct qm_range qm_range_percentile(const struct qm_points *points, double percent);

/* The part of the range from min to max whose encoding has the least squared error, in steps of a hundredth of either side. */
struct qm_range qm_range_squared_error(const struct qm_points *points, const struct qm_format *format);

/* The part of it, in steps of a hundredth of both sides together, after which the distribution of the numbers is least changed, by the
 * divergence of Kullback and Leibler. Exact zeros, which every encoding meets, are left out. */
struct qm_range qm_range_divergence(const struct qm_points *points, const struct qm_format *format);

/* What channels of normal distributions reach, each within so many deviations of its mean; cut to what the activation function lets
 * through. */
struct qm_range qm_range_normal(size_t channels, const float *means, const float *deviations, double width, struct qm_range activation);

/* The mean squared error of the numbers in an encoding. */
double qm_squared_error(const struct qm_points *points, const struct qm_encoding *encoding);

#endif
