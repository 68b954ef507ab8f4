/* quality.c - see quality.h. */
#include "quantize/quality.h"

#include <math.h>

double qm_sqnr_db(size_t count, const float *reference, const float *outputs) {
    double signal = 0, noise = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)reference[i] - (double)outputs[i];
        signal += (double)reference[i] * (double)reference[i];
        noise += difference * difference;
    }
    return noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

size_t qm_largest(size_t columns, const float *row) {
    size_t best = 0;
    for (size_t i = 1; i < columns; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

double qm_agreement(size_t rows, size_t columns, const float *reference, const float *outputs) {
    size_t same = 0;
    if (columns == 1) return NAN;
    for (size_t r = 0; r < rows; r++) same += qm_largest(columns, reference + r * columns) == qm_largest(columns, outputs + r * columns);
    return (double)same / (double)rows;
}
