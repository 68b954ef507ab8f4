/* product.c - a matrix product Y = W X + b of real numbers as a TFLite network of bytes, and back.
 *
 *   product quantize FILE FOLDER     writes FOLDER/uint8.tflite, FOLDER/int8.tflite and their inputs, and prints what the numbers became
 *   product compare FILE Y.npy       prints the real product beside the one that the machine computed, and how far apart they are
 *
 * FILE has four matrices, each a line `NAME ROWS COLUMNS` and its numbers: W (k in a row), X (a column is an example), both from 0 to 1, b,
 * and output, the real number that the largest integer of Y means. A line that begins with # is for the reader.
 * uint8: one step of W and of X is 1/255, all zero points are 0. int8: W is symmetric, a step is 1/127, and X and Y are the same integers
 * less 128, the zero point. Exit status 2: something is wrong with what was given.
 */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/npy.h"
#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_build.h"

enum { SIDE_MAX = 16, ELEMENTS_MAX = SIDE_MAX * SIDE_MAX, FULLY_CONNECTED = 9, INT8_ZERO = -128 };
static const double INPUT_STEP = 1 / 255.0, INT8_WEIGHT_STEP = 1 / 127.0;

struct matrix {
    const char *name;
    unsigned rows, columns;
    double at[SIDE_MAX][SIDE_MAX];
};

enum { W, X, B, OUTPUT, MATRICES };
struct product {
    struct matrix matrices[MATRICES];
    unsigned n, k, m; /* Y is n x m; the sums have k products */
};

/* A network that was made of it. */
struct network {
    const char *name; /* of its files */
    bool is_signed;
    double weight_step, output_step;
    int32_t zero;            /* point of X and Y */
    int32_t w[ELEMENTS_MAX]; /* [n][k] */
    int32_t x[ELEMENTS_MAX]; /* [m][k] */
    int32_t b[SIDE_MAX];     /* in steps of weight_step * INPUT_STEP */
    uint8_t weights[ELEMENTS_MAX], inputs[ELEMENTS_MAX];
};

static _Noreturn void refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("product: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void need(enum qm_status status, const struct qm_diag *diag) {
    if (status != QM_OK) refuse("%s", diag->text);
}

/* ---- reading ---- */

/* The next line that is not for the reader. */
static const char *next_line(FILE *stream, const char *file, const char *what) {
    static char line[400];
    do
        if (fgets(line, sizeof line, stream) == NULL) refuse("%s: ends where %s should be", file, what);
    while (line[0] == '#');
    return line;
}

static void read_numbers(FILE *stream, const char *file, struct matrix *matrix) {
    for (unsigned r = 0; r < matrix->rows; r++) {
        const char *at = next_line(stream, file, matrix->name);
        for (unsigned c = 0; c < matrix->columns; c++) {
            char *end;
            matrix->at[r][c] = strtod(at, &end);
            if (end == at || !isfinite(matrix->at[r][c]))
                refuse("%s: row %u of %s needs %u numbers", file, r, matrix->name, matrix->columns);
            at = end;
        }
    }
}

static void read_matrix(FILE *stream, const char *file, struct matrix *matrix) {
    char name[20], rest;
    const char *line = next_line(stream, file, matrix->name);
    if (sscanf(line, "%19s %u %u %c", name, &matrix->rows, &matrix->columns, &rest) != 3 || strcmp(name, matrix->name) != 0)
        refuse("%s: a line '%s ROWS COLUMNS' should be where this is: %s", file, matrix->name, line);
    if (matrix->rows - 1 >= SIDE_MAX || matrix->columns - 1 >= SIDE_MAX)
        refuse("%s: %s: ROWS and COLUMNS must be from 1 to %d", file, matrix->name, SIDE_MAX);
    read_numbers(stream, file, matrix);
}

static void check_range(const char *file, const struct matrix *matrix) {
    for (unsigned i = 0; i < matrix->rows * matrix->columns; i++) {
        double number = matrix->at[i / matrix->columns][i % matrix->columns];
        if (number < 0 || number > 1) refuse("%s: %s: %g is not from 0 to 1", file, matrix->name, number);
    }
}

static struct product read_product(const char *file) {
    struct product p = {.matrices = {{.name = "W"}, {.name = "X"}, {.name = "b"}, {.name = "output"}}};
    FILE *stream = fopen(file, "r");
    if (stream == NULL) refuse("%s: cannot be opened", file);
    for (int i = 0; i < MATRICES; i++) read_matrix(stream, file, &p.matrices[i]);
    fclose(stream);
    p.n = p.matrices[W].rows;
    p.k = p.matrices[W].columns;
    p.m = p.matrices[X].columns;
    if (p.matrices[X].rows != p.k || p.matrices[B].rows != p.n || p.matrices[B].columns != 1)
        refuse("%s: W is %u x %u: X must have %u rows, and b must be %u x 1", file, p.n, p.k, p.k, p.n);
    check_range(file, &p.matrices[W]);
    check_range(file, &p.matrices[X]);
    if (p.matrices[OUTPUT].at[0][0] <= 0) refuse("%s: output must be above 0", file);
    return p;
}

static double real_product(const struct product *p, unsigned n, unsigned m) {
    double sum = p->matrices[B].at[n][0];
    for (unsigned k = 0; k < p->k; k++) sum += p->matrices[W].at[n][k] * p->matrices[X].at[k][m];
    return sum;
}

/* ---- quantizing ---- */

