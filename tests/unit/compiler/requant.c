/* requant.c - a rounding that overrides the file's: the machine takes it where it rounds a whole sum, and it is refused where the machine
 * has the file's rounding only. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/naive.h"
#include "tests/support/onnx_build.h"

enum { INT8 = 3, FLOAT = 1, ROWS = 64 };

static struct qm_arena *arena;
static struct onnx_build build;

static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(requant, .init = setup, .fini = teardown);

/* y = x times 1 2 -3, each sum an eighth of a step of y; x is [ROWS][1] and y [ROWS][3], both int8. */
static void open_products(void) {
    static const double weights[] = {1, 2, -3};
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {ROWS, 1}});
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){2, {1, 3}}, weights);
    onnx_build_number(&build, "half", FLOAT, 0.5);
    onnx_build_number(&build, "two", FLOAT, 2);
    onnx_build_number(&build, "one", FLOAT, 1);
    onnx_build_number(&build, "zero", INT8, 0);
    onnx_build_number(&build, "z", INT8, 5);
    onnx_build_node(&build, "DequantizeLinear", "x half zero", "xr");
    onnx_build_node(&build, "DequantizeLinear", "w half zero", "wr");
    onnx_build_node(&build, "MatMul", "xr wr", "sum");
}

/* The result of a node is y. */
static void close_products(const char *from) {
    char inputs[40] = "";
    snprintf(inputs, sizeof inputs, "%s two z", from);
    onnx_build_node(&build, "QuantizeLinear", inputs, "y");
    onnx_build_output(&build, "y");
}

static struct numbers all_numbers(uint32_t columns) {
    size_t count = (size_t)ROWS * columns;
    struct numbers numbers = {.rank = 2, .dims = {ROWS, columns}, .count = count, .values = QM_ARENA_NEW(arena, double, count)};
    for (size_t i = 0; i < count; i++) numbers.values[i] = (double)(i / columns) - ROWS / 2;
    return numbers;
}

Test(requant, sums_of_an_onnx_network_are_rounded_as_the_mode_says) {
    static const struct {
        enum qm_requant_mode mode;
        uint32_t rounding;
    } modes[] = {{QM_REQUANT_FILE, QM_rounding_EVEN}, {QM_REQUANT_TFLITE, QM_rounding_TFLITE}, {QM_REQUANT_SINGLE, QM_rounding_SINGLE},
                 {QM_REQUANT_EVEN, QM_rounding_EVEN}, {QM_REQUANT_FLOOR, QM_rounding_FLOOR},   {QM_REQUANT_AWAY, QM_rounding_AWAY}};
    open_products();
    close_products("sum");
    struct file_bytes file = onnx_build_pack(&build);
    struct numbers input = all_numbers(1), want = all_numbers(3);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        char text[600];
        for (size_t i = 0; i < want.count; i++) {
            int32_t weight = i % 3 == 2 ? -3 : (int32_t)(i % 3) + 1, sum = ((int32_t)(i / 3) - ROWS / 2) * weight;
            want.values[i] = naive_scale(sum, 1 << 30, -2, modes[m].rounding) + 5;
        }
        struct machine_case test = {.model = {file.data, file.size, "products"},
                                    .requant = modes[m].mode,
                                    .inputs = &input,
                                    .input_count = 1,
                                    .engine = &qm_device_functional};
        machine_compare(&test, &want, text, sizeof text);
        cr_expect(eq(str, text, "pass"), "%s", qm_requant_name(modes[m].mode, true));
    }
}

/* What compiling at a rounding says; "" when it is taken. */
static const char *refusal(enum qm_requant_mode mode) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_model_bytes model = {file.data, file.size, "products"};
    struct qm_compile_options options = {.requant = mode};
    struct qm_machine machine;
    struct qm_program *program;
    static struct qm_diag diag;
    qm_machine_init(&machine);
    if (qm_compile(&model, &machine, &options, &program, &diag) != QM_OK) return diag.text;
    qm_program_destroy(program);
    return "";
}

Test(requant, a_constant_on_the_product_is_rounded_half_to_even_or_refused) {
    open_products();
    onnx_build_number(&build, "c", FLOAT, 0.3);
    onnx_build_node(&build, "Add", "sum c", "more");
    close_products("more");
    cr_expect(eq(str, (char *)refusal(QM_REQUANT_EVEN), ""));
    cr_expect(strstr(refusal(QM_REQUANT_FLOOR), "not as --requant floor says") != NULL, "%s", refusal(QM_REQUANT_FLOOR));
}

Test(requant, what_the_file_rounds_itself_is_not_rounded_otherwise) {
    onnx_build_integer(&build, arena, 1);
    cr_expect(eq(str, (char *)refusal(QM_REQUANT_EVEN), ""));
    cr_expect(strstr(refusal(QM_REQUANT_AWAY), "the file itself rounds its sums, not as --requant away says") != NULL, "%s",
              refusal(QM_REQUANT_AWAY));
}
