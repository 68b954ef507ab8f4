/* compare_npy.c - whether an array is the one that was expected, in steps of its scale.
 *
 *   compare_npy GOT WANT SCALE TIES
 *
 * Both are floats, or both integers, of the same shape but for dimensions of 1 in front. Elements may differ by less than a thousandth of a
 * step; TIES of them by one step, where the expected ones come from arithmetic in float32, which decides ties by its own rounding. A scale
 * that is no number: what nothing has quantized has no ties; floats may differ by a millionth of the largest. What is no number is so in
 * both. Exit status 1, and one line: they differ.
 */
#include <math.h>
#include <stdbool.h>
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

static bool is_float(const struct qm_npy *array) {
    return array->type[0] == 'f';
}

/* Whether the shapes are the same without the dimensions of 1 in front. */
static bool same_shape(const struct qm_npy *a, const struct qm_npy *b) {
    uint32_t i = 0, j = 0;
    while (i < a->rank && a->dims[i] == 1) i++;
    while (j < b->rank && b->dims[j] == 1) j++;
    return a->rank - i == b->rank - j && memcmp(a->dims + i, b->dims + j, (a->rank - i) * sizeof *a->dims) == 0;
}

/* The largest that is finite. */
static double largest_of(const struct qm_npy *array) {
    double largest = 0;
    for (uint64_t i = 0; i < array->count; i++)
        if (isfinite(element(array, i))) largest = fmax(largest, fabs(element(array, i)));
    return largest;
}

static double steps_between(double a, double b, double scale) {
    if (a == b || (isnan(a) && isnan(b))) return 0;
    double steps = fabs(a - b) / scale;
    return isnan(steps) ? INFINITY : steps;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct qm_npy got = read_array(argv[1]), want = read_array(argv[2]);
    double scale = strtod(argv[3], NULL), worst = 0;
    bool has_steps = isfinite(scale) && scale > 0;
    uint64_t ties = has_steps ? strtoull(argv[4], NULL, 10) : 0, wrong = 0, near = 0;
    if (is_float(&got) != is_float(&want) || !same_shape(&got, &want)) {
        fprintf(stderr, "%s has %llu elements of %s in %u dimensions, not the type or the shape of %s\n", argv[1],
                (unsigned long long)got.count, got.type, got.rank, argv[2]);
        return 1;
    }
    if (!has_steps) scale = is_float(&want) && largest_of(&want) > 0 ? largest_of(&want) / 1000 : 1;
    for (uint64_t i = 0; i < got.count; i++) {
        double steps = steps_between(element(&got, i), element(&want, i), scale);
        if (steps <= 1e-3) continue;
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