static struct network quantized(const struct product *p, bool is_signed) {
    struct network net = {.name = is_signed ? "int8" : "uint8", .is_signed = is_signed};
    net.weight_step = is_signed ? INT8_WEIGHT_STEP : INPUT_STEP;
    net.output_step = p->matrices[OUTPUT].at[0][0] / 255;
    net.zero = is_signed ? INT8_ZERO : 0;
    for (unsigned i = 0; i < p->n * p->k; i++) {
        net.w[i] = (int32_t)lround(p->matrices[W].at[i / p->k][i % p->k] / net.weight_step);
        net.weights[i] = (uint8_t)net.w[i];
    }
    for (unsigned i = 0; i < p->m * p->k; i++) {
        net.x[i] = (int32_t)lround(p->matrices[X].at[i % p->k][i / p->k] / INPUT_STEP) + net.zero;
        net.inputs[i] = (uint8_t)net.x[i];
    }
    for (unsigned n = 0; n < p->n; n++) net.b[n] = (int32_t)lround(p->matrices[B].at[n][0] / (net.weight_step * INPUT_STEP));
    return net;
}

static void print_rows(const char *title, const int32_t *numbers, unsigned rows, unsigned columns) {
    printf("%s\n", title);
    for (unsigned i = 0; i < rows * columns; i++) printf("%7d%s", numbers[i], i % columns + 1 == columns ? "\n" : "");
}

static void print_network(const struct product *p, const struct network *net) {
    printf("%s: a step of W is 1/%.0f, of X 1/255, of b and the sums 1/%.0f, of Y 1/%.0f; zero point of X and Y: %d\n", net->name,
           1 / net->weight_step, 1 / (net->weight_step * INPUT_STEP), 1 / net->output_step, net->zero);
    print_rows("W, an output in a row", net->w, p->n, p->k);
    print_rows("X, an example in a row", net->x, p->m, p->k);
    print_rows("b", net->b, 1, p->n);
}

/* ---- the files ---- */

static void join(char *path, const char *folder, const char *name, const char *end) {
    struct qm_diag diag;
    need(qm_path_join(path, &diag, folder, "/", name, end, NULL), &diag);
}

/* One FULLY_CONNECTED: X [m][k], W [n][k], b [n] to Y [m][n]. */
static void write_network(const struct product *p, const struct network *net, const char *folder) {
    static struct build_model model;
    static struct fbb file;
    enum build_type bytes = net->is_signed ? BUILD_INT8 : BUILD_UINT8;
    int32_t n = (int32_t)p->n, k = (int32_t)p->k, m = (int32_t)p->m;
    float weight_step = (float)net->weight_step, input_step = (float)INPUT_STEP;
    struct qm_diag diag;
    char path[QM_PATH_BYTES];
    model = (struct build_model){
        .tensor_count = 4,
        .tensors = {{.type = bytes, .dims = {m, k}, .scale = input_step, .zero = net->zero},
                    {.type = bytes, .dims = {n, k}, .data = net->weights, .scale = weight_step},
                    {.type = BUILD_INT32, .dims = {n}, .data = net->b, .scale = weight_step * input_step},
                    {.type = bytes, .dims = {m, n}, .scale = (float)net->output_step, .zero = net->zero}},
        .node_count = 1,
        .nodes = {{.code = FULLY_CONNECTED, .options = OPTIONS_FC, .inputs = {0, 1, 2}, .input_count = 3, .outputs = {3}}},
        .inputs = {0},
        .input_count = 1,
        .outputs = {3}};
    build_write(&model, &file);
    join(path, folder, net->name, ".tflite");
    need(qm_file_write(path, file.bytes, file.size, &diag), &diag);
}

static void write_input(const struct product *p, struct network *net, const char *folder) {
    struct qm_npy array = {.type = "u1", .rank = 2, .dims = {p->m, p->k}, .data = net->inputs};
    struct qm_diag diag;
    char path[QM_PATH_BYTES];
    if (net->is_signed) array.type[0] = 'i';
    join(path, folder, net->name, "_x.npy");
    need(qm_npy_write(path, &array, &diag), &diag);
}

static void quantize(const char *file, const char *folder) {
    struct product p = read_product(file);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        struct network net = quantized(&p, is_signed != 0);
        write_network(&p, &net, folder);
        write_input(&p, &net, folder);
        print_network(&p, &net);
    }
}

/* ---- comparing ---- */

static void compare(const char *file, const char *result) {
    struct product p = read_product(file);
    struct qm_npy y;
    struct qm_diag diag;
    double step = p.matrices[OUTPUT].at[0][0] / 255, worst = 0;
    need(qm_npy_read(result, &y, &diag), &diag);
    if (y.item_bytes != 1 || y.rank != 2 || y.dims[0] != p.m || y.dims[1] != p.n)
        refuse("%s: must be %u x %u bytes, an example in a row", result, p.m, p.n);
    int64_t zero = y.type[0] == 'i' ? INT8_ZERO : 0;
    puts("example  output    real  machine  as real  difference");
    for (unsigned i = 0; i < p.m * p.n; i++) {
        int64_t machine = qm_npy_integer(&y, i);
        double real = real_product(&p, i % p.n, i / p.n), got = (double)(machine - zero) * step;
        worst = fmax(worst, fabs(got - real));
        printf("%7u %7u %7.4f %8d %8.2f %11.4f\n", i / p.n, i % p.n, real, (int)machine, got, got - real);
    }
    printf("largest difference %.4f, %.2f steps of Y\n", worst, worst / step);
    qm_npy_free(&y);
}

int main(int argc, char **argv) {
    bool quantizes = argc == 4 && strcmp(argv[1], "quantize") == 0;
    if (!quantizes && (argc != 4 || strcmp(argv[1], "compare") != 0)) refuse("give 'quantize FILE FOLDER' or 'compare FILE Y.npy'");
    if (quantizes)
        quantize(argv[2], argv[3]);
    else
        compare(argv[2], argv[3]);
    return 0;
}
