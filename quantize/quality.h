/* quality.h - how far the outputs of a quantized network are from those of the float network. */
#ifndef QM_QUANTIZE_QUALITY_H
#define QM_QUANTIZE_QUALITY_H

#include <stddef.h>
#include <stdint.h>

/* Signal to quantization noise in dB: 10 log10 of the squares of the reference by those of the differences, over all elements. Infinite
 * when there is no difference, also when all is 0. */
double qm_sqnr_db(size_t count, const float *reference, const float *outputs);

/* The place of the largest number; of equal ones the first. */
size_t qm_largest(size_t columns, const float *row);
/* The share of rows, 0 to 1, whose largest number is at the same place in both. Arrays are [rows][columns]; NAN of one column. */
double qm_agreement(size_t rows, size_t columns, const float *reference, const float *outputs);

#endif
