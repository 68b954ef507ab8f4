/* numbers.c - elements of constants of every type, at any address, and what they mean. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "evaluate/evaluate.h"

TestSuite(numbers);

/* Element 1 of two, a byte behind an address that is aligned. */
static struct qm_graph_tensor second(enum qm_dtype dtype, const void *element, uint8_t *room) {
    memset(room, 0x55, 32);
    memcpy(room + 1 + qm_dtype_bytes(dtype), element, qm_dtype_bytes(dtype));
    return (struct qm_graph_tensor){.dtype = dtype, .rank = 1, .dims = {2}, .data = room + 1};
}

Test(numbers, every_type_at_any_address) {
    _Alignas(8) uint8_t room[32];
    struct qm_graph_tensor tensor;
    tensor = second(QM_I8, &(int8_t){-128}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), -128));
    tensor = second(QM_U8, &(uint8_t){255}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), 255));
    tensor = second(QM_I16, &(int16_t){-32768}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), -32768));
    tensor = second(QM_U16, &(uint16_t){65535}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), 65535));
    tensor = second(QM_I32, &(int32_t){INT32_MIN}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), INT32_MIN));
    tensor = second(QM_I64, &(int64_t){INT64_MAX - 1}, room);
    cr_expect(eq(i64, evaluate_integer(&tensor, 1), INT64_MAX - 1));
    tensor = second(QM_F32, &(float){0.1F}, room);
    cr_expect(eq(dbl, evaluate_stored(&tensor, 1), (double)0.1F));
    tensor = second(QM_F64, &(double){0.1}, room);
    cr_expect(eq(dbl, evaluate_stored(&tensor, 1), 0.1));
    tensor = second(QM_I32, &(int32_t){-7}, room);
    cr_expect(eq(dbl, evaluate_stored(&tensor, 1), -7.0));
}

Test(numbers, quantized_ones_are_real) {
    static const int8_t stored[] = {1, 2, 3, 4};
    static const float scales[] = {0.5F, 2};
    static const int64_t zeros[] = {1, -1};
    struct qm_graph_tensor tensor = {.dtype = QM_I8, .rank = 2, .dims = {2, 2}, .data = stored};
    tensor.quant = (struct qm_quant){.count = 2, .scale = scales, .zero_point = zeros, .axis = 1};
    static const double by_column[] = {0, 6, 1, 10}, by_row[] = {0, 0.5, 8, 10}, by_one[] = {0, 0.5, 1, 1.5};
    struct qm_arena *arena = qm_arena_create();
    const double *numbers = evaluate_numbers(&tensor, arena);
    for (int i = 0; i < 4; i++) cr_expect(eq(dbl, numbers[i], by_column[i]));
    tensor.quant.axis = 0;
    numbers = evaluate_numbers(&tensor, arena);
    for (int i = 0; i < 4; i++) cr_expect(eq(dbl, numbers[i], by_row[i]));
    tensor.quant.count = 1;
    numbers = evaluate_numbers(&tensor, arena);
    for (int i = 0; i < 4; i++) cr_expect(eq(dbl, numbers[i], by_one[i]));
    qm_arena_destroy(arena);
}

static void expect_range(struct qm_graph_tensor tensor, double low, double high) {
    double lowest, highest;
    cr_assert(evaluate_range(&tensor, &lowest, &highest));
    cr_expect(eq(dbl, lowest, low));
    cr_expect(eq(dbl, highest, high));
}

Test(numbers, ranges_of_types_and_of_fewer_bits) {
    double low, high;
    expect_range((struct qm_graph_tensor){.dtype = QM_I8}, -128, 127);
    expect_range((struct qm_graph_tensor){.dtype = QM_U8, .bits = 4}, 0, 15);
    expect_range((struct qm_graph_tensor){.dtype = QM_I8, .bits = 2}, -2, 1);
    expect_range((struct qm_graph_tensor){.dtype = QM_U16}, 0, 65535);
    expect_range((struct qm_graph_tensor){.dtype = QM_I32}, INT32_MIN, INT32_MAX);
    cr_expect(evaluate_range(&(struct qm_graph_tensor){.dtype = QM_F32}, &low, &high) == false);
}
