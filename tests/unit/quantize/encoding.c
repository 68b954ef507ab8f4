/* encoding.c - encodings of ranges, by worked numbers, and arrays in them. */
#include "quantize/encoding.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

TestSuite(encoding);

struct example {
    struct qm_format format;
    struct qm_range range;
    struct qm_encoding want;
};

ParameterizedTestParameters(encoding, of_a_range) {
    static struct example examples[] = {
        /* asymmetric: 255 steps of 0.02; 1 is 50 of them above the lowest */
        {{8, false, false, false, false}, {-1, 4.1}, {0.02F, 50, 0, 255}},
        {{8, true, false, false, false}, {-1, 4.1}, {0.02F, -78, -128, 127}},
        {{4, false, false, false, false}, {0, 7.5}, {0.5F, 0, 0, 15}},
        {{4, true, false, false, false}, {-7.5, 0}, {0.5F, 7, -8, 7}},
        /* a range that is widened to 0 */
        {{4, false, false, false, false}, {3, 7.5}, {0.5F, 0, 0, 15}},
        {{4, false, false, false, false}, {-7.5, -3}, {0.5F, 15, 0, 15}},
        /* symmetric */
        {{8, true, true, false, false}, {-1.27, 0.5}, {0.01F, 0, -127, 127}},
        {{4, true, true, false, false}, {-0.5, 1.4}, {0.2F, 0, -7, 7}},
        {{2, true, true, false, false}, {-0.75, 0.5}, {0.75F, 0, -1, 1}},
        {{4, false, true, false, false}, {-3, 7.5}, {0.5F, 0, 0, 15}},
        /* powers of two, upwards */
        {{4, true, true, true, false}, {-0.5, 1.4}, {0.25F, 0, -7, 7}},
        {{8, false, false, true, false}, {-1, 4.1}, {0.03125F, 32, 0, 255}},
        {{4, true, true, true, false}, {-1.75, 1.75}, {0.25F, 0, -7, 7}},
        /* zeros alone, and less than the smallest scale */
        {{8, true, true, false, false}, {0, 0}, {1, 0, -127, 127}},
        {{8, true, false, false, false}, {0, 0}, {1, -128, -128, 127}},
        {{8, true, true, false, false}, {0, 1e-30}, {QM_SCALE_MIN, 0, -127, 127}},
    };
    return cr_make_param_array(struct example, examples, sizeof examples / sizeof *examples);
}

ParameterizedTest(struct example *example, encoding, of_a_range) {
    struct qm_encoding got = qm_encoding_of(&example->format, example->range);
    cr_assert(epsilon_eq(flt, got.scale, example->want.scale, example->want.scale * 1e-6F));
    cr_assert(eq(i32, got.zero, example->want.zero));
    cr_assert(eq(i32, got.low, example->want.low));
    cr_assert(eq(i32, got.high, example->want.high));
}

Test(encoding, rounds_ties_to_even_and_cuts) {
    struct qm_encoding encoding = {0.5F, 3, 0, 15};
    static const float reals[] = {0, 0.25F, 0.75F, -0.25F, -0.75F, 0.5F, 100, -100, 1e30F, -INFINITY};
    static const int32_t integers[] = {3, 3, 5, 3, 1, 4, 15, 0, 15, 0};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) cr_assert(eq(i32, qm_quantize(&encoding, reals[i]), integers[i]));
    cr_assert(eq(flt, qm_dequantize(&encoding, 0), -1.5F));
}

Test(encoding, zero_is_exact_in_every_encoding) {
    for (uint32_t bits = 2; bits <= 8; bits++)
        for (int form = 0; form < 16; form++) {
            struct qm_format format = {bits, form & 1, form & 2, form & 4, form & 8};
            struct qm_encoding encoding = qm_encoding_of(&format, (struct qm_range){-1.37, 2.11});
            cr_assert(eq(flt, qm_dequantize(&encoding, qm_quantize(&encoding, 0)), 0));
        }
}

Test(encoding, each_channel_of_an_array_has_its_own) {
    static const struct qm_encoding encodings[] = {{1, 0, -7, 7}, {0.5F, 1, -7, 7}};
    static const struct qm_channels shape = {2, 2, 3}; /* outer, channels, inner */
    static const float reals[] = {1, 2, 3, 1, 2, 3, -1, -20, 0.4F, -1, 0, 0.4F};
    static const int32_t want[] = {1, 2, 3, 3, 5, 7, -1, -7, 0, -1, 1, 2};
    int32_t integers[12];
    qm_quantize_all(encodings, &shape, reals, integers);
    for (size_t i = 0; i < 12; i++) cr_assert(eq(i32, integers[i], want[i]));
}

Test(encoding, short_scales_have_exact_products) {
    const struct qm_format format = {.bits = 8, .is_signed = true, .is_short = true};
    for (int i = 1; i < 200; i++) {
        struct qm_range range = {-0.37 * i, 1.0 / i};
        struct qm_encoding encoding = qm_encoding_of(&format, range), other = qm_encoding_of(&format, (struct qm_range){-1.0 / i, 1});
        double exact = (range.high - range.low) / 255, product = (double)encoding.scale * (double)other.scale;
        cr_assert(ge(dbl, (double)encoding.scale, exact));
        cr_assert(le(dbl, (double)encoding.scale, exact * (1 + 0x1p-11)));
        cr_assert(eq(dbl, (double)(float)product, product));
    }
}
