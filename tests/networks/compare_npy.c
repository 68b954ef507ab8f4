/* compare_npy.c - whether an array is the one that was expected, in steps of its scale.
 *
 *   compare_npy GOT WANT SCALE TIES
 *
 * Elements may differ by less than a thousandth of a step; TIES of them by one step, where the expected ones come from arithmetic in
 * float32, which decides ties by its own rounding. A scale that is no number: floats that nothing has quantized; they may differ by a
 * millionth of the largest. Exit status 1, and one line: they differ.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"

static struct qm_npy read_array(const char *file) {
    struct qm_npy array;
    struct qm_diag diag;
    if (qm_npy_read(file, &array, &diag) == QM_OK) return array;
    fprintf(stderr, "%s\n", diag.text);
    exit(1);
}

static double element(const struct qm_npy *array, uint64_t i) {
    float single;
    double number;
    memcpy(&single, array->data + i * array->item_bytes, sizeof single < array->item_bytes ? sizeof single : array->item_bytes);
    if (strcmp(array->type, "f4") == 0) return (double)single;
    if (strcmp(array->type, "f8") != 0) return (double)qm_npy_integer(array, i);
    memcpy(&number, array->data + i * sizeof number, sizeof number);
    return number;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct qm_npy got = read_array(argv[1]), want = read_array(argv[2]);
    double scale = strtod(argv[3], NULL), worst = 0, largest = 0;
    uint64_t ties = strtoull(argv[4], NULL, 10), wrong = 0, near = 0;
    if (got.count != want.count) {
        fprintf(stderr, "%s has %llu elements, not %llu\n", argv[1], (unsigned long long)got.count, (unsigned long long)want.count);
        return 1;
    }
    for (uint64_t i = 0; i < want.count && !(scale > 0); i++) largest = fmax(largest, fabs(element(&want, i)));
    if (!(scale > 0)) scale = largest > 0 ? largest / 1000 : 1;
    for (uint64_t i = 0; i < got.count; i++) {
        double steps = fabs(element(&got, i) - element(&want, i)) / scale;
        if (!(steps > 1e-3)) continue;
        worst = fmax(worst, steps);
        if (fabs(steps - 1) < 1e-3)
            near++;
        else
            wrong++;
    }
    if (wrong == 0 && near <= ties) return 0;
    fprintf(stderr, "%s: %llu of %llu elements differ, by up to %.2f steps\n", argv[1], (unsigned long long)(wrong + near),
            (unsigned long long)got.count, worst);
    return 1;
}
